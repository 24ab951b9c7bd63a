/** Where this package's files are, whether this code is still among them, and for which platforms there are binaries. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { unpacked } from '../asar';
import { WanGPError } from '../errors';

/** The platforms that binaries are published for, in Node's words. */
export const PREBUILT_PLATFORMS = ['linux-x64', 'linux-arm64', 'win32-x64', 'darwin-arm64', 'darwin-x64'] as const;

export const PLATFORM = `${process.platform}-${process.arch}`;

/**
 * The folder that this code runs from, from `lib/runtime/` and `dist/runtime/` alike. In a bundle it is another folder:
 * an ES module has no `__dirname`, a CommonJS one has its own. {@link checkUnbundled} tells.
 */
const HOME = typeof __dirname === 'string' ? path.join(__dirname, '..', '..') : path.parse(process.execPath).root;

/** The folder of this package as Python and other processes can read it: beside the archive of an Electron app. */
export const PACKAGE_ROOT = unpacked(HOME);

/** Holds the Python side of the bridge and the sample root. */
export const PYTHON_FOLDER = path.join(PACKAGE_ROOT, 'python');

/** Whether this is the repository, and not what is published of it. */
export const IS_CLONE = existsSync(path.join(PACKAGE_ROOT, 'tsconfig.json'));

interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
}

function manifest(): Manifest {
  try {
    return JSON.parse(readFileSync(path.join(PACKAGE_ROOT, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return {};
  }
}

/** This package's version; an empty text where its `package.json` is out of reach. */
export function packageVersion(): string {
  const { version } = manifest();
  return typeof version === 'string' ? version : '';
}

/** What follows the place that bundled code runs from; `dist/bundled.mjs` says it too. */
export const BUNDLED_ADVICE =
  ', away from its native addon and its Python files. Make it external, so that it is loaded from node_modules:\n' +
  '  esbuild   --external:wangp-node\n' +
  "  webpack   externals: { 'wangp-node': 'commonjs wangp-node' }\n" +
  "  rollup    external: ['wangp-node']\n" +
  "  Vite      ssr: { external: ['wangp-node'] }\n" +
  "  Next.js   serverExternalPackages: ['wangp-node']\n" +
  'docs/bundlers.md of wangp-node has each in full';

/** The Node that a child runs in has to be unpacked too. */
const UNPACK_ADVICE =
  "  electron-builder   asarUnpack: ['node_modules/wangp-node/**', 'node_modules/node*/**']\n" +
  "  Electron Forge     packagerConfig: { asar: { unpackDir: 'node_modules/{wangp-node,node,node-*}' } }\n" +
  'docs/electron.md of wangp-node has each in full';

/**
 * Throws `ERR_WANGP_BUNDLED` where a bundler has taken this code away from the files that it needs, or an Electron app's
 * archive holds them.
 */
export function checkUnbundled(): void {
  if (manifest().name === 'wangp-node') return;
  if (PACKAGE_ROOT !== HOME) {
    throw new WanGPError(
      'ERR_WANGP_BUNDLED',
      `wangp-node was packed into an archive: its code runs from ${HOME}, out of which Python can't read. Leave the ` +
        `whole package unpacked, so that it lies in ${PACKAGE_ROOT}:\n${UNPACK_ADVICE}`,
    );
  }
  throw new WanGPError(
    'ERR_WANGP_BUNDLED',
    `wangp-node was bundled: its code runs from ${typeof __dirname === 'string' ? __dirname : 'an ES module'}${BUNDLED_ADVICE}`,
  );
}

/** The command that builds the addon from its sources for an interpreter, as it is typed here. */
export function buildCommand(python?: string): string {
  const option = python === undefined ? '' : ` --python "${python}"`;
  if (IS_CLONE) return `npm run compile${option === '' ? '' : ` --${option}`} (in ${PACKAGE_ROOT})`;
  // Yarn's Plug'n'Play has no node_modules/.bin, where npx looks.
  return `${process.versions['pnp'] === undefined ? 'npx' : 'yarn'} wangp-node build${option}`;
}
