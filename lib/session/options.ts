import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WanGPError } from '../errors';
import type {
  CallbackEvent,
  GenerationError,
  GenerationResult,
  PreviewUpdate,
  ProgressUpdate,
  StreamMessage,
} from '../job/records';

/**
 * What a job tells as it runs. Methods are looked up when they are called, with `this` kept; the specific one is
 * called first, then `onEvent`. An exception in a callback is an uncaught exception, as in any event listener; the job
 * goes on.
 */
export interface Callbacks {
  onProgress?(update: ProgressUpdate): void;
  onPreview?(update: PreviewUpdate): void;
  /** Each line that WanGP prints, by whichever of its threads. */
  onStream?(message: StreamMessage): void;
  onStatus?(text: string): void;
  onInfo?(text: string): void;
  /** WanGP's raw output refresh. */
  onOutput?(data: unknown): void;
  /** The job has ended; the session accepts the next one. */
  onComplete?(result: GenerationResult): void;
  onError?(error: GenerationError): void;
  /** Every event that has a callback, after that callback. */
  onEvent?(event: CallbackEvent): void;
}

export interface InitOptions {
  /**
   * The WanGP checkout.
   * @default `WANGP_ROOT`, else the embedded sample root
   */
  readonly root?: string | undefined;
  /**
   * A file named `wgp_config.json`.
   * @default the one in `root`
   */
  readonly configPath?: string | undefined;
  /**
   * Where outputs go.
   * @default the folders that the configuration names
   */
  readonly outputDir?: string | undefined;
  /** The callbacks of every job that brings none of its own. */
  readonly callbacks?: Callbacks | undefined;
  /** Startup flags of WanGP, `["--attention", "sdpa"]`. */
  readonly cliArgs?: readonly string[] | undefined;
  /**
   * Whether what WanGP prints goes to this process's console too.
   * @default true
   */
  readonly consoleOutput?: boolean | undefined;
  /**
   * Whether WanGP's console says that it is a terminal.
   * @default true
   */
  readonly consoleIsatty?: boolean | undefined;
  /** The state of a live WanGP web interface; for integrations inside WanGP. */
  readonly webuiState?: Readonly<Record<string, unknown>> | undefined;
  /**
   * The interpreter that WanGP is installed in: a path, the folder of an environment, or a command.
   * @default `WANGP_PYTHON`, an environment in `root`, `VIRTUAL_ENV`, `CONDA_PREFIX`, `python3` on PATH
   */
  readonly python?: string | undefined;
  /** Environment variables, set in this process before WanGP is imported; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Folders that come first in `sys.path`. */
  readonly pythonPath?: readonly string[] | undefined;
  /** Modules, or `.py` files, to import before WanGP. */
  readonly preImport?: readonly string[] | undefined;
}

export interface SubmitOptions {
  /** Replace the session's callbacks for this job. */
  readonly callbacks?: Callbacks | undefined;
  /** Cancels the job. One that is aborted already, or before the job has started, makes the submit reject. */
  readonly signal?: AbortSignal | undefined;
}

export interface WaitOptions {
  /** Milliseconds to wait at most. Ends the waiting only, not the job. */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting only, not the job. */
  readonly signal?: AbortSignal | undefined;
}

const CALLBACK_NAMES = [
  'onProgress',
  'onPreview',
  'onStream',
  'onStatus',
  'onInfo',
  'onOutput',
  'onComplete',
  'onError',
  'onEvent',
] as const satisfies readonly (keyof Callbacks)[];

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof InitOptions>([
  'configPath',
  'outputDir',
  'cliArgs',
  'consoleOutput',
  'consoleIsatty',
  'webuiState',
  'pythonPath',
  'preImport',
]);

export function invalid(message: string): WanGPError {
  return new WanGPError('ERR_WANGP_ARGUMENT', message);
}

/** Longer strings are shown by their beginning. */
const SHOWN_LENGTH = 60;

