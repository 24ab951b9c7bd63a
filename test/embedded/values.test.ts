import assert from 'node:assert/strict';
import { beforeAll, describe, expect, test } from 'vitest';
import { Tensor, type WanGPSession } from 'wangp-node';
import { initScripted } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

/** What the Python expression makes of `value`. */
const inPython = (expression: string, value: unknown): Promise<unknown> =>
  session.call('evaluate', [expression, value]);

const evaluate = (expression: string): Promise<unknown> => session.call('evaluate', [expression]);
const execute = (statements: string): Promise<unknown> => session.call('execute', [statements]);

async function echo(value: unknown): Promise<unknown> {
  return ((await session.call('echo', [value])) as unknown[])[0];
}

describe('from JavaScript to Python', () => {
  const scalars: [string, unknown, string, string][] = [
    ['an integral number', 42, 'int', '42'],
    ['5.0', 5.0, 'int', '5'],
    ['a fraction', 0.5, 'float', '0.5'],
    ['-0', -0, 'int', '0'],
    ['2 ** 53', 2 ** 53, 'int', '9007199254740992'],
    ['-(2 ** 53)', -(2 ** 53), 'int', '-9007199254740992'],
    ['the smallest fraction', 5e-324, 'float', '5e-324'],
    ['a small bigint', 7n, 'int', '7'],
    ['0n', 0n, 'int', '0'],
    ['a negative bigint', -(2n ** 63n), 'int', '-9223372036854775808'],
    ['a huge bigint', 10n ** 40n, 'int', `1${'0'.repeat(40)}`],
    ['a huge negative bigint', -(2n ** 64n), 'int', '-18446744073709551616'],
    ['null', null, 'NoneType', 'None'],
    ['undefined', undefined, 'NoneType', 'None'],
    ['true', true, 'bool', 'True'],
    ['false', false, 'bool', 'False'],
    ['text', "it's", 'str', '"it\'s"'],
    ['an empty array', [], 'list', '[]'],
    ['an empty object', {}, 'dict', '{}'],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), 'dict', "{'a': 1}"],
    ['a hole', [1, , 2], 'list', '[1, None, 2]'], // eslint-disable-line no-sparse-arrays -- the hole is the case
    ['undefined in an array', [undefined, 1], 'list', '[None, 1]'],
    ['undefined in an object', { a: undefined, b: null }, 'dict', "{'b': None}"],
    ['numeric keys', { 2: 'b', 1: 'a' }, 'dict', "{'1': 'a', '2': 'b'}"],
    ['symbol keys', { [Symbol('s')]: 1, a: 2 }, 'dict', "{'a': 2}"],
  ];
  test.each(scalars)('%s becomes the value of Python that stands for it', async (_, value, type, repr) => {
    expect(await inPython('[type(value).__name__, repr(value)]', value)).toEqual([type, repr]);
  });

  // A bigint beside them keeps the arguments from crossing as JSON.
  const both: [string, unknown][] = [
    ['numbers', [0, -0, 1, -1, 0.1, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53 - 1, -(2 ** 53 - 1), 123456789.5]],
    [
      'strings',
      [
        '',
        'a"b\\c\n\t\u0000\u001f\u007f',
        'é',
        '\u2028\u2029',
        '漢字',
        '😀',
        '\ud800',
        '\udc00\ud800',
        '😀'.slice(0, 1),
      ],
    ],
    ['the rest', [true, false, null, undefined, [], {}, [[[]]], { a: { b: [{ c: undefined }] } }]],
    ['keys', { 2: 'b', 1: 'a', '': 1, é: 2, '😀': 3, ['__proto__']: 4, 'a b': 5, '\ud800': 6, toJSON: 'no function' }],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
  ];
  test.each(both)('%s arrive in Python the same as JSON and value by value', async (_, value) => {
    const sorts = 'lambda x: [type(x).__name__, repr(x)]';
    const asJson = await session.call('evaluate', [`(${sorts})(value)`, value]);
    const walked = await session.call('evaluate', [`(${sorts})(value[0])`, [value, 1n]]);
    expect(asJson).toEqual(walked);
  });

  test('large numbers arrive exactly, and no toJSON method is called', async () => {
    expect(
      await inPython('value == [10**20, 2**53, 123456789012345683968]', [1e20, 2 ** 53, 123456789012345680000]),
    ).toBe(true);
    const array = Object.assign([1, 2], { toJSON: () => 'written' });
    expect(await inPython('value', array)).toEqual([1, 2]);
    await expect(inPython('value', { toJSON: () => 'written' })).rejects.toMatchObject({ code: 'ERR_WANGP_VALUE' });
    class Point {
      x = 1;
      toJSON(): string {
        return 'written';
      }
    }
    expect(await inPython('value', new Point())).toEqual({ x: 1 });
    Reflect.set(Array.prototype, 'toJSON', () => 'polluted');
    try {
      expect(await inPython('value', [1])).toEqual([1]);
    } finally {
      Reflect.deleteProperty(Array.prototype, 'toJSON');
    }
  });

  test('1e300 is the int that it stands for', async () => {
    expect(await inPython('type(value) is int and value == int(1e300)', 1e300)).toBe(true);
  });

  test('keys keep their order, and one named __proto__ is a key', async () => {
    const value = Object.fromEntries([
      ['z', 1],
      ['__proto__', { a: 2 }],
      ['a', 3],
      ['constructor', 4],
      ['', 5],
    ]);
    expect(await inPython('repr(value)', value)).toBe(
      "{'z': 1, '__proto__': {'a': 2}, 'a': 3, 'constructor': 4, '': 5}",
    );
  });

  test('an instance of a class becomes a dictionary of its own public fields', async () => {
    class Options {
      seed = 1;
      readonly #secret = 2;
      get steps(): number {
        return this.#secret;
      }
    }
    expect(await inPython('value', new Options())).toEqual({ seed: 1 });
  });

  test('an object that stands in several places arrives in each of them', async () => {
    const shared = { a: [1] };
    expect(await inPython('value', { x: shared, y: [shared, shared] })).toEqual({
      x: { a: [1] },
      y: [{ a: [1] }, { a: [1] }],
    });
  });

  const arrays: [string, ArrayBufferView | ArrayBuffer, string, number, unknown[]][] = [
    ['Uint8Array', new Uint8Array([0, 255]), 'B', 1, [0, 255]],
    ['Uint8ClampedArray', new Uint8ClampedArray([300]), 'B', 1, [255]],
    ['Int8Array', new Int8Array([-1]), 'b', 1, [-1]],
    ['Uint16Array', new Uint16Array([65535]), 'H', 2, [65535]],
    ['Int16Array', new Int16Array([-2]), 'h', 2, [-2]],
    ['Uint32Array', new Uint32Array([4294967295]), 'I', 4, [4294967295]],
    ['Int32Array', new Int32Array([-3]), 'i', 4, [-3]],
    ['BigUint64Array', new BigUint64Array([2n ** 64n - 1n]), 'Q', 8, [2n ** 64n - 1n]],
    ['BigInt64Array', new BigInt64Array([-(2n ** 63n), 1n]), 'q', 8, [-(2n ** 63n), 1]],
    ['Float32Array', new Float32Array([0.5, NaN]), 'f', 4, [0.5, NaN]],
    ['Float64Array', new Float64Array([0.1, Infinity]), 'd', 8, [0.1, Infinity]],
    ['a part of a Float32Array', new Float32Array([1, 2, 3, 4]).subarray(1, 3), 'f', 4, [2, 3]],
    ['a Buffer', Buffer.from('hello').subarray(1, 3), 'B', 1, [101, 108]],
    ['a DataView', new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2), 'B', 1, [2, 3]],
    ['an ArrayBuffer', new Uint8Array([9, 8]).buffer, 'B', 1, [9, 8]],
    ['an empty Float64Array', new Float64Array(0), 'd', 8, []],
  ];
  test.each(arrays)('%s becomes a memoryview of its type and values', async (_, value, format, itemSize, content) => {
    const description = '[type(value).__name__, value.format, value.itemsize, value.tolist()]';
    expect(await inPython(description, value)).toEqual(['memoryview', format, itemSize, content]);
  });

  test('Python gets the bytes as they are at the call', async () => {
    const bytes = new Uint8Array([1, 2]);
    const answer = inPython('value.tolist()', bytes);
    bytes[0] = 9;
    expect(await answer).toEqual([1, 2]);
  });

  test('keyword arguments arrive by their names', async () => {
    expect(await session.call('echo', [1], { a: [2], __proto__: null })).toEqual({ values: [1], keywords: { a: [2] } });
  });
});

