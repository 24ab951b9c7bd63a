// Values on their way to JavaScript: Python expressions, each with what JavaScript must see of it by the design's rules.
import { Buffer } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { hostileSources } from './fuzz-python.mjs';

/** A tensor with these properties, and these bytes in `data` where they are given. */
export class ExpectedTensor {
  constructor(properties, bytes) {
    this.properties = properties;
    this.bytes = bytes;
  }
}

/** `{ pythonType, repr }`; each a string, or a pattern. */
export class ExpectedUnknown {
  constructor(pythonType, repr = /^/) {
    this.pythonType = pythonType;
    this.repr = repr;
  }
}

const agrees = (actual, expected) => (expected instanceof RegExp ? expected.test(actual) : actual === expected);

function tensorDifference(actual, { properties, bytes }, place) {
  if (actual?.constructor?.name !== 'Tensor') return `${place} is no tensor`;
  for (const [name, value] of Object.entries(properties)) {
    if (!isDeepStrictEqual(actual[name], value)) {
      return `${place}.${name} is ${JSON.stringify(actual[name])}, not ${JSON.stringify(value)}`;
    }
  }
  const data = Buffer.from(actual.data.buffer, actual.data.byteOffset, actual.data.byteLength);
  return bytes === undefined || data.equals(bytes) ? undefined : `${place} holds other bytes`;
}

/** Where `actual` is not what was expected: a sentence, or undefined. */
export function difference(actual, expected, place = 'value') {
  if (expected instanceof ExpectedTensor) return tensorDifference(actual, expected, place);
  if (expected instanceof ExpectedUnknown) {
    const isUnknown = isDeepStrictEqual(Object.keys(Object(actual)), ['pythonType', 'repr']);
    if (isUnknown && agrees(actual.pythonType, expected.pythonType) && agrees(actual.repr, expected.repr)) return;
    return `${place} is not { pythonType: ${expected.pythonType}, repr: ${expected.repr} }`;
  }
  if (expected === null || typeof expected !== 'object') {
    return Object.is(actual, expected) ? undefined : `${place} is ${String(actual)?.slice(0, 200)}`;
  }
  if (Array.isArray(expected) !== Array.isArray(actual)) return `${place} is another kind of container`;
  if (Object.getPrototypeOf(Object(actual)) !== Object.getPrototypeOf(expected)) return `${place} is of another class`;
  const [keys, wanted] = [Object.keys(actual), Object.keys(expected)];
  if (!isDeepStrictEqual(keys, wanted)) {
    return `${place} has the keys ${JSON.stringify(keys).slice(0, 200)}, not ${JSON.stringify(wanted).slice(0, 200)}`;
  }
  for (const key of keys) {
    const found = difference(actual[key], expected[key], `${place}[${JSON.stringify(key)}]`);
    if (found !== undefined) return found;
  }
}

/** A literal of Python's for any string, surrogate halves too. */
export function literal(text) {
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `"${text.replace(/[^ !#-[\]-~]/g, escape)}"`;
}

const DTYPES = {
  bool: ['bool', 1],
  u1: ['uint8', 1],
  i1: ['int8', 1],
  u2: ['uint16', 2],
  i2: ['int16', 2],
  u4: ['uint32', 4],
  i4: ['int32', 4],
  u8: ['uint64', 8],
  i8: ['int64', 8],
  f4: ['float32', 4],
  f8: ['float64', 8],
};
const FORMATS = {
  '?': 'bool',
  B: 'u1',
  b: 'i1',
  c: 'u1',
  H: 'u2',
  h: 'i2',
  I: 'u4',
  i: 'i4',
  Q: 'u8',
  q: 'i8',
  f: 'f4',
  d: 'f8',
  L: 'u8',
  l: 'i8',
  N: 'u8',
  n: 'i8',
};