export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}…` : value);
}

export function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function checkString(value: unknown, name: string): void {
  if (value !== undefined && (typeof value !== 'string' || value === '')) {
    throw invalid(`${name} must be a non-empty string, not ${describe(value)}`);
  }
}

function checkStrings(value: unknown, name: string): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw invalid(`${name} must be an array of strings, not ${describe(value)}`);
  const wrong = value.findIndex((item) => typeof item !== 'string');
  if (wrong !== -1)
    throw invalid(`${name} must be an array of strings: ${name}[${wrong}] is ${describe(value[wrong])}`);
}

function checkBoolean(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw invalid(`${name} must be true or false, not ${describe(value)}`);
  }
}

function checkCallbacks(callbacks: unknown): void {
  if (callbacks !== undefined && !isObject(callbacks)) {
    throw invalid(`callbacks must be an object with methods like onProgress, not ${describe(callbacks)}`);
  }
}

/** The callbacks themselves in place of the options, as Python's API takes them. */
function checkForMisplacedCallbacks(options: object, usage: string): void {
  const name = CALLBACK_NAMES.find((each) => typeof Reflect.get(options, each) === 'function');
  if (name !== undefined) throw invalid(`${name} belongs into an object of callbacks: ${usage}`);
}

/** Python's own names of the options. */
function checkForPythonNames(options: object): void {
  for (const name of Object.keys(options)) {
    const camelCase = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (camelCase !== name && OPTION_NAMES.has(camelCase)) {
      throw invalid(`init has no option ${name}: here it is called ${camelCase}`);
    }
  }
}

function checkEnvironment(env: InitOptions['env']): void {
  for (const [name, value] of Object.entries(env ?? {})) {
    if (value !== undefined && typeof value !== 'string') {
      throw invalid(`env.${name} must be a string, or undefined to remove it, not ${describe(value)}`);
    }
  }
}

/** Throws `ERR_WANGP_ARGUMENT` for a timeout that is no number of milliseconds; Infinity is none. */
export function checkTimeout(timeoutMs: number | undefined): number | undefined {
  if (timeoutMs === undefined || timeoutMs === Infinity) return undefined;
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) {
    throw invalid(`timeoutMs must be a number of milliseconds, 0 or more, not ${describe(timeoutMs)}`);
  }
  return Math.min(timeoutMs, 2 ** 31 - 1);
}

/** Throws `ERR_WANGP_ARGUMENT`, naming the option, for what `init` can't use. */
export function checkInitOptions(options: InitOptions): void {
  if (!isObject(options)) throw invalid(`init takes an object of options, not ${describe(options)}`);
  checkForPythonNames(options);
  checkForMisplacedCallbacks(options, 'init({ callbacks: { onProgress() { … } } })');
  for (const name of ['root', 'configPath', 'outputDir', 'python'] as const) checkString(options[name], name);
  for (const name of ['cliArgs', 'pythonPath', 'preImport'] as const) checkStrings(options[name], name);
  for (const name of ['consoleOutput', 'consoleIsatty'] as const) checkBoolean(options[name], name);
  for (const name of ['env', 'webuiState'] as const) {
    if (options[name] !== undefined && !isObject(options[name])) {
      throw invalid(`${name} must be an object, not ${describe(options[name])}`);
    }
  }
  checkEnvironment(options.env);
  checkCallbacks(options.callbacks);
  if (options.configPath !== undefined && path.basename(options.configPath) !== 'wgp_config.json') {
    throw invalid(`configPath must point to a file named wgp_config.json, not ${options.configPath}`);
  }
}

/** Throws `ERR_WANGP_ARGUMENT` for options of a submit that can't be used. */
export function checkSubmitOptions(options: SubmitOptions): void {
  if (!isObject(options)) throw invalid(`the options of a submit must be an object, not ${describe(options)}`);
  checkForMisplacedCallbacks(options, 'submitTask(settings, { callbacks: { onProgress() { … } } })');
  checkCallbacks(options.callbacks);
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw invalid(`signal must be an AbortSignal, not ${describe(options.signal)}`);
  }
}

/** Throws `ERR_WANGP_ARGUMENT` for what are no settings; `name` is what the caller calls them. */
export function checkSettings(settings: unknown, name: string): void {
  if (isObject(settings)) return;
  const hint = typeof settings === 'string' ? ' (a saved file is started by submit())' : '';
  throw invalid(`${name} must be an object of WanGP settings, not ${describe(settings)}${hint}`);
}

/** Throws `ERR_WANGP_ARGUMENT` for what is no list of settings; `name` is what the caller calls it. */
export function checkManifest(list: unknown, name: string): void {
  if (!Array.isArray(list)) throw invalid(`${name} must be an array of WanGP settings, not ${describe(list)}`);
  // Not `forEach`, which leaves holes out.
  for (let index = 0; index < list.length; index += 1) checkSettings(list[index], `${name}[${index}]`);
}

/** Throws `ERR_WANGP_ARGUMENT` for what `submit` can't start. */
export function checkSource(source: unknown): void {
  if (source === '')
    throw invalid('source must be settings, a list of them or the path of a file, not an empty string');
  if (typeof source === 'string' || source instanceof URL) return;
  if (Array.isArray(source)) checkManifest(source, 'source');
  else checkSettings(source, 'source');
}

/** A file as Python takes it; `name` is what messages call it. Throws `ERR_WANGP_ARGUMENT`. */
export function toFile(file: string | URL, name: string): string {
  if (typeof file === 'string') return file;
  try {
    return fileURLToPath(file);
  } catch (cause) {
    throw new WanGPError('ERR_WANGP_ARGUMENT', `${name} must be a file: URL or a path, not ${file.href}`, { cause });
  }
}

/** Throws `ERR_WANGP_ARGUMENT` for what can't be called. */
export function checkCall(name: unknown, args: unknown, keywords: unknown): void {
  if (typeof name !== 'string') throw invalid(`the name of a method must be a string, not ${describe(name)}`);
  if (!Array.isArray(args)) throw invalid(`args must be an array, not ${describe(args)}`);
  if (!isObject(keywords)) throw invalid(`keywords must be an object, not ${describe(keywords)}`);
}