describe('text, both ways', () => {
  const texts: [string, string, string][] = [
    ['nothing', '', "''"],
    ['NUL', 'a\0b', "'a\\x00b'"],
    ['Latin-1', 'é÷ÿ', "'\\xe9\\xf7\\xff'"],
    ['two bytes each', '漢ش', "'\\u6f22\\u0634'"],
    ['an emoji', 'a😀', "'a\\U0001f600'"],
    ['a lone high surrogate', 'a\ud800b', "'a\\ud800b'"],
    ['a lone low surrogate', '\udfff', "'\\udfff'"],
    ['surrogates the wrong way round', '\udc00\ud800', "'\\udc00\\ud800'"],
    ['a byte-order mark', '\ufeffa\ufffe', "'\\ufeffa\\ufffe'"],
  ];
  test.each(texts)('%s arrives as it is and comes back', async (_, text, ascii) => {
    expect(await inPython('ascii(value)', text)).toBe(ascii);
    expect(await evaluate(ascii)).toBe(text);
    expect(await evaluate(`{${ascii}: 1}`)).toEqual({ [text]: 1 });
    expect(await inPython('ascii(next(iter(value)))', { [text]: 1 })).toBe(ascii);
  });

  test.each([
    ['ASCII', 'x'],
    ['Latin-1', 'ÿ'],
    ['two bytes each', '漢'],
    ['emoji', '😀'],
  ])('ten million code units of %s arrive and come back', async (_, character) => {
    const text = character.repeat(10_000_000 / character.length);
    expect((await echo(text)) === text).toBe(true);
  });
});

