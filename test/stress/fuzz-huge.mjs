// The few values that take hundreds of megabytes; each is made once.
import { isDeepStrictEqual } from 'node:util';

/** Whether the call is rejected by a coded error rather than by anything else, or answers. */
async function isSane(call) {
  try {
    await call();
    return true;
  } catch (error) {
    return error.code?.startsWith('ERR_WANGP_') === true;
  }
}

/** Sends and fetches them; resolves with counts and counterexamples as each iteration of the fuzz does. */
export async function hugeValues(session) {
  const problems = [];
  const check = (name, isRight) => {
    if (!isRight) problems.push(`huge values: ${name}`);
  };
  const length = 2 ** 28;
  const evaluate = (expression, value) => session.call('evaluate', [expression, value]);
  const latin = 'é'.repeat(length);
  const size = '[len(value), value[0], value[-1], value.count(value[0])]';
  check('2^28 characters to Python', isDeepStrictEqual(await evaluate(size, latin), [length, 'é', 'é', length]));
  check('2^28 characters from Python', (await evaluate(`"é" * ${length}`)) === latin);
  // One more than V8's longest string: either is right, but nothing else.
  check('a string too long for V8', await isSane(() => evaluate(`"x" * ${2 ** 29}`)));
  check('a long integer', (await evaluate('(1 << 10_000_000) + 1')) === (1n << 10_000_000n) + 1n);
  const tooLarge = { pythonType: 'int', repr: '<unprintable>' };
  check('an integer too large for V8', isDeepStrictEqual(await evaluate(`-1 << ${2 ** 30 + 1}`), tooLarge));
  const bytes = new Uint8Array(2 ** 28).fill(7);
  check('2^28 bytes to Python', (await evaluate('[value.nbytes, value[-1]]', bytes)).join() === `${length},7`);
  const items = Array.from({ length: 2_000_000 }, (_, index) => index);
  check('two million elements there and back', isDeepStrictEqual(await evaluate('value', items), items));
  return { toPython: 3, toJs: 5, problems };
}
