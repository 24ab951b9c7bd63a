/** The checks of arguments, for all layers. Each throws `ERR_WANGP_ARGUMENT` and names what is wrong. */
import { WanGPError } from './errors';

export function invalid(message: string, cause?: unknown): WanGPError {
  return new WanGPError('ERR_WANGP_ARGUMENT', message, { cause });
}

/** Longer strings are shown by their beginning. */
const SHOWN_LENGTH = 60;

/** A value as messages show it; an instance of a class by that. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function') return 'a function';
  if (isObject(value)) return describeInstance(value);
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}…` : value);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether an object is of no class, in whichever realm it was made. */
export function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function describeInstance(object: object): string {
  const name: unknown = isPlain(object) ? '' : (object.constructor as { name?: unknown } | undefined)?.name;
  if (typeof name !== 'string' || name === '' || name === 'Object') return 'an object';
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`;
}

/** Whether an option was given: Python's `None` means that it wasn't. */
export function isGiven<Value>(value: Value): value is NonNullable<Value> {
  return value !== undefined && value !== null;
}

export function checkString(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string' || value === '') {
    throw invalid(`${name} must be a non-empty string, not ${describe(value)}`);
  }
}

export function checkStrings(value: unknown, name: string): asserts value is readonly string[] {
  if (!Array.isArray(value)) throw invalid(`${name} must be an array of strings, not ${describe(value)}`);
  const wrong = value.findIndex((item) => typeof item !== 'string');
  if (wrong !== -1)
    throw invalid(`${name} must be an array of strings: ${name}[${wrong}] is ${describe(value[wrong])}`);
}

export function checkBoolean(value: unknown, name: string): asserts value is boolean {
  if (typeof value !== 'boolean') throw invalid(`${name} must be true or false, not ${describe(value)}`);
}

/** No path, and no text that C code reads, goes beyond a NUL. */
export function checkNoNul(value: string, name: string): void {
  if (value.includes('\0')) throw invalid(`${name} may not hold a NUL character: ${describe(value)}`);
}

/** A shell would have made a home folder of it, Python's `Path` and Node don't: they mean a folder of that name. */
export function checkNoTilde(value: string, name: string): void {
  if (!value.startsWith('~')) return;
  throw invalid(
    `${name} is ${describe(value)}, but "~" is not expanded here: use os.homedir(), or "./~" for what has that name`,
  );
}

/** A path that Python opens, or that C code reads. */
export function checkPath(value: unknown, name: string): asserts value is string {
  checkString(value, name);
  checkNoNul(value, name);
}

export function checkSignal(signal: unknown): asserts signal is AbortSignal {
  if (signal instanceof AbortSignal) return;
  const hint = signal instanceof AbortController ? ': pass its signal' : '';
  throw invalid(`signal must be an AbortSignal, not ${describe(signal)}${hint}`);
}

/** The milliseconds to wait at most; undefined where there is no limit, as for Infinity. */
export function checkTimeout(timeoutMs: number | null | undefined): number | undefined {
  if (!isGiven(timeoutMs) || timeoutMs === Infinity) return undefined;
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) {
    throw invalid(`timeoutMs must be a number of milliseconds, 0 or more, not ${describe(timeoutMs)}`);
  }
  return Math.min(timeoutMs, 2 ** 31 - 1);
}

/** Python's name of something by this package's: `config_path` to `configPath`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** How many characters have to be put in, left out or replaced to make `one` of `other`. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 0; index < one.length; index += 1) {
    let left = index + 1;
    const next = [left];
    for (let at = 0; at < other.length; at += 1) {
      const [diagonal = 0, above = 0] = row.slice(at, at + 2);
      left = Math.min(diagonal + (one[index] === other[at] ? 0 : 1), above + 1, left + 1);
      next.push(left);
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** 0 for the same name, 1 for one that has nothing in common. */
function difference(one: string, other: string): number {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  const ratio = distance(one, other) / long.length;
  // `timeout` means `timeoutMs`, and `outputDirectory` means `outputDir`.
  return short.length > 2 && long.includes(short) ? ratio / 2 : ratio;
}

/** The name that was meant, where `name` is no more than a slip of the finger away from it. */
export function nearMiss(name: string, names: readonly string[]): string | undefined {
  if (name.length > COMPARED_LENGTH) return undefined;
  const differs = (each: string): boolean =>
    distance(name.toLowerCase(), each.toLowerCase()) * 3 <= Math.max(name.length, each.length);
  return names.find(differs);
}

/** Longer names are nobody's slip of the finger, and comparing takes the product of the lengths. */
const COMPARED_LENGTH = 100;

/** What messages say to a name that isn't there: the one that was meant, as far as that can be told, or all. */
export function suggestion(name: string, names: readonly string[]): string {
  const ours = camelCase(name);
  if (ours !== name && names.includes(ours)) return `here it is called ${ours}`;
  const differences = names.map((each) =>
    name.length > COMPARED_LENGTH ? 1 : difference(name.toLowerCase(), each.toLowerCase()),
  );
  const least = Math.min(...differences);
  const nearest = names[differences.indexOf(least)];
  // Of two that are equally near none is meant more than the other.
  const isAlone = differences.lastIndexOf(least) === differences.indexOf(least);
  if (nearest !== undefined && least < 0.5 && isAlone) return `did you mean ${nearest}?`;
  if (names.length === 1) return `it takes only ${String(names[0])}`;
  return names.length === 0 ? 'it takes none' : `there are ${names.join(', ')}`;
}

/** What `taker` should have been called with, where what stands in place of its options tells that. */
function usage(given: unknown, names: readonly string[], taker: string): string {
  if (typeof given !== 'number' || !names.includes('timeoutMs')) return '';
  return `: ${taker.replace('()', `({ timeoutMs: ${given} })`)}`;
}

/** The object of options, if it may be one: other objects would be taken for options that name nothing. */
function checkIsOptions(given: unknown, names: readonly string[], taker: string): void {
  const takes = `${taker} takes an object of options`;
  if (!isObject(given)) throw invalid(`${takes}, not ${describe(given)}${usage(given, names, taker)}`);
  if (isPlain(given)) return;
  if (names.includes('signal') && (given instanceof AbortSignal || given instanceof AbortController)) {
    throw invalid(`${takes}: give the signal as { signal }`);
  }
  if (!names.some((name) => name in given)) throw invalid(`${takes}, not ${describe(given)}`);
}

/** Who takes options that are easily given to somebody else. */
const OWNERS: ReadonlyMap<string, string> = new Map([
  ...['workers', 'gpus', 'maxQueued', 'attempts', 'maxOvertaken'].map((name) => [name, 'createPool()'] as const),
  ['priority', "a pool's submit()"],
  ['timeoutMs', 'job.result()'],
  ['outputDir', 'init()'],
]);

/**
 * An object of options, an empty one where there is none. Throws `ERR_WANGP_ARGUMENT` for what is no such object and for
 * names that aren't among `names`: a misspelt one would otherwise be ignored. `taker` is what takes the options.
 */
export function checkOptions<Options extends object>(
  options: Options | null | undefined,
  names: readonly (keyof Options & string)[],
  taker: string,
): Options {
  if (!isGiven(options)) return {} as Options;
  checkIsOptions(options, names, taker);
  for (const name of Object.keys(options)) {
    if ((names as readonly string[]).includes(name)) continue;
    const shown = /^\w+$/.test(name) ? name : describe(name);
    const owner = OWNERS.get(name);
    const hint = owner === undefined ? suggestion(name, names) : `it is an option of ${owner}`;
    throw invalid(`${taker} has no option ${shown}: ${hint}`);
  }
  return options;
}