describe('from Python to JavaScript', () => {
  const values: [string, unknown][] = [
    ['None', null],
    ['True', true],
    ['2**53 - 1', 2 ** 53 - 1],
    ['-(2**53 - 1)', -(2 ** 53 - 1)],
    ['2**53', 2n ** 53n],
    ['-2**53', -(2n ** 53n)],
    ['-10**40', -(10n ** 40n)],
    ['2**64', 2n ** 64n],
    ['2**128 - 1', 2n ** 128n - 1n],
    ['5.0', 5],
    ['-0.0', -0],
    ['float("nan")', NaN],
    ['[float("inf"), -float("inf")]', [Infinity, -Infinity]],
    ['1e300', 1e300],
    ['(1, (2, "b"))', [1, [2, 'b']]],
    ['{7}', [7]],
    ['frozenset()', []],
    ['{1: "a", None: "b", (2, 3): "c", 1.5: "d"}', { 1: 'a', None: 'b', '(2, 3)': 'c', 1.5: 'd' }],
    ['__import__("pathlib").PurePosixPath("/a/b")', '/a/b'],
    ['__import__("collections").OrderedDict(b=1, a=2)', { b: 1, a: 2 }],
    ['__import__("types").MappingProxyType({"a": 1})', { a: 1 }],
    ['__import__("collections").UserDict(a=1)', { a: 1 }],
    ['__import__("collections").namedtuple("P", "x y")(1, 2)', [1, 2]],
    ['range(3)', { pythonType: 'range', repr: 'range(0, 3)' }],
    ['3+4j', { pythonType: 'complex', repr: '(3+4j)' }],
    ['int', { pythonType: 'type', repr: "<class 'int'>" }],
    [
      '__import__("datetime").datetime(2024, 1, 2)',
      { pythonType: 'datetime.datetime', repr: 'datetime.datetime(2024, 1, 2, 0, 0)' },
    ],
    ['__import__("decimal").Decimal("1.5")', { pythonType: 'decimal.Decimal', repr: "Decimal('1.5')" }],
    ['type("Größe漢", (), {"__repr__": lambda self: "r漢"})()', { pythonType: 'Größe漢', repr: 'r漢' }],
  ];
  test.each(values)('%s becomes the value of JavaScript that stands for it', async (expression, expected) => {
    assert.deepStrictEqual(await evaluate(expression), expected);
  });

  const statements: [string, string, unknown][] = [
    ['an enumeration', 'import enum\nclass E(enum.Enum):\n  A = "a"\n  B = (1, 2)\nresult = [E.A, E.B]', ['a', [1, 2]]],
    ['an IntEnum', 'import enum\nclass E(enum.IntEnum):\n  A = 3\nresult = E.A', 3],
    ['subclasses', 'S = type("S", (str,), {})\nI = type("I", (int,), {})\nresult = [S("a"), I(3)]', ['a', 3]],
    ['a subclass of dict', 'D = type("D", (dict,), {"items": None})\nresult = D(a=1)', { a: 1 }],
    [
      'a dataclass',
      'import dataclasses\n@dataclasses.dataclass\nclass P:\n  x: int\n  y: object\nresult = P(1, P(2, None))',
      { x: 1, y: { x: 2, y: null } },
    ],
    [
      'a list that contains itself',
      'result = [1]\nresult.append(result)',
      [1, { pythonType: 'list', repr: '[1, [...]]' }],
    ],
    [
      'a dictionary that contains itself',
      'result = {}\nresult["a"] = (result,)',
      { a: [{ pythonType: 'dict', repr: "{'a': ({...},)}" }] },
    ],
    ['the same list twice', 'part = [1]\nresult = [part, {"a": part}]', [[1], { a: [1] }]],
    ['a key named __proto__', 'result = {"__proto__": 1}', Object.fromEntries([['__proto__', 1]])],
  ];
  test.each(statements)('%s becomes data, or its type and text', async (_, source, expected) => {
    assert.deepStrictEqual(await execute(source), expected);
  });

  test('a generator is not run', async () => {
    const answer = await execute('def g():\n  kept["ran"] = True\n  yield 1\nresult = g()');
    expect(answer).toMatchObject({ pythonType: 'generator', repr: expect.stringContaining('<generator object g') });
    expect(await evaluate('"ran" in kept')).toBe(false);
  });

  test.each(['ValueError', 'SystemExit', 'KeyboardInterrupt', 'RecursionError'])(
    'objects that raise %s when they are looked at raise nothing in JavaScript',
    async (exception) => {
      const answer = await execute(`def fail(*_):\n  raise ${exception}
Mute = type("Mute", (), {"__repr__": fail, "__str__": fail})
Hostile = type("Hostile", (), {"__getattribute__": fail, "__repr__": lambda self: "hostile"})
Path = type("Path", (), {"__fspath__": fail, "__repr__": lambda self: "path"})
result = [Mute(), {Mute(): 1}, Hostile(), Path()]`);
      expect(answer).toEqual([
        { pythonType: 'Mute', repr: '<unprintable>' },
        { '<unprintable key>': 1 },
        { pythonType: 'Hostile', repr: 'hostile' },
        { pythonType: 'Path', repr: 'path' },
      ]);
      expect(await evaluate('1 + 1')).toBe(2);
    },
  );

  test('a long repr is cut after 1,000 characters', async () => {
    const { repr } = (await evaluate('type("L", (), {"__repr__": lambda self: "x" * 10**6})()')) as { repr: string };
    expect(repr).toBe('x'.repeat(1000));
  });

  test('a list nested more than 200 levels deep is shown by its type and text from there on', async () => {
    for (const levels of [1000, 200_000]) {
      let value = await execute(`result = []\nfor _ in range(${levels}): result = [result]`);
      let depth = 0;
      while (Array.isArray(value)) {
        value = value[0];
        depth += 1;
      }
      expect(depth).toBe(200);
      expect(value).toMatchObject({ pythonType: 'list', repr: expect.any(String) });
      expect(await evaluate('1 + 1')).toBe(2);
    }
  });
});

