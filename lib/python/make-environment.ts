/** Makes virtual environments, and says why one could not be made. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { WanGPError } from '../errors';
import { interpreterIn } from './places';
import type { PythonFacts } from './suitability';

export interface MakeOptions {
  /** @default process.env */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Whether the environment also sees the packages of its base. @default false */
  readonly systemPackages?: boolean | undefined;
}

/** A program ended otherwise than well; `output` is what it printed. */
class Failed extends Error {
  constructor(
    readonly output: string,
    cause?: unknown,
  ) {
    super(output, { cause });
  }
}

/** Of what a program prints, its end tells why it failed. */
const KEPT_CHARACTERS = 1 << 16;

/**
 * A fresh virtual environment in `folder`, made from `base`, with what `packages` (arguments of `pip install`) names.
 * Returns its interpreter. Rejects with `ERR_WANGP_SETUP`, and then leaves no folder.
 */
export async function makeEnvironment(
  folder: string,
  base: PythonFacts,
  packages: readonly string[],
  { environment = process.env, systemPackages = false }: MakeOptions = {},
): Promise<string> {
  const variables = pipVariables(environment);
  // A process that is ended by Ctrl-C leaves no half of an environment behind.
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);
  try {
    await rm(folder, { recursive: true, force: true });
    const options = systemPackages ? ['--system-site-packages'] : [];
    // Where venv itself installs pip, it does not say why that fails.
    await run(base.baseExecutable, ['-m', 'venv', '--without-pip', ...options, folder], variables);
    const executable = await interpreterIn(folder);
    if (executable === undefined) throw new Failed(`${folder} has no interpreter`);
    await run(executable, ['-I', '-m', 'ensurepip', '--upgrade', '--default-pip'], variables);
    if (packages.length > 0) await install(executable, packages, folder, base, environment);
    return executable;
  } catch (error) {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    throw error instanceof Failed ? explain(error, folder, base) : error;
  } finally {
    process.off('exit', remove);
  }
}

/**
 * Installs packages (arguments of `pip install`) into an environment, and says why that fails. Rejects with
 * `ERR_WANGP_SETUP`; `folder` and `base` are for its message.
 */
export async function install(
  executable: string,
  packages: readonly string[],
  folder: string,
  base: PythonFacts,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  // A package that has to be compiled first would ask for a compiler, and for the headers of many libraries.
  const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--only-binary=:all:'];
  try {
    await run(executable, [...pip, ...packages], pipVariables(environment));
  } catch (error) {
    throw error instanceof Failed ? explain(error, folder, base) : error;
  }
}

/** The caller's variables, less those that send pip elsewhere than into the environment. */
function pipVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const variables = { ...environment };
  for (const name of ['PIP_TARGET', 'PIP_PREFIX', 'PIP_ROOT', 'PYTHONHOME', '__PYVENV_LAUNCHER__']) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a copy of the environment
    delete variables[name];
  }
  return { ...variables, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0', PYTHONUTF8: '1' };
}

/** Runs a program to its end, in the group of this process: Ctrl-C reaches both. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    const end = (): void => void child.kill('SIGKILL');
    // Before the folder is removed: it would go on filling it.
    process.prependOnceListener('exit', end);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-KEPT_CHARACTERS);
      });
    }
    child.once('error', (error) => reject(new Failed(error.message, error)));
    child.once('close', (code, signal) => {
      process.off('exit', end);
      if (code === 0) resolve();
      else reject(new Failed(output.trim() === '' ? `it ended with ${signal ?? `code ${code}`}` : output));
    });
  });
}

const FULL_DISK = /Errno 28|No space left|WinError 112|not enough space/i;
const NO_VENV = /ensurepip is not|No module named '?(?:venv|ensurepip)/;
const NO_PERMISSION = /Errno 13|Permission denied|WinError 5\b/;
const NO_NETWORK =
  /NewConnectionError|NameResolutionError|Max retries exceeded|Connect(?:ion)?Timeout|Read timed out|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED|Connection (?:refused|reset|aborted|broken)/i;

function explain(failure: Failed, folder: string, base: PythonFacts): WanGPError {
  const [why, remedy] = reason(failure.output, folder, base);
  return new WanGPError('ERR_WANGP_SETUP', `the environment ${folder} could not be made: ${why}. ${remedy}`, {
    cause: failure,
  });
}

function reason(output: string, folder: string, base: PythonFacts): readonly [why: string, remedy: string] {
  if (FULL_DISK.test(output)) return ['the disk is full', `Free 500 MB on the disk of ${folder} and try again`];
  if (NO_VENV.test(output)) {
    const package_ = base.basePrefix === '/usr' ? `python${base.minor}-venv` : undefined;
    const install = package_ === undefined ? 'install it' : `install it: \`apt install ${package_}\``;
    return [
      `${base.baseExecutable} has no module venv (or ensurepip), of which environments are made`,
      `On Debian and Ubuntu, ${install}. Or name another Python with --python`,
    ];
  }
  if (NO_NETWORK.test(output)) {
    return [
      `pip could not reach the index of Python packages: ${lastLine(output)}`,
      'Connect this machine to the internet and try again. Behind a proxy, set HTTPS_PROXY; for an index of your own, PIP_INDEX_URL',
    ];
  }
  const missing = /No matching distribution found for ([^\s(]+)/.exec(output)?.[1];
  if (missing !== undefined) {
    return [
      `there is no binary of ${missing} for CPython ${base.version} on this platform`,
      'Name a Python of another version with --python: 3.11 and 3.12 have most packages',
    ];
  }
  if (NO_PERMISSION.test(output)) {
    return [lastLine(output), `Give this user the right to write in ${folder}, or set XDG_CACHE_HOME to another folder`];
  }
  return [lastLine(output), 'If what that says does not help, name another Python with --python'];
}

function lastLine(output: string): string {
  const lines = output.split(/\r?\n/).filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /error/i.test(line));
  return (errors.at(-1) ?? lines.at(-1) ?? 'it did not say why').trim().replace(/\.$/, '').slice(-400);
}
