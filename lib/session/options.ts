import path from 'node:path';
import { type Callbacks, checkCallbacks, checkForMisplacedCallbacks } from '../job/callbacks';
import {
  checkBoolean,
  checkNoNul,
  checkOptions,
  checkPath,
  checkSignal,
  checkStrings,
  describe,
  invalid,
  isGiven,
  isObject,
} from '../validate';

export interface InitOptions {
  /**
   * The WanGP checkout.
   * @default `WANGP_ROOT`, else the embedded sample root
   */
  readonly root?: string | null | undefined;
  /**
   * A file named `wgp_config.json`.
   * @default the one in `root`
   */
  readonly configPath?: string | null | undefined;
  /**
   * Where outputs go.
   * @default the folders that the configuration names
   */
  readonly outputDir?: string | null | undefined;
  /** The callbacks of every job that brings none of its own. */
  readonly callbacks?: Callbacks | null | undefined;
  /** Startup flags of WanGP, `["--attention", "sdpa"]`. */
  readonly cliArgs?: readonly string[] | null | undefined;
  /**
   * Whether what WanGP prints goes to this process's console too.
   * @default true
   */
  readonly consoleOutput?: boolean | null | undefined;
  /**
   * Whether WanGP's console says that it is a terminal.
   * @default true
   */
  readonly consoleIsatty?: boolean | null | undefined;
  /** The state of a live WanGP web interface; for integrations inside WanGP. */
  readonly webuiState?: Readonly<Record<string, unknown>> | null | undefined;
  /**
   * The interpreter that WanGP is installed in: a path, the folder of an environment, or a command.
   * @default `WANGP_PYTHON`, an environment in `root`, `VIRTUAL_ENV`, `CONDA_PREFIX`, `python3` on PATH
   */
  readonly python?: string | null | undefined;
  /** Environment variables, set in this process before WanGP is imported; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>> | null | undefined;
  /** Folders that come first in `sys.path`. */
  readonly pythonPath?: readonly string[] | null | undefined;
  /** Modules, or `.py` files, to import before WanGP. */
  readonly preImport?: readonly string[] | null | undefined;
}

export interface SubmitOptions {
  /** Replace the session's callbacks for this job. */
  readonly callbacks?: Callbacks | null | undefined;
  /** Cancels the job. One that is aborted already, or before the job has started, makes the submit reject. */
  readonly signal?: AbortSignal | null | undefined;
}

/** What may be given for an option; Python's `None` counts as left out. */
type Check = (value: never, name: string) => void;

function checkObject(value: unknown, name: string): void {
  if (!isObject(value)) throw invalid(`${name} must be an object, not ${describe(value)}`);
}

function checkPaths(value: unknown, name: string): void {
  checkStrings(value, name);
  for (const [index, text] of value.entries()) checkNoNul(text, `${name}[${index}]`);
}

function checkConfigPath(value: unknown, name: string): void {
  checkPath(value, name);
  if (path.basename(value) !== 'wgp_config.json') {
    throw invalid(`${name} must point to a file named wgp_config.json, not ${value}`);
  }
}

function checkEnvironment(env: unknown): void {
  checkObject(env, 'env');
  for (const [name, value] of Object.entries(env as object) as [string, unknown][]) {
    if (name === '' || /[=\0]/.test(name)) {
      throw invalid(`env may not have a variable ${describe(name)}: a name is not empty and holds neither "=" nor NUL`);
    }
    if (value !== undefined && typeof value !== 'string') {
      throw invalid(`env.${name} must be a string, or undefined to remove it, not ${describe(value)}`);
    }
    checkNoNul(value ?? '', `env.${name}`);
  }
}

const INIT_OPTIONS = {
  root: checkPath,
  configPath: checkConfigPath,
  outputDir: checkPath,
  callbacks: checkCallbacks,
  cliArgs: checkPaths,
  consoleOutput: checkBoolean,
  consoleIsatty: checkBoolean,
  webuiState: checkObject,
  python: checkPath,
  env: checkEnvironment,
  pythonPath: checkPaths,
  preImport: checkPaths,
} as const satisfies Record<keyof InitOptions, Check>;

/** The options of `init`, an empty object where there are none. Throws `ERR_WANGP_ARGUMENT`, naming what it can't use. */
export function checkInitOptions(given: InitOptions | null | undefined): InitOptions {
  if (isObject(given)) checkForMisplacedCallbacks(given, 'init({ callbacks: { onProgress() { … } } })');
  const options = checkOptions(given, Object.keys(INIT_OPTIONS) as (keyof InitOptions)[], 'init');
  for (const [name, check] of Object.entries(INIT_OPTIONS) as [keyof InitOptions, (...given: unknown[]) => void][]) {
    if (isGiven(options[name])) check(options[name], name);
  }
  return options;
}

/** The options of a submit, an empty object where there are none. Throws `ERR_WANGP_ARGUMENT` for what can't be used. */
export function checkSubmitOptions(given: SubmitOptions | null | undefined): SubmitOptions {
  if (isObject(given)) {
    checkForMisplacedCallbacks(given, 'submitTask(settings, { callbacks: { onProgress() { … } } })');
  }
  const options = checkOptions(given, ['callbacks', 'signal'], 'a submit');
  if (isGiven(options.callbacks)) checkCallbacks(options.callbacks);
  if (isGiven(options.signal)) checkSignal(options.signal);
  return options;
}