/** What has exported memory: arrays, views and bytes, laid out in every way. */
function memoryMaker({ below, pick, chance }) {
  const random = (code, count) => {
    const bytes = Buffer.from(Array.from({ length: count * DTYPES[code][1] }, () => below(code === 'bool' ? 2 : 256)));
    return bytes;
  };
  const tensor = (code, shape, zeroCopy, bytes) =>
    new ExpectedTensor({ dtype: DTYPES[code][0], shape, zeroCopy, disposed: false }, bytes);
  /** The elements of `bytes` in another order. */
  const reordered = (bytes, size, order) =>
    Buffer.concat(order.map((index) => bytes.subarray(index * size, (index + 1) * size)));
  const numpy = () => {
    const code = pick(Object.keys(DTYPES));
    const size = DTYPES[code][1];
    const [rows, columns] = [below(5), below(5)];
    const count = rows * columns;
    const bytes = random(code, count);
    const flat = `np.frombuffer(bytes.fromhex("${bytes.toString('hex')}"), "${code}")`;
    const own = count === 0 ? `np.zeros(0, "${code}")` : `${flat}.copy()`;
    const grid = `${own}.reshape(${rows}, ${columns})`;
    const indices = [...Array(count).keys()];
    const isLine = rows <= 1 || columns <= 1;
    const even = indices.filter((index) => index % 2 === 0);
    const transposed = indices.map((at) => (at % Math.max(rows, 1)) * columns + Math.floor(at / Math.max(rows, 1)));
    return pick([
      () => [own, tensor(code, [count], true, bytes)],
      () => [grid, tensor(code, [rows, columns], true, bytes)],
      () =>
        count === 0 ? [grid, tensor(code, [rows, columns], true, bytes)] : [flat, tensor(code, [count], false, bytes)],
      () => [`${own}[::2]`, tensor(code, [even.length], even.length <= 1, reordered(bytes, size, even))],
      () => [
        `${own}[::-1]`,
        tensor(code, [count], count <= 1, reordered(bytes, size, indices.toReversed?.() ?? [...indices].reverse())),
      ],
      () => [`${grid}.T`, tensor(code, [columns, rows], isLine, reordered(bytes, size, transposed))],
      () => [`np.asfortranarray(${grid})`, tensor(code, [rows, columns], isLine, bytes)],
      () => [`${own}.astype(np.dtype("${code}").newbyteorder(">"))`, tensor(code, [count], size === 1, bytes)],
      () => [`np.zeros((), "${code}")`, tensor(code, [], true, Buffer.alloc(size))],
      () => [`np.broadcast_to(np.zeros(1, "${code}"), (3, 2))`, tensor(code, [3, 2], false, Buffer.alloc(6 * size))],
      () => [`np.zeros((2, 0, 3), "${code}")[::, ::, ::2]`, tensor(code, [2, 0, 2], true, Buffer.alloc(0))],
      () => [
        `np.array([0.5, -2, 65504], "f2")[::${pick([1, 2, -1])}]`,
        new ExpectedTensor({ dtype: 'float32', zeroCopy: false }),
      ],
    ])();
  };
  const view = () => {
    const format = pick(Object.keys(FORMATS));
    const code = FORMATS[format];
    const size = DTYPES[code][1];
    const [rows, columns] = [1 + below(3), 1 + below(3)];
    const bytes = random(code, rows * columns);
    const hex = `bytes.fromhex("${bytes.toString('hex')}")`;
    const own = `memoryview(bytearray(${hex})).cast("${format}")`;
    const indices = [...Array(rows * columns).keys()];
    const even = indices.filter((index) => index % 2 === 0);
    return pick([
      () => [own, tensor(code, [rows * columns], true, bytes)],
      () => [`${own}.toreadonly()`, tensor(code, [rows * columns], false, bytes)],
      () => [`memoryview(${hex}).cast("${format}")`, tensor(code, [rows * columns], false, bytes)],
      () => [
        `memoryview(${hex}).cast("${format}", (${rows}, ${columns}))`,
        tensor(code, [rows, columns], false, bytes),
      ],
      () => [
        `memoryview(bytearray(${hex})).cast("${format}", [${rows}, ${columns}])`,
        tensor(code, [rows, columns], true, bytes),
      ],
      () => [`${own}[::2]`, tensor(code, [even.length], even.length <= 1, reordered(bytes, size, even))],
      () => [`memoryview(bytearray()).cast("${format}")`, tensor(code, [0], true, Buffer.alloc(0))],
      () => [`memoryview(b"").cast("${format}")`, new ExpectedTensor({ dtype: DTYPES[code][0], shape: [0] })],
    ])();
  };
  const bytes = () => {
    const data = random('u1', below(chance(0.1) ? 3000 : 5));
    const hex = data.toString('hex');
    const isEmpty = data.length === 0;
    const uint8 = (zeroCopy) => new ExpectedTensor({ dtype: 'uint8', shape: [data.length], zeroCopy }, data);
    return pick([
      () => [`bytes.fromhex("${hex}")`, isEmpty ? new ExpectedTensor({ shape: [0] }) : uint8(false)],
      () => [`bytearray.fromhex("${hex}")`, uint8(true)],
      () => [
        `type("B", (bytes,), {"__len__": fail, "__bytes__": fail}).fromhex("${hex}")`,
        isEmpty ? new ExpectedTensor({ shape: [0] }) : uint8(false),
      ],
      () => ['array.array("h", [-1, 2])', tensor('i2', [2], true, Buffer.from('ffff0200', 'hex'))],
      () => ['(ctypes.c_int16 * 2)(-1, 2)', tensor('i2', [2], true, Buffer.from('ffff0200', 'hex'))],
      () => ['((ctypes.c_uint8 * 2) * 3)()', tensor('u1', [3, 2], true, Buffer.alloc(6))],
      () => ['np.bytes_(b"ab")', new ExpectedTensor({ dtype: 'uint8', shape: [2] }, Buffer.from('ab'))],
    ])();
  };
  return () => pick([numpy, numpy, view, bytes])();
}

