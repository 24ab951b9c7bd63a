import { beforeAll, describe, expect, test } from 'vitest';
import { Tensor, type WanGPSession } from 'wangp-node';
import { initScripted } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

const evaluate = (expression: string): Promise<unknown> => session.call('evaluate', [expression]);
const execute = (statements: string): Promise<unknown> => session.call('execute', [statements]);

describe('memory in a value', () => {
  test('NumPy scalars are plain numbers and booleans', async () => {
    const scalars = await execute(`import numpy
result = [numpy.float32(0.5), numpy.float64(0.1), numpy.int64(7), numpy.uint64(2**64 - 1), numpy.bool_(True),
          numpy.str_("a"), numpy.longdouble(2.5), numpy.float16(1.5)]`);
    expect(scalars).toEqual([0.5, 0.1, 7, 2n ** 64n - 1n, true, 'a', 2.5, 1.5]);
    expect(await evaluate('__import__("numpy").complex64(1)')).toMatchObject({ pythonType: 'complex' });
  });

  test.each([
    ['uint8', [1, 0, 255]],
    ['int8', [1, 0, -1]],
    ['uint16', [1, 65535, 0]],
    ['int16', [1, -2, 0]],
    ['uint32', [1, 2 ** 32 - 1, 0]],
    ['int32', [-1, 2, 0]],
    ['uint64', [1n, 2n ** 64n - 1n, 0n]],
    ['int64', [-1n, 2n, 0n]],
    ['float32', [0.5, NaN, -1]],
    ['float64', [0.1, Infinity, -1]],
    ['bool', [1, 0, 1]],
  ])('an array of %s is a tensor at the same address', async (dtype, content) => {
    const text = content.map((item) => (typeof item === 'number' ? `float("${item}")` : String(item))).join();
    const cast = dtype.startsWith('float') ? '' : '[int(x) for x in items]';
    const { array } = (await execute(
      `import numpy; items = [${text}]; result = {"array": numpy.array(${cast || 'items'}, dtype="${dtype}")}`,
    )) as { array: Tensor };
    expect(array).toBeInstanceOf(Tensor);
    expect(array).toMatchObject({ dtype, shape: [3], zeroCopy: true });
    expect([...(array.data as Uint8Array)]).toEqual(content);
    array.dispose();
  });

  const others: [string, string, object, number[]][] = [
    ['bytes', 'bytes([1, 2])', { dtype: 'uint8', shape: [2], zeroCopy: false }, [1, 2]],
    ['no bytes', 'b""', { dtype: 'uint8', shape: [0] }, []],
    ['a bytearray', 'bytearray([1, 2])', { dtype: 'uint8', shape: [2], zeroCopy: true }, [1, 2]],
    ['a strided memoryview', 'memoryview(bytearray(6))[::2]', { shape: [3], zeroCopy: false }, [0, 0, 0]],
    [
      'an array.array',
      '__import__("array").array("d", [0.5])',
      { dtype: 'float64', shape: [1], zeroCopy: true },
      [0.5],
    ],
    ['a half-float array', 'numpy.array([1.5], dtype="f2")', { dtype: 'float32', zeroCopy: false }, [1.5]],
    ['a big-endian array', 'numpy.array([258], dtype=">i4")', { dtype: 'int32', zeroCopy: false }, [258]],
    ['an array without axes', 'numpy.array(7.5)', { dtype: 'float64', shape: [], zeroCopy: true }, [7.5]],
    ['an array without elements', 'numpy.zeros((0, 3), "u1")', { dtype: 'uint8', shape: [0, 3] }, []],
    [
      'a transposed array',
      'numpy.arange(4, dtype="u1").reshape(2, 2).T',
      { shape: [2, 2], zeroCopy: false },
      [0, 2, 1, 3],
    ],
  ];
  test.each(others)('%s is a tensor, and says whether it was copied', async (_, expression, expected, content) => {
    const tensor = (await execute(`import numpy; result = ${expression}`)) as Tensor;
    expect(tensor).toBeInstanceOf(Tensor);
    expect(tensor).toMatchObject(expected);
    expect([...(tensor.data as Uint8Array)]).toEqual(content);
    tensor.dispose();
  });

  test.each([
    ['objects', 'numpy.array([None, 1], dtype=object)'],
    ['complex numbers', 'numpy.array([1j])'],
    ['text', 'numpy.array(["a"])'],
    ['times', 'numpy.array(["2024-01-01"], dtype="M8[s]")'],
    ['records', 'numpy.zeros(2, dtype=[("a", "i4"), ("b", "f8")])'],
  ])('an array of %s, which has no counterpart, is shown by its type and text', async (_, expression) => {
    const answer = await execute(`import numpy; result = ${expression}`);
    expect(answer).toMatchObject({ pythonType: 'numpy.ndarray', repr: expect.stringContaining('array(') });
  });

  test('the data of a tensor goes back to Python with its values', async () => {
    const tensor = (await evaluate('bytearray([3, 4])')) as Tensor<Uint8Array>;
    expect(await session.call('evaluate', ['value.tolist()', tensor.data])).toEqual([3, 4]);
    tensor.dispose();
  });
});
