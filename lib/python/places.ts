/**
 * Where interpreters stand: folders of environments, PATH, a WanGP checkout, and the usual places of a machine.
 */
import { lstat, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { absolutePath, currentDirectory } from '../directory';

const IS_WINDOWS = process.platform === 'win32';
const INTERPRETERS = IS_WINDOWS
  ? [path.join('Scripts', 'python.exe'), 'python.exe']
  : [path.join('bin', 'python3'), path.join('bin', 'python')];
/** Folders of a checkout that hold an environment: the usual names, then those that WanGP's installer gives. */
const ENVIRONMENT_FOLDERS = ['venv', '.venv', 'env', 'env_venv', 'env_uv', 'env_conda'];

export type FileKind = 'file' | 'folder' | 'dangling' | 'missing';

/** What stands at a path after all links; a link into nothing is `dangling`. */
export async function fileKind(file: string): Promise<FileKind> {
  try {
    return (await stat(file)).isDirectory() ? 'folder' : 'file';
  } catch {
    const link = await lstat(file).catch(() => undefined);
    if (link === undefined) return 'missing';
    // An app execution alias of Windows can be run and not be followed.
    return IS_WINDOWS ? 'file' : 'dangling';
  }
}

/** The interpreter of an environment's folder; a dangling link where nothing better is there. */
export async function interpreterIn(folder: string): Promise<string | undefined> {
  let dangling: string | undefined;
  for (const name of INTERPRETERS) {
    const file = path.join(folder, name);
    const kind = await fileKind(file);
    if (kind === 'file') return file;
    if (kind === 'dangling') dangling ??= file;
  }
  return dangling;
}

/** Where {@link interpreterIn} looks, for messages. */
export const INTERPRETER_NAMES = INTERPRETERS.join(' nor ');

/** The target of a link that leads nowhere. */
export async function danglingTarget(file: string): Promise<string> {
  let current = file;
  for (let depth = 0; depth < 40 && (await fileKind(current)) === 'dangling'; depth++) {
    current = path.resolve(path.dirname(current), await readlink(current));
  }
  return current;
}

/** A variable that is set to something; Windows looks names up without regard to case. */
export function variable(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  const key = IS_WINDOWS ? Object.keys(environment).find((other) => other.toUpperCase() === name) : name;
  const value = key === undefined ? undefined : environment[key];
  return value === '' ? undefined : value;
}

/** A path as a person writes it: `~` is the home folder, a relative one starts at the working directory. */
export function expandPath(written: string, environment: NodeJS.ProcessEnv): string {
  const home = homeFolder(environment);
  return absolutePath(/^~(?=$|[\\/])/.test(written) ? home + written.slice(1) : written, `\`${written}\``);
}

/** Every file of this name on PATH, in PATH's order, each once however many folders lead to it. */
export async function commandsOnPath(name: string, environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const names = IS_WINDOWS && !/\.exe$/i.test(name) ? [`${name}.exe`] : [name];
  const found: string[] = [];
  const files = pathFolders(environment).flatMap((folder) => names.map((each) => path.join(folder, each)));
  for (const file of await firstOfEachFolder(files)) {
    if ((await fileKind(file)) === 'file') found.push(file);
  }
  return found;
}

/** `/bin` is often a link to `/usr/bin`. The file itself is not resolved: environments are links to one file. */
async function firstOfEachFolder(files: readonly string[]): Promise<readonly string[]> {
  const seen = new Map<string, string>();
  for (const file of files) {
    const folder = await realpath(path.dirname(file)).catch(() => undefined);
    if (folder === undefined) continue;
    const place = path.join(folder, path.basename(file));
    if (!seen.has(place)) seen.set(place, file);
  }
  return [...seen.values()];
}

function pathFolders(environment: NodeJS.ProcessEnv): readonly string[] {
  const folders = (variable(environment, 'PATH') ?? '').split(path.delimiter);
  // Where the working directory was deleted, relative ones lead nowhere.
  const directory = currentDirectory();
  return folders
    .filter((folder) => folder !== '' && (path.isAbsolute(folder) || directory !== undefined))
    .map((folder) => path.resolve(folder));
}

/** Environments of a WanGP checkout; more than one only where nothing says which of them is WanGP's. */
export interface RootEnvironments {
  readonly folders: readonly string[];
  /** How it is known, for messages. */
  readonly reason: string;
}

/**
 * Finds the environment that WanGP is installed in: the one that `envs.json` of its installer records as active (or
 * the only one recorded), else one of the usual names, else whichever folder of the checkout is an environment.
 */
export async function rootEnvironments(root: string): Promise<RootEnvironments | undefined> {
  const recorded = await recordedEnvironment(root);
  if (recorded !== undefined) return { folders: [recorded], reason: `envs.json of ${root} records it as active` };

  const reason = `an environment in ${root}`;
  for (const name of ENVIRONMENT_FOLDERS) {
    const folder = path.join(root, name);
    if (await isEnvironment(folder)) return { folders: [folder], reason };
  }
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map((entry) => entry.name);
  const folders: string[] = [];
  for (const name of names.sort()) {
    const folder = path.join(root, name);
    if (await hasEnvironmentFile(folder)) folders.push(folder);
  }
  return folders.length === 0 ? undefined : { folders, reason };
}

async function recordedEnvironment(root: string): Promise<string | undefined> {
  let record: unknown;
  try {
    record = JSON.parse(await readFile(path.join(root, 'envs.json'), 'utf8'));
  } catch {
    // Without a file, or with a corrupt one, the installer itself starts from nothing.
    return undefined;
  }
  const { active, envs } = (record ?? {}) as { active?: unknown; envs?: unknown };
  if (typeof envs !== 'object' || envs === null) return undefined;
  const all = envs as Record<string, { path?: unknown } | null>;
  const names = Object.keys(all);
  const name = typeof active === 'string' ? active : names.length === 1 ? names[0] : undefined;
  const folder = name === undefined || !Object.hasOwn(all, name) ? undefined : all[name]?.path;
  // An installation without an environment ("none") has no path: it uses the Python on PATH.
  return typeof folder === 'string' && folder !== '' ? path.resolve(root, folder) : undefined;
}

async function isEnvironment(folder: string): Promise<boolean> {
  return (await hasEnvironmentFile(folder)) || (await interpreterIn(folder)) !== undefined;
}

async function hasEnvironmentFile(folder: string): Promise<boolean> {
  const isVenv = (await fileKind(path.join(folder, 'pyvenv.cfg'))) === 'file';
  return isVenv || (await fileKind(path.join(folder, 'conda-meta'))) === 'folder';
}

/** Every interpreter in PATH's folders and where pyenv, uv, conda and systems install them, each file once. */
export async function machineInterpreters(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const home = homeFolder(environment);
  const pyenv = variable(environment, 'PYENV_ROOT') ?? path.join(home, '.pyenv');
  const shims = path.join(pyenv, 'shims');
  const usual = IS_WINDOWS ? [] : ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];
  // A shim costs a shell and answers as one of the versions that are listed anyway.
  const folders = [...pathFolders(environment), ...usual].filter((folder) => folder !== shims);
  const named = await Promise.all(folders.map((folder) => interpretersNamedIn(folder)));
  const installed = await Promise.all(
    [...(await installations(environment, home, pyenv))].map((folder) => interpreterIn(folder)),
  );
  const files = [...named.flat(), ...installed.filter((file) => file !== undefined)];

  const seen = new Map<string, string>();
  for (const file of files) {
    const key = await identity(file);
    if (key !== undefined && !seen.has(key)) seen.set(key, file);
  }
  return [...seen.values()];
}

