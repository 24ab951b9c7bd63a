import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { WanGPError } from '../errors';
import type { CoreAddon, LoaderAddon } from './native';
import type { PythonEnvironment } from '../python/find';

/** The folder of this package, from `lib/runtime/` and `dist/runtime/` alike. */
export const PACKAGE_ROOT = path.join(__dirname, '..', '..');

/** Holds the Python side of the bridge and the sample root. */
export const PYTHON_FOLDER = path.join(PACKAGE_ROOT, 'python');

/** What was built here comes before what was published. */
const BINARY_FOLDERS = [
  path.join(PACKAGE_ROOT, 'build', 'Release'),
  path.join(PACKAGE_ROOT, 'prebuilds', `${process.platform}-${process.arch}`),
];

/** `3.11` to `core.cp311.node`. */
function coreName(minor: string): string {
  return `core.cp${minor.replace('.', '')}.node`;
}

function findBinary(name: string): string | undefined {
  return BINARY_FOLDERS.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

function dlopen(file: string): unknown {
  const module = { exports: {} };
  try {
    // What is missing fails here, not at its first use.
    process.dlopen(module, file, constants.dlopen.RTLD_NOW);
  } catch (cause) {
    throw new WanGPError(
      'ERR_WANGP_ADDON_LOAD',
      `${file} could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}. ` +
        'Build it for this machine: npm run build (in the folder of wangp-node)',
      { cause },
    );
  }
  return module.exports;
}

function missing(name: string, why: string, python: string): WanGPError {
  return new WanGPError(
    'ERR_WANGP_CORE_MISSING',
    `${why}: ${name} is in none of ${BINARY_FOLDERS.join(', ')}. ` +
      `Build it: npm run build -- --python "${python}" (in ${PACKAGE_ROOT})`,
  );
}

/**
 * Opens the interpreter's libpython and loads the core that was built for its version.
 * Rejects with `ERR_WANGP_CORE_MISSING`, `ERR_WANGP_ADDON_LOAD` or `ERR_WANGP_PYTHON_IN_USE`.
 */
export function loadCore(python: PythonEnvironment): { readonly core: CoreAddon; readonly deepBind: boolean } {
  const loaderFile = findBinary('loader.node');
  if (loaderFile === undefined) throw missing('loader.node', 'the native addon is not built', python.executable);
  const coreFile = findBinary(coreName(python.minor));
  if (coreFile === undefined) {
    const why = `there is no native core for Python ${python.minor} (${python.executable})`;
    throw missing(coreName(python.minor), why, python.executable);
  }
  const loader = dlopen(loaderFile) as LoaderAddon;
  try {
    loader.openPython(python.libraryPath, { deepBind: loader.deepBinds });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new WanGPError((code ?? 'ERR_WANGP_ADDON_LOAD') as WanGPError['code'], message, { cause });
  }
  return { core: dlopen(coreFile) as CoreAddon, deepBind: loader.deepBinds };
}

/** The core of the Python that another environment of this process has started, for its minor version. */
export function joinCore(minor: string): CoreAddon {
  const file = findBinary(coreName(minor));
  if (file === undefined) throw missing(coreName(minor), `there is no native core for Python ${minor}`, 'python');
  return dlopen(file) as CoreAddon;
}
