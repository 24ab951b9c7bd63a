// Values on their way to Python: a generator, and a model that says by the design's rules what Python must see.
// The model reads values with JavaScript's own means; Python describes what it got by `DESCRIBE`. Both give one text.
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { hostileMakers } from './fuzz-hostile.mjs';
import { ExpectedTensor, ExpectedUnknown } from './fuzz-to-js.mjs';

/** Defines `kept["describe"]`: a value's exact type and content as text, without recursion. */
export const DESCRIBE = `import hashlib, struct
class Text(str): pass
def content(data):
    return data.hex() if len(data) <= 100 else hashlib.sha1(data).hexdigest()
def describe(value):
    parts, stack = [], [value]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is Text: parts.append(item)
        elif item is None or kind is bool: parts.append({None: "null", True: "true", False: "false"}[item])
        elif kind is int: parts.append("int " + hex(item))
        elif kind is float: parts.append("float " + struct.pack("<d", item).hex())
        elif kind is str: parts.append("str " + content(item.encode("utf-16-le", "surrogatepass")))
        elif kind is list:
            stack.append(Text("]"))
            for element in reversed(item): stack += [Text(","), element]
            stack.append(Text("["))
        elif kind is dict:
            stack.append(Text("}"))
            for key in reversed(item): stack += [Text(","), item[key], Text(":"), key]
            stack.append(Text("{"))
        elif kind is memoryview:
            parts.append(f"view {item.format} {item.itemsize} {item.shape[0]} {content(item.tobytes())}")
        else: parts.append(f"unexpected {kind.__name__}")
    return "".join(parts)
kept["describe"] = describe`;

/** The format of each kind of array, as Python's struct module has it. */
const FORMATS = {
  Uint8Array: 'B',
  Uint8ClampedArray: 'B',
  Int8Array: 'b',
  Uint16Array: 'H',
  Int16Array: 'h',
  Uint32Array: 'I',
  Int32Array: 'i',
  BigUint64Array: 'Q',
  BigInt64Array: 'q',
  Float32Array: 'f',
  Float64Array: 'd',
};
export const ARRAY_TYPES = Object.keys(FORMATS).map((name) => globalThis[name]);

/** Containers may stand in each other so often; the arguments of the call are the first. */
const MAX_DEPTH = 1000;

/** What cannot be handed over: the place, and what the message calls it (any text where null). */
export class Refusal {
  constructor(place, what) {
    this.place = place;
    this.what = what;
  }
}

const content = (bytes) =>
  bytes.length <= 100 ? Buffer.from(bytes).toString('hex') : createHash('sha1').update(bytes).digest('hex');

export const textOf = (string) => `str ${content(Buffer.from(string, 'utf16le'))}`;

function numberOf(number) {
  if (Number.isInteger(number)) return integerOf(BigInt(number));
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(number);
  return `float ${bytes.toString('hex')}`;
}

export const integerOf = (integer) =>
  `int ${integer < 0n ? '-' : ''}0x${(integer < 0n ? -integer : integer).toString(16)}`;

export function viewOf(view) {
  const isTyped = ArrayBuffer.isView(view) && !(view instanceof DataView);
  const data = bytesOf(view);
  const [format, size] = isTyped ? [FORMATS[nameOf(view)], view.BYTES_PER_ELEMENT] : ['B', 1];
  return `view ${format} ${size} ${data.length / size} ${content(data)}`;
}

