import path from 'node:path';
import { type Callbacks, checkCallbacks, checkForMisplacedCallbacks } from '../job/callbacks';
import {
  checkBoolean,
  checkNoNul,
  checkNoTilde,
  checkOptions,
  checkPath,
  checkSignal,
  checkStrings,
  describe,
  invalid,
  isGiven,
  isObject,
  suggestion,
} from '../validate';
import type { Place } from '../runtime/runtime';
import { toFile } from './arguments';

export interface InitOptions {
  /**
   * The WanGP checkout.
   * @default `WANGP_ROOT`, else the embedded sample root
   */
  readonly root?: string | URL | null | undefined;
  /**
   * A file named `wgp_config.json`.
   * @default the one in `root`
   */
  readonly configPath?: string | URL | null | undefined;
  /**
   * Where outputs go.
   * @default the folders that the configuration names
   */
  readonly outputDir?: string | URL | null | undefined;
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
  /**
   * Environment variables for Python; undefined removes one. Where Python runs in this process they are set in that,
   * before WanGP is imported; where it runs in a child, only in the child.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | null | undefined;
  /** Folders that come first in `sys.path`. */
  readonly pythonPath?: readonly string[] | null | undefined;
  /** Modules, or `.py` files, to import before WanGP. */
  readonly preImport?: readonly string[] | null | undefined;
  /**
   * Where Python runs. `here`: in this process. `child`: in a process of its own, which this package starts. A crash of
   * that is not this process's, and each combination of `root`, `python`, `env` and the like has a child of its own.
   * @default `WANGP_PLACE`, else `here`; inside Electron `child`
   */
  readonly place?: Place | null | undefined;
  /**
   * The Node that a child runs in.
   * @default `WANGP_NODE_BINARY`, else this process's own; inside Electron a package of npm's (`node`), or `node` on PATH
   */
  readonly node?: string | null | undefined;
  /**
   * How long a child that has died again and again is waited with before it is started anew, in milliseconds. Doubles
   * each time, up to 30 s; the first time there is no pause. 0: never a pause.
   * @default 1000
   */
  readonly restartPauseMs?: number | null | undefined;
}

/** The options as they are used: URLs of files have become paths. */
export type CheckedInitOptions = Omit<InitOptions, FileOption> & Readonly<Partial<Record<FileOption, string>>>;

type FileOption = 'root' | 'configPath' | 'outputDir';

export interface SubmitOptions {
  /** These replace the session's callbacks for this job. */
  readonly callbacks?: Callbacks | null | undefined;
  /** Cancels the job when it aborts. If it aborts before the job has started, the submit rejects with its reason. */
  readonly signal?: AbortSignal | null | undefined;
}

/** What may be given for an option; Python's `None` counts as left out. */
type Check = (value: never, name: string) => void;

function checkObject(value: unknown, name: string): void {
  // A Map has no properties: what it holds would never be seen.
  if (!isObject(value) || value instanceof Map) throw invalid(`${name} must be an object, not ${describe(value)}`);
}

function checkPaths(value: unknown, name: string): void {
  checkStrings(value, name);
  for (const [index, text] of value.entries()) checkNoNul(text, `${name}[${index}]`);
}

function checkFile(value: unknown, name: string): asserts value is string {
  checkPath(value, name);
  checkNoTilde(value, name);
}

function checkFolders(value: unknown, name: string): void {
  checkPaths(value, name);
  for (const [index, text] of (value as readonly string[]).entries()) checkNoTilde(text, `${name}[${index}]`);
}

function checkConfigPath(value: unknown, name: string): void {
  checkFile(value, name);
  if (path.basename(value) !== 'wgp_config.json') {
    throw invalid(`${name} must point to a file named wgp_config.json, not ${value}`);
  }
}

export function checkEnvironment(env: unknown, option = 'env'): void {
  checkObject(env, option);
  for (const [name, value] of Object.entries(env as object) as [string, unknown][]) {
    if (name === '' || /[=\0]/.test(name)) {
      throw invalid(
        `${option} may not have a variable ${describe(name)}: a name is not empty and holds neither "=" nor NUL`,
      );
    }
    if (value !== undefined && typeof value !== 'string') {
      throw invalid(`${option}.${name} must be a string, or undefined to remove it, not ${describe(value)}`);
    }
    checkNoNul(value ?? '', `${option}.${name}`);
  }
}

const PLACES: readonly Place[] = ['here', 'child'];

/** Throws `ERR_WANGP_ARGUMENT` for what is no place. */
export function checkPlace(place: unknown, name: string): asserts place is Place {
  if (PLACES.includes(place as Place)) return;
  const hint = typeof place === 'string' ? `: ${suggestion(place, PLACES)}` : '';
  throw invalid(`${name} must be 'here' or 'child', not ${describe(place)}${hint}`);
}

function checkPause(value: unknown, name: string): void {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return;
  throw invalid(`${name} must be a number of milliseconds, 0 or more, not ${describe(value)}`);
}

export const INIT_OPTIONS = {
  root: checkFile,
  configPath: checkConfigPath,
  outputDir: checkFile,
  callbacks: checkCallbacks,
  cliArgs: checkPaths,
  consoleOutput: checkBoolean,
  consoleIsatty: checkBoolean,
  webuiState: checkObject,
  python: checkPath,
  env: checkEnvironment,
  pythonPath: checkFolders,
  preImport: checkFolders,
  place: checkPlace,
  node: checkPath,
  restartPauseMs: checkPause,
} as const satisfies Record<keyof InitOptions, Check>;

const FILE_OPTIONS: ReadonlySet<string> = new Set<FileOption>(['root', 'configPath', 'outputDir']);

/** The options of `init`, an empty object where there are none. Throws `ERR_WANGP_ARGUMENT`, naming what it can't use. */
export function checkInitOptions(given: InitOptions | null | undefined): CheckedInitOptions {
  if (isObject(given)) checkForMisplacedCallbacks(given, 'init({ callbacks: { onProgress() { … } } })');
  const options = checkOptions(given, Object.keys(INIT_OPTIONS) as (keyof InitOptions)[], 'init');
  const checked: Partial<Record<keyof InitOptions, unknown>> = {};
  for (const [name, check] of Object.entries(INIT_OPTIONS) as [keyof InitOptions, (...given: unknown[]) => void][]) {
    const option: unknown = options[name];
    if (!isGiven(option)) continue;
    const value = option instanceof URL && FILE_OPTIONS.has(name) ? toFile(option, name) : option;
    check(value, name);
    checked[name] = value;
  }
  return checked as CheckedInitOptions;
}

/**
 * The options of a submit, an empty object where there are none. `taker` is the method that takes them, and those that
 * are named `further` besides. Throws `ERR_WANGP_ARGUMENT` for what can't be used.
 */
export function checkSubmitOptions<Options extends SubmitOptions = SubmitOptions>(
  given: Options | null | undefined,
  taker: string,
  further: readonly (keyof Options & string)[] = [],
): Options {
  if (isObject(given)) {
    checkForMisplacedCallbacks(given, 'submitTask(settings, { callbacks: { onProgress() { … } } })');
  }
  const options = checkOptions(given, ['callbacks', 'signal', ...further], taker);
  if (isGiven(options.callbacks)) checkCallbacks(options.callbacks);
  if (isGiven(options.signal)) checkSignal(options.signal);
  return options;
}