/** Makes random `[source, expected]`. */
export function sourceMaker(choose) {
  const { below, chance, pick, list, next } = choose;
  const memory = memoryMaker(choose);
  const hostile = hostileSources(choose);
  const RANGES = [128, 256, 0x800, 0xd7ff, 0x10000];
  const string = (limit = 10) => {
    const range = pick(RANGES);
    const codes = list(limit, () => (chance(0.05) ? 0xd800 + below(0x800) : below(range)));
    return String.fromCharCode(...codes);
  };
  const integer = () => {
    let value = 0n;
    for (let bits = below(chance(0.05) ? 5000 : 140); bits > 0; bits -= 30)
      value = (value << 30n) | BigInt(below(2 ** 30));
    if (chance(0.3)) value = 2n ** BigInt(pick([31, 32, 53, 62, 63, 64, 128])) + BigInt(below(3) - 1);
    if (chance(0.5)) value = -value;
    const isSafe = value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
    return [value, isSafe ? Number(value) : value];
  };
  const float = () => {
    const number = (next() - 0.5) * 10 ** (below(600) - 300);
    return pick([
      () => [String(number), number],
      () => [`${below(100)}.0`, undefined],
      () =>
        pick([
          ['-0.0', -0],
          ['nan', NaN],
          ['inf', Infinity],
          ['-inf', -Infinity],
          ['5e-324', 5e-324],
        ]),
    ])();
  };
  const scalars = [
    () =>
      pick([
        ['None', null],
        ['True', true],
        ['False', false],
      ]),
    () => {
      const [value, expected] = integer();
      return [`${value < 0n ? '-' : ''}0x${(value < 0n ? -value : value).toString(16)}`, expected];
    },
    () => {
      const [text, number = Number(text)] = float();
      return [pick([`float("${text}")`, `np.float64("${text}")`, `F("${text}")`]), number];
    },
    () => {
      const text = string(chance(0.02) ? 5000 : 10);
      return [pick([literal(text), `S(${literal(text)})`, `StrEnum("E", {"A": ${literal(text)}}).A`]), text];
    },
    () => ['"\\U0001f600" + chr(0x10ffff)', '😀\u{10ffff}'],
  ];
  const property = (object, key, value) =>
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  const key = () =>
    pick([
      () => {
        const text = string(6);
        return [literal(text), text];
      },
      () =>
        pick([
          ['None', 'None'],
          ['(1, "a")', "(1, 'a')"],
          ['2.5', '2.5'],
          ['b"k"', "b'k'"],
          ['10**30', `1${'0'.repeat(30)}`],
        ]),
      () => {
        const number = 2 + below(9);
        return [String(number), String(number)];
      },
      () => {
        const text = pick(['__proto__', 'constructor', '0', '', 'then', 'toJSON']);
        return [literal(text), text];
      },
      () => ['Mute()', '<unprintable key>'],
    ])();
  const sequence = (depth) => {
    const items = list(6, () => value(depth - 1));
    const joined = items.map(([source]) => source).join(', ');
    const form = pick(['[*]', `(${items.length === 1 ? '*,' : '*'})`, 'L([*])', 'T([*])', 'Pair(*)']);
    if (form === 'Pair(*)') {
      return items.length === 2
        ? [`Pair(${joined})`, items.map(([, expected]) => expected)]
        : [`[${joined}]`, items.map(([, expected]) => expected)];
    }
    return [form.replace('*', () => joined), items.map(([, expected]) => expected)];
  };
  const mapping = (depth) => {
    const expected = {};
    const parts = list(6, () => [key(), value(depth - 1)]).map(([[name, text], [source, item]]) => {
      property(expected, text, item);
      return `(${name}, ${source})`;
    });
    const form = pick(['dict', 'D', 'collections.OrderedDict', 'collections.UserDict', 'Frozen']);
    return [`${form}([${parts.join(', ')}])`, expected];
  };
  const set = () => {
    const number = below(100);
    return [
      pick([`{${number}}`, `frozenset([${number}])`, `type("S", (set,), {"__len__": fail})([${number}])`]),
      [number],
    ];
  };
  const deep = () => {
    const levels = pick([10, 199, 200, 201, 1000, 5000]);
    const [source, inner] = pick(scalars)();
    // Of two hundred levels, the list of all answers is the first.
    let expected = levels > 199 ? new ExpectedUnknown('list') : inner;
    for (let level = Math.min(levels, 199); level > 0; level -= 1) expected = [expected];
    return [`nested(${source}, ${levels})`, expected];
  };
  const value = (depth) => {
    const kind = next();
    if (depth > 0 && kind < 0.2) return sequence(depth);
    if (depth > 0 && kind < 0.4) return mapping(depth);
    if (kind < 0.45) return set();
    if (kind < 0.6) return memory();
    if (kind < 0.75) return pick(hostile)();
    return pick(scalars)();
  };
  return () => (chance(0.03) ? deep() : value(1 + below(4)));
}
