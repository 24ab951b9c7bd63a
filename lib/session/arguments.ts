/** The checks of what isn't an option: settings, lists of them, files, calls by name. */
import { fileURLToPath } from 'node:url';
import type { WanGPError } from '../errors';
import { Tensor, VideoTensor } from '../memory/tensor';
import { camelCase, checkNoNul, describe, invalid, isGiven, isObject } from '../validate';
import { KNOWN_SETTINGS_OF_WORDS } from './settings';

/** What messages add to a value of the wrong type: whose argument it would be. */
type Hints = Partial<Record<'array' | 'object' | 'string', string>>;

const SAVED_FILE = 'a saved file is started by submit()';
const TASK_HINTS: Hints = { string: SAVED_FILE, array: 'a list is started by submitManifest()' };
const LIST_HINTS: Hints = {
  string: SAVED_FILE,
  object: 'one object is started by submitTask(), { tasks } by submit()',
};

function wrongType(value: unknown, expected: string, hints: Hints = {}): WanGPError {
  const kind = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  const hint = hints[kind as keyof Hints];
  return invalid(`${expected}, not ${describe(value)}${hint === undefined ? '' : ` (${hint})`}`);
}

/** By the name that JavaScript would give them. */
const SETTINGS_BY_OUR_NAME = new Map(Object.keys(KNOWN_SETTINGS_OF_WORDS).map((name) => [camelCase(name), name]));

/** Throws `ERR_WANGP_ARGUMENT` for what are no settings; `name` is what the caller calls them. */
export function checkSettings(settings: unknown, name: string, hints?: Hints): void {
  if (!isObject(settings)) throw wrongType(settings, `${name} must be an object of WanGP settings`, hints);
  checkNoTensor(settings, name);
  // Keys of any name pass to WanGP. Without a model's name they may all be of another spelling.
  if ('model_type' in settings) return;
  for (const [ours, theirs] of SETTINGS_BY_OUR_NAME) {
    if (Object.hasOwn(settings, ours)) throw invalid(`${name}.${ours}: settings have WanGP's own names, ${theirs}`);
  }
}

/** Settings name media by paths: a tensor gets one when it is registered. */
function checkNoTensor(settings: object, name: string): void {
  for (const [key, value] of Object.entries(settings)) {
    if (!(value instanceof Tensor)) continue;
    const method = value instanceof VideoTensor ? 'session.registerVideo() or session.registerImage()' : 'a file';
    throw invalid(`${name}.${key} is ${describe(value)}, and must be a path: the one of ${method}`);
  }
}

/** Throws `ERR_WANGP_ARGUMENT` for what is no task's settings. */
export function checkTask(settings: unknown): void {
  checkSettings(settings, 'settings', TASK_HINTS);
}

/** Throws `ERR_WANGP_ARGUMENT` for what is no list of settings; `name` is what the caller calls it. */
export function checkManifest(list: unknown, name: string): void {
  if (!Array.isArray(list)) throw wrongType(list, `${name} must be an array of WanGP settings`, LIST_HINTS);
  checkEach(list, name);
}

function checkEach(list: readonly unknown[], name: string): void {
  // Not `forEach`, which leaves holes out.
  for (let index = 0; index < list.length; index += 1) {
    checkSettings(list[index], `${name}[${index}]`, { string: SAVED_FILE });
  }
}

/** Throws `ERR_WANGP_ARGUMENT` for what `submit` can't start. */
export function checkSource(source: unknown): void {
  if (source instanceof URL) return;
  if (typeof source === 'string' && source !== '') checkSourceFile(source);
  else if (Array.isArray(source)) checkManifest(source, 'source');
  else if (isObject(source)) checkSourceObject(source);
  else throw wrongType(source, 'source must be settings, a list of them, { tasks } or the path of a file');
}

function checkSourceObject(source: object): void {
  const tasks: unknown = Reflect.get(source, 'tasks');
  if (!isGiven(tasks)) checkSettings(source, 'source');
  else if (Array.isArray(tasks)) checkEach(tasks, 'source.tasks');
  else throw wrongType(tasks, 'source.tasks must be an array of tasks');
}

/** What has the name of a file may be one; another suffix is refused where its content is read. */
function checkSourceFile(file: string): void {
  if (/\.\w+$/.test(file)) return;
  throw invalid(
    `source must be the path of a .json or .zip file, not ${describe(file)} (a prompt belongs into settings: { prompt })`,
  );
}

/** A file as Python takes it; `name` is what messages call it. Throws `ERR_WANGP_ARGUMENT`. */
export function toFile(file: string | URL, name: string): string {
  const text = typeof file === 'string' ? file : fromUrl(file, name);
  checkNoNul(text, name);
  return text;
}

function fromUrl(file: URL, name: string): string {
  try {
    return fileURLToPath(file);
  } catch (cause) {
    throw invalid(`${name} must be a file: URL or a path, not ${file.href}`, cause);
  }
}

/** Methods of the Python session that start, cancel or close something: here they have a form of their own. */
const OWN_METHODS = /^(?:submit|run)(?:_.*)?$|^(?:cancel|close|init)$/s;

/** Those that this package has, by its own names. */
const OWN_NAMES: readonly string[] = ['submit', 'run'].flatMap((verb) =>
  ['', 'Task', 'Manifest', 'MediaPostprocessing', 'AudioRemux', 'AudioPostprocessing'].map((what) => verb + what),
);

/** Throws `ERR_WANGP_ARGUMENT` for what can't be called. `session` has the methods that go by their own names. */
export function checkCall(session: object, name: unknown, args: unknown, keywords: unknown): void {
  if (typeof name !== 'string') throw invalid(`the name of a method must be a string, not ${describe(name)}`);
  if (name.startsWith('_')) throw invalid(`call() takes public methods only: ${describe(name)} is WanGP's own`);
  if (OWN_METHODS.test(name)) throw invalid(`call() doesn't take ${name}: ${ownMethod(name)}`);
  // Python's names have no capitals in them.
  if (/[A-Z]/.test(name) && hasMethod(session, name)) {
    throw invalid(`call() takes Python's names: use session.${name}()`);
  }
  if (!Array.isArray(args)) throw invalid(`args must be an array, not ${describe(args)}`);
  if (!isObject(keywords)) throw invalid(`keywords must be an object, not ${describe(keywords)}`);
}

/** Whether an object has a method that is not every object's. */
export function hasMethod(object: object, name: string): boolean {
  return !(name in Object.prototype) && typeof Reflect.get(object, name) === 'function';
}

function ownMethod(name: string): string {
  const ours = camelCase(name);
  if (ours === 'init') return 'use init()';
  if (ours === 'cancel' || ours === 'close' || OWN_NAMES.includes(ours)) return `use session.${ours}()`;
  return 'its job would be out of reach; submit its settings by session.submitTask()';
}