function bytesOf(view) {
  if (!ArrayBuffer.isView(view)) return new Uint8Array(view);
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** The typed array's own kind, whatever class it was derived to. */
function nameOf(view) {
  const kind = Reflect.getOwnPropertyDescriptor(Object.getPrototypeOf(Int8Array.prototype), Symbol.toStringTag);
  return Reflect.apply(kind.get, view, []);
}

/** A step of a place as JavaScript would write it; a message holds no lone surrogates. */
function step(key) {
  const shown = Buffer.from(key).toString();
  return /^[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*$/.test(shown) ? `.${shown}` : `["${shown}"]`;
}

/**
 * What Python must see of `value`, or the {@link Refusal}. `oracle` knows the outcome of values that can't be looked
 * at without changing them: a text, a Refusal's `what`, or an error that must come through.
 */
export function modelOf(value, place, oracle, ancestors = []) {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'boolean':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? numberOf(value) : new Refusal(place, String(value));
    case 'bigint':
      return integerOf(value);
    case 'string':
      return textOf(value);
    case 'symbol':
      return new Refusal(place, 'a symbol');
    case 'function':
      return new Refusal(place, 'a function');
  }
  if (oracle.has(value)) {
    const { text, refused, at = '', error } = oracle.get(value);
    return error ?? text ?? new Refusal(place + at, refused);
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return viewOf(value);
  if (ancestors.includes(value)) return new Refusal(place, 'an object that contains itself');
  // The arguments of the call are a container too.
  if (ancestors.length + 1 >= MAX_DEPTH) return new Refusal(place, 'more than 1,000 levels deep');
  const inner = [...ancestors, value];
  const isList = Array.isArray(value);
  let text = isList ? '[' : '{';
  const keys = isList ? value.keys() : Object.keys(value);
  for (const key of keys) {
    const item = value[key];
    if (!isList && item === undefined) continue;
    const part = modelOf(item, place + (isList ? `[${key}]` : step(key)), oracle, inner);
    if (typeof part !== 'string') return part;
    text += isList ? `${part},` : `${textOf(key)}:${part},`;
  }
  return text + (isList ? ']' : '}');
}

/** How deep the answer to `echo` may be; its own list of values is the first level. */
const MAX_DEPTH_BACK = 200;

/** What JavaScript must see again of a value that Python accepted. */
export function backOf(value, depth = 1) {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Number.isInteger(value)) return Number.isSafeInteger(value) ? value + 0 : BigInt(value);
  if (value === null || typeof value !== 'object') return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return tensorOf(value);
  if (depth >= MAX_DEPTH_BACK) return new ExpectedUnknown(Array.isArray(value) ? 'list' : 'dict');
  if (Array.isArray(value)) return Array.from(value, (item) => backOf(item, depth + 1));
  const entries = Object.keys(value).map((key) => [key, value[key]]);
  return Object.fromEntries(
    entries.filter(([, item]) => item !== undefined).map(([key, item]) => [key, backOf(item, depth + 1)]),
  );
}

function tensorOf(view) {
  const isTyped = ArrayBuffer.isView(view) && !(view instanceof DataView);
  const dtype = isTyped
    ? nameOf(view)
        .toLowerCase()
        .replace(/^big|clamped|array$/g, '')
    : 'uint8';
  const length = view.byteLength / (isTyped ? view.BYTES_PER_ELEMENT : 1);
  return new ExpectedTensor({ dtype, shape: [length], zeroCopy: true }, Buffer.from(bytesOf(view)));
}

/** A message shows a long place by its two ends. */
export function namesPlace(message, place) {
  const prefix = message.startsWith(`${place} is `);
  if (prefix || Buffer.byteLength(place) <= 200) return prefix;
  const shown = message.split(' is ')[0];
  // A key may have an ellipsis of its own.
  return [...shown.matchAll(/…/g)].some(({ index }) => {
    const [head, tail] = [shown.slice(0, index), shown.slice(index + 1)];
    return place.startsWith(head) && place.endsWith(tail) && head.length > 20 && tail.length > 20;
  });
}

/** Makes random values; what can't be looked at is put down in the `oracle` that belongs to the value. */
export function valueMaker(choose) {
  const { below, chance, pick, list, next } = choose;
  const RANGES = [128, 256, 0x800, 0xd7ff, 0x10000];
  const codes = () => {
    const range = pick(RANGES);
    return () => (chance(0.05) ? 0xd800 + below(0x800) : below(range));
  };
  const text = (limit = 12) => String.fromCharCode(...list(chance(0.02) ? 5000 : limit, codes()));
  const key = () =>
    chance(0.1) ? pick(['__proto__', 'constructor', '0', '-1', '', 'a"b', 'length', 'then']) : text(6);
  const integer = () => Math.round((next() - 0.5) * 2 ** below(70)) + below(3) - 1;
  const buffer = () => {
    const length = 8 * below(chance(0.05) ? 3000 : 6);
    const options = chance(0.3) ? { maxByteLength: length + 8 * below(4) } : undefined;
    const made = new ArrayBuffer(length, options);
    const bytes = new Uint8Array(made);
    for (let index = 0; index < length; index += 1) bytes[index] = below(256);
    return made;
  };
  const view = (over) => {
    const Type = pick([...ARRAY_TYPES, DataView]);
    const size = Type.BYTES_PER_ELEMENT ?? 1;
    const offset = size * below(over.byteLength / size + 1);
    // Without a length it tracks a buffer that can be resized.
    if (chance(0.3) && (over.byteLength - offset) % size === 0) return new Type(over, offset);
    return new Type(over, offset, below((over.byteLength - offset) / size + 1));
  };
  const aliases = () => {
    const over = buffer();
    const views = [over, ...list(5, () => view(over))];
    if (over.resizable && chance(0.5)) {
      // What a smaller buffer leaves of the views that track it, and nothing of those that don't fit: those are empty.
      over.resize(over.byteLength + 8 * below((over.maxByteLength - over.byteLength) / 8 + 1));
    }
    return views;
  };
  const scalars = [
    () => null,
    () => undefined,
    () => chance(0.5),
    integer,
    () => below(10) - 5,
    () => (next() - 0.5) * 10 ** (below(600) - 300),
    () => pick([-0, 5e-324, Number.MAX_VALUE, Number.MIN_SAFE_INTEGER - 1, 2 ** 53, -(2 ** 63), 2 ** 64]),
    () => BigInt(integer()) * BigInt(integer()) ** BigInt(below(chance(0.05) ? 200 : 5)),
    text,
    () => view(buffer()),
    buffer,
  ];
  class Shown {
    static hidden = 1;
    #secret = 2;
    constructor(properties) {
      Object.assign(this, properties);
    }
    get steps() {
      return this.#secret;
    }
  }
  /** The same properties as they may stand in an object of another kind. */
  const objectOf = (entries) => {
    const plain = Object.fromEntries(entries);
    return pick([
      () => plain,
      () => Object.freeze(plain),
      () => Object.defineProperties(Object.create(null), Object.getOwnPropertyDescriptors(plain)),
      () => Object.defineProperties(new Shown(), Object.getOwnPropertyDescriptors(plain)),
      () => Object.assign(plain, { [Symbol('s')]: () => 1 }),
      () => Object.defineProperty(plain, 'hidden', { value: NaN, enumerable: false, configurable: true }),
      () => Object.create({ inherited: NaN }, Object.getOwnPropertyDescriptors(plain)),
      () => new Proxy(plain, {}),
    ])();
  };
  const listOf = (items) =>
    pick([
      () => items,
      () => Object.freeze(items),
      () => Object.assign(items, { extra: NaN }),
      () => (delete items[0], items),
      () => class extends Array {}.from(items),
      () => new Proxy(items, {}),
    ])();
  const deep = () => {
    let value = pick(scalars)();
    const levels = pick([10, 500, 997, 998, 999, 1000, 1001, 10_000]);
    const asList = chance(0.5);
    for (let level = 0; level < levels; level += 1) value = asList ? [value] : { größe: value };
    return value;
  };
  const circle = () => {
    const top = { list: [1, {}], other: {} };
    const at = pick([top, top.list, top.list[1], top.other]);
    (Array.isArray(at) ? (item) => at.push(item) : (item) => (at.me = item))(pick([top, top.list, top.other]));
    return top;
  };
  return (oracle) => {
    const hostile = hostileMakers(choose, oracle);
    const value = (depth) => {
      const kind = next();
      if (depth > 0 && kind < 0.25) return listOf(list(6, () => value(depth - 1)));
      if (depth > 0 && kind < 0.5) return objectOf(list(6, () => [key(), value(depth - 1)]));
      if (kind < 0.52) return aliases();
      if (kind < 0.55) return pick(hostile)();
      return pick(scalars)();
    };
    const special = next();
    if (special < 0.02) return deep();
    if (special < 0.05) return circle();
    if (special < 0.2) return pick(hostile)();
    return value(1 + below(5));
  };
}
