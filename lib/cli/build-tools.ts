/** What a build from source needs besides a compiler, fetched once into a cache folder: node-gyp and headers. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { WanGPError } from '../errors';
import { commandsOnPath } from '../python/places';
import type { PythonFacts } from '../python/suitability';
import { lastLines, ProgramFailure, run, type RunOptions } from './run';

const NPM_PACKAGES = { 'node-addon-api': '^8.9.0', 'node-gyp': '^12.0.0' };
const PYBIND11 = 'pybind11>=3.0,<4';

/** Programs and folders of headers, as `buildAddon` takes them. */
export interface BuildTools {
  readonly nodeGyp: string;
  readonly nodeAddonApi: string;
  readonly pybind11: string;
}

function failure(what: string, advice: string, cause: unknown): WanGPError {
  const output = cause instanceof ProgramFailure ? `:\n${lastLines(cause.output)}\n` : ': ';
  const reason = cause instanceof ProgramFailure ? '' : `${String(cause)}. `;
  return new WanGPError('ERR_WANGP_BUILD', `${what}${output}${reason}${advice}`, { cause });
}

/** Everything that the build needs, in `folder`; quick where it is there. Rejects with `ERR_WANGP_BUILD`. */
export async function fetchBuildTools(folder: string, python: PythonFacts, options: RunOptions): Promise<BuildTools> {
  const versions = Object.entries(NPM_PACKAGES).map(([name, range]) => `${name}-${range.replace(/[^\d.]/g, '')}`);
  const npm = await made(path.join(folder, versions.join('-')), (fresh) => installNpmPackages(fresh, options));
  const headers = await made(path.join(folder, 'pybind11-3'), (fresh) => fetchPybind11(fresh, python, options));
  const modules = path.join(npm, 'node_modules');
  return {
    nodeGyp: path.join(modules, 'node-gyp', 'bin', 'node-gyp.js'),
    nodeAddonApi: path.join(modules, 'node-addon-api'),
    pybind11: path.join(headers, 'pybind11', 'include'),
  };
}

/** A folder that is there as a whole or not at all, whoever else makes it at the same time. */
async function made(folder: string, make: (fresh: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${randomUUID()}`;
  try {
    await mkdir(fresh, { recursive: true });
    await make(fresh);
    await rename(fresh, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function installNpmPackages(folder: string, options: RunOptions): Promise<void> {
  const manifest = { private: true, dependencies: NPM_PACKAGES };
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  const advice =
    'node-gyp and node-addon-api come from the npm registry: a machine without network can copy the folder ' +
    `${path.dirname(folder)} of one that has built before`;
  const npm = await npmCommand();
  if (npm === undefined) throw failure('there is no npm', `Install npm, which comes with Node. ${advice}`, 'not found');
  const [program, ...first] = npm as [string, ...string[]];
  try {
    // Nothing of the package manager that started this may decide where npm installs to.
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^npm_(?!config_.*(registry|proxy|ca))/i.test(name),
    );
    const env = { ...Object.fromEntries(inherited), INIT_CWD: folder };
    await run(program, [...first, ...args], { ...options, cwd: folder, env });
  } catch (error) {
    throw failure('npm could not install node-gyp and node-addon-api', advice, error);
  }
}

/** npm's own file where it can be found: Windows starts no `npm.cmd` without a shell. */
async function npmCommand(): Promise<readonly string[] | undefined> {
  const near = path.dirname(process.execPath);
  const [onPath] = process.platform === 'win32' ? [] : await commandsOnPath('npm', process.env);
  const candidates = [
    process.env['npm_execpath'] ?? '',
    path.join(near, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    path.join(near, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    ...(process.env['PATH'] ?? '')
      .split(path.delimiter)
      .map((each) => path.join(each, 'node_modules', 'npm', 'bin', 'npm-cli.js')),
  ];
  const file = candidates.find((each) => path.basename(each) === 'npm-cli.js' && existsSync(each));
  if (file !== undefined) return [process.execPath, file];
  return onPath === undefined ? undefined : [onPath];
}

/** pybind11's headers from PyPI, by the interpreter's own pip, which knows the user's index and proxy. */
export async function fetchPybind11(folder: string, python: PythonFacts, options: RunOptions = {}): Promise<void> {
  const pip = await pipOf(python, path.join(folder, 'pip'));
  const args = [
    '-m',
    'pip',
    'install',
    '-q',
    '--disable-pip-version-check',
    '--no-deps',
    '--upgrade',
    '--target',
    folder,
  ];
  try {
    await run(pip, [...args, PYBIND11], options);
  } catch (error) {
    throw failure('pip could not fetch the headers of pybind11', 'They come from PyPI, by network', error);
  }
}

/** An interpreter with pip: this one, or a virtual environment that is made for it in `folder`. */
export async function pipOf(python: PythonFacts, folder: string): Promise<string> {
  const hasPip = await run(python.executable, ['-m', 'pip', '--version']).then(
    () => true,
    () => false,
  );
  if (hasPip) return python.executable;
  try {
    await run(python.baseExecutable, ['-m', 'venv', folder]);
  } catch (error) {
    const advice =
      process.platform === 'linux'
        ? `Install it: \`apt install python${python.minor}-venv\` on Debian and Ubuntu, \`dnf install python3-pip\` on Fedora and RHEL`
        : `Install it: \`${python.executable} -m ensurepip\``;
    throw failure(`${python.executable} has no pip`, advice, error);
  }
  return process.platform === 'win32' ? path.join(folder, 'Scripts', 'python.exe') : path.join(folder, 'bin', 'python');
}
