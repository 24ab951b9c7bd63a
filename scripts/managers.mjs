// The package managers that tests install with: each of a fixed version, fetched once into .cache/managers.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CACHE, fail, once, run, say } from './lib.mjs';

const IS_WINDOWS = process.platform === 'win32';
const exe = (name) => (IS_WINDOWS ? `${name}.exe` : name);
const os = IS_WINDOWS ? 'windows' : process.platform;
const cpu = process.arch === 'arm64' ? 'aarch64' : 'x64';

const denoPlatform = { linux: '-glibc', win32: '', darwin: '' }[process.platform];

const npx = ([node, npm]) => [node, path.join(path.dirname(npm), 'npx-cli.js'), 'wangp-node'];

/**
 * `package`: what is fetched. `program(modules)`: what runs it, where its packages are in that folder. `add(spec)`: the
 * arguments that install. `files`: what the project needs to have. `node`: what runs a program in such a project, where
 * that isn't node itself. `noise`: lines of its output that have nothing to do with what is installed.
 */
export const MANAGERS = {
  npm10: {
    package: 'npm@10.9.9',
    program: (modules) => [process.execPath, path.join(modules, 'npm', 'bin', 'npm-cli.js')],
    commandLine: npx,
    add: (spec) => ['install', '--no-audit', '--no-fund', spec],
  },
  npm11: {
    package: 'npm@11.21.2',
    program: (modules) => [process.execPath, path.join(modules, 'npm', 'bin', 'npm-cli.js')],
    commandLine: npx,
    add: (spec) => ['install', '--no-audit', '--no-fund', spec],
  },
  pnpm: {
    package: 'pnpm@12.21.0',
    program: (modules) => [process.execPath, path.join(modules, 'pnpm', 'bin', 'pnpm.mjs')],
    commandLine: (program) => [...program, 'exec', 'wangp-node'],
    add: (spec) => ['add', spec],
  },
  yarn1: {
    package: 'yarn@1.22.22',
    program: (modules) => [process.execPath, path.join(modules, 'yarn', 'bin', 'yarn.js')],
    commandLine: (program) => [...program, '--silent', 'wangp-node'],
    add: (spec) => ['add', spec],
  },
  yarn4: {
    package: '@yarnpkg/cli-dist@4.18.1',
    program: (modules) => [process.execPath, path.join(modules, '@yarnpkg', 'cli-dist', 'bin', 'yarn.js')],
    commandLine: (program) => [...program, 'wangp-node'],
    add: (spec) => ['add', spec],
    files: { '.yarnrc.yml': 'nodeLinker: node-modules\nenableTelemetry: false\n', 'yarn.lock': '' },
  },
  // Plug'n'Play resolves `import` by its own loader, which a project has to ask for.
  'yarn4-pnp': {
    package: '@yarnpkg/cli-dist@4.18.1',
    program: (modules) => [process.execPath, path.join(modules, '@yarnpkg', 'cli-dist', 'bin', 'yarn.js')],
    commandLine: (program) => [...program, 'wangp-node'],
    add: (spec) => ['add', spec],
    files: { '.yarnrc.yml': 'nodeLinker: pnp\npnpEnableEsmLoader: true\nenableTelemetry: false\n', 'yarn.lock': '' },
    node: (program) => [...program, 'node'],
  },
  bun: {
    package: 'bun@1.4.5',
    program: (modules) => [path.join(modules, '@oven', `bun-${os}-${cpu}`, 'bin', exe('bun'))],
    commandLine: (program) => [...program, 'run', '--bun', 'wangp-node'],
    add: (spec) => ['add', spec],
    node: (program) => program,
  },
  deno: {
    package: 'deno@2.9.6',
    program: (modules) => [
      path.join(modules, '@deno', `${process.platform}-${process.arch}${denoPlatform}`, exe('deno')),
    ],
    commandLine: (program) => [...program, 'run', '--allow-all', 'npm:wangp-node'],
    add: (spec) => ['add', `npm:${spec}`],
    // Deno takes packages from a registry alone.
    registryOnly: true,
    node: (program) => [...program, 'run', '--allow-all'],
  },
};

/** The command line of a package manager, as an array; fetches it where it isn't there. */
export async function managerProgram(name) {
  const manager = MANAGERS[name];
  if (manager === undefined) fail(`there is no package manager ${name}: ${Object.keys(MANAGERS).join(', ')}`);
  const folder = path.join(CACHE, 'managers', manager.package.replace(/^@/, '').replace('/', '-'));
  const program = manager.program(path.join(folder, 'node_modules'));
  await once(`manager ${path.basename(folder)}`, { inputs: [], outputs: [program.at(-1)] }, async () => {
    say(`fetching ${manager.package}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
    await runNpm(['install', '--ignore-scripts', '--no-audit', '--no-fund', manager.package], { cwd: folder });
  });
  return program;
}

/** npm as this script was started by, else the one on PATH. */
export function runNpm(args, options) {
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('npm-cli.js')) return run(process.execPath, [npm, ...args], options);
  return run('npm', args, options);
}