async function interpretersNamedIn(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^python(3(\.\d+t?)?)?(\.exe)?$/i.test(name));
  return names
    .sort()
    .reverse()
    .map((name) => path.join(folder, name));
}

async function installations(environment: NodeJS.ProcessEnv, home: string, pyenv: string): Promise<readonly string[]> {
  const data = variable(environment, 'XDG_DATA_HOME') ?? path.join(home, '.local', 'share');
  const local = variable(environment, 'LOCALAPPDATA');
  const parents = IS_WINDOWS
    ? [
        path.join(home, '.pyenv', 'pyenv-win', 'versions'),
        ...(local === undefined ? [] : [path.join(local, 'Programs', 'Python')]),
        path.join(variable(environment, 'APPDATA') ?? home, 'uv', 'python'),
      ]
    : [path.join(pyenv, 'versions'), path.join(data, 'uv', 'python'), '/Library/Frameworks/Python.framework/Versions'];
  const conda = ['miniconda3', 'anaconda3', 'miniforge3'].map((name) => path.join(home, name));
  const children = await Promise.all(
    parents.map(async (parent) => (await readdir(parent).catch(() => [])).map((name) => path.join(parent, name))),
  );
  return [...children.flat(), ...conda];
}

/** Two paths with the same identity are the same interpreter: the same file, and the same environment if any. */
async function identity(file: string): Promise<string | undefined> {
  const folder = path.dirname(file);
  const real = await realpath(file).catch(() => undefined);
  if (real === undefined) return IS_WINDOWS ? file : undefined;
  for (const prefix of [folder, path.dirname(folder)]) {
    if ((await fileKind(path.join(prefix, 'pyvenv.cfg'))) === 'file') return `${await realpath(prefix)} ${real}`;
  }
  return real;
}

function homeFolder(environment: NodeJS.ProcessEnv): string {
  return variable(environment, 'HOME') ?? os.homedir();
}
