/** Deeper values take the way that doesn't recurse. */
const MAX_DEPTH = 64;
/** Longer arrays are refused, on the other way. */
const MAX_ELEMENTS = 10_000_000;

/**
 * A call's arguments as JSON, if JSON can express all of them and Python's `json` reads it as native/values/ would
 * convert them: an integral number as int, any other as float. They then cross as one text, where Node-API would take
 * several calls for each key. Undefined for arguments that native/values/ has to convert, or to refuse with their place:
 * those that hold bytes, a bigint, NaN, an instance of a class, themselves, or many levels.
 *
 * Getters are read twice: first to look at what they give, then to write it.
 */
export function toJson(args: readonly unknown[]): string | undefined {
  try {
    return isPlainBelow(args, []) ? JSON.stringify(args) : undefined;
  } catch (error) {
    // The text would be too long, or the stack is near its end.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** JSON writes beyond 2^53 fewer digits than the number has. */
function isPlainNumber(number: number): boolean {
  return number <= Number.MAX_SAFE_INTEGER && number >= Number.MIN_SAFE_INTEGER;
}

function isPlainBelow(value: unknown, ancestors: object[]): boolean {
  switch (typeof value) {
    case 'number':
      return isPlainNumber(value);
    case 'string':
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      return value === null || isPlainContainer(value, ancestors);
    default:
      return false;
  }
}

function isPlainContainer(value: object, ancestors: object[]): boolean {
  if (ancestors.length >= MAX_DEPTH || ancestors.includes(value)) return false;
  // It would write something else than itself.
  if (typeof Reflect.get(value, 'toJSON') === 'function') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  ancestors.push(value);
  const isPlainSoFar = Array.isArray(value)
    ? prototype === Array.prototype && isPlainArray(value, ancestors)
    : (prototype === Object.prototype || prototype === null) && isPlainObject(value, ancestors);
  ancestors.pop();
  return isPlainSoFar;
}

// What most values are is looked at in the loops themselves: a call for each would take longer.

function isPlainArray(array: readonly unknown[], ancestors: object[]): boolean {
  const { length } = array;
  if (!(length <= MAX_ELEMENTS)) return false;
  for (let index = 0; index < length; index += 1) {
    const item = array[index];
    if (typeof item === 'string') continue;
    if (typeof item === 'number' ? !isPlainNumber(item) : !isPlainBelow(item, ancestors)) return false;
  }
  return true;
}

/** By `for in`, several times faster than a list of the keys. */
function isPlainObject(object: object, ancestors: object[]): boolean {
  for (const key in object) {
    const value = (object as Readonly<Record<string, unknown>>)[key];
    if (typeof value === 'string') continue;
    if (typeof value === 'number' ? !isPlainNumber(value) : !isPlainBelow(value, ancestors)) return false;
  }
  return true;
}
