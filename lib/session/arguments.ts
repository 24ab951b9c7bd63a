/** The checks of what isn't an option: settings, lists of them, files, calls by name. */
import { fileURLToPath } from 'node:url';
import { camelCase, checkNoNul, describe, invalid, isObject } from '../validate';

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
const OWN_METHODS = /^(?:submit|run)(?:_\w+)?$|^(?:cancel|close|init)$/;

/** Those that this package has, by its own names. */
const OWN_NAMES: readonly string[] = ['submit', 'run'].flatMap((verb) =>
  ['', 'Task', 'Manifest', 'MediaPostprocessing', 'AudioRemux', 'AudioPostprocessing'].map((what) => verb + what),
);

/** Throws `ERR_WANGP_ARGUMENT` for what can't be called. */
export function checkCall(name: unknown, args: unknown, keywords: unknown): void {
  if (typeof name !== 'string') throw invalid(`the name of a method must be a string, not ${describe(name)}`);
  if (name.startsWith('_')) throw invalid(`call() takes public methods only: ${describe(name)} is WanGP's own`);
  if (OWN_METHODS.test(name)) throw invalid(`call() doesn't take ${name}: ${ownMethod(name)}`);
  if (!Array.isArray(args)) throw invalid(`args must be an array, not ${describe(args)}`);
  if (!isObject(keywords)) throw invalid(`keywords must be an object, not ${describe(keywords)}`);
}

function ownMethod(name: string): string {
  const ours = camelCase(name);
  if (ours === 'init') return 'use init()';
  if (ours === 'cancel' || ours === 'close' || OWN_NAMES.includes(ours)) return `use session.${ours}()`;
  return 'its job would be out of reach; submit its settings by session.submitTask()';
}