describe('what goes there comes back', () => {
  /** Mulberry32: the same values at every run. */
  function random(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  function generator(next: () => number): (depth: number) => unknown {
    const below = (limit: number): number => Math.floor(next() * limit);
    const list = <Item>(limit: number, make: () => Item): Item[] => Array.from({ length: below(limit) }, make);
    const RANGES = [128, 256, 0x800, 0x10000];
    const text = (): string => {
      const range = RANGES[below(RANGES.length)]!;
      return String.fromCharCode(...list(12, () => below(range)));
    };
    const key = (): string => (next() < 0.05 ? ['__proto__', 'constructor', '0', '-1', ''][below(5)]! : text());
    const integer = (): number => Math.round((next() - 0.5) * 2 ** below(70));
    const scalars = [
      () => null,
      () => undefined,
      () => next() < 0.5,
      integer,
      () => (next() - 0.5) * 10 ** (below(600) - 300),
      () => BigInt(integer()) * BigInt(integer()),
      text,
      () => new Uint8Array(list(5, () => below(256))),
      () => new Float64Array(list(5, next)),
    ];
    return function value(depth: number): unknown {
      const kind = next();
      if (depth > 0 && kind < 0.25) return list(6, () => value(depth - 1));
      if (depth > 0 && kind < 0.5) return Object.fromEntries(list(6, () => [key(), value(depth - 1)] as const));
      return scalars[below(scalars.length)]!();
    };
  }

  /** What JavaScript is to see again, by the rules of both directions. */
  function expected(value: unknown): unknown {
    if (value === undefined) return null;
    if (typeof value === 'number' && Number.isInteger(value)) {
      return Number.isSafeInteger(value) ? value + 0 : BigInt(value);
    }
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    if (ArrayBuffer.isView(value) || value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map(expected);
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([name, item]) => [name, expected(item)]),
    );
  }

  /** Tensors as their content. */
  function plain(value: unknown): unknown {
    if (value instanceof Tensor) return value.data;
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
  }

  test.each([1, 2, 3, 4])('4,000 random values come back the same, seed %i', async (seed) => {
    const make = generator(random(seed));
    for (let batch = 0; batch < 40; batch += 1) {
      const values = Array.from({ length: 100 }, () => make(4));
      assert.deepStrictEqual(plain(await echo(values)), values.map(expected));
    }
  });

  test('a value nested a hundred levels deep comes back the same', async () => {
    let value: unknown = 'innermost';
    for (let level = 0; level < 50; level += 1) value = { list: [value] };
    assert.deepStrictEqual(await echo(value), value);
  });
});
