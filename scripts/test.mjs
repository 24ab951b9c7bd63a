// The tests, in three sizes; each builds what has changed, for every CPython of the machine. OPTIONS (files first of
// all) go to vitest, which then is all that runs.
//
//   npm test [-- OPTIONS]            all tests on one interpreter, a smoke test on each other, short forms of the programs
//   npm run test:all [-- OPTIONS]    all tests on every interpreter, and short forms of both sanitizers besides
//   npm run test:all -- --beyond     what that has beyond `npm test`, and nothing else
//   npm run test:full                what test:all runs, with the programs and the sanitizers in full
//   npm run test:watch [-- OPTIONS]  one interpreter; again at each change of lib/ (compiled anew), python/ and test/
import { cleanEnvironment, prepareInterpreters, thoroughInterpreter } from './interpreters.mjs';
import { bin, fail, runTests, say } from './lib.mjs';
import { runSanitized } from './sanitize.mjs';
import { setUp } from './setup.mjs';
import { planOf, SIZES } from './sizes.mjs';
import { buildProbe } from './steps.mjs';
import { runStress } from './stress.mjs';
import { watchTests } from './watch.mjs';

const watch = process.argv.includes('--watch');
const size = process.argv.findLast((arg) => SIZES.includes(arg));
const args = process.argv.slice(2).filter((arg) => arg !== '--watch' && !SIZES.includes(arg));
if (args.length > 0 && (size === '--beyond' || size === '--full')) fail(`${size} runs all it has, without ${args[0]}`);

await setUp();
await buildProbe();
const pythons = await prepareInterpreters({ few: watch || (args.length > 0 && size === undefined) });

function runVitest({ vitest, options }) {
  const env = cleanEnvironment({ WANGP_TEST_PYTHONS: JSON.stringify(vitest) });
  return runTests(process.execPath, [bin('vitest', 'vitest.mjs'), 'run', ...options, ...args], { env });
}

function runPytest({ executable }) {
  return runTests(executable, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test/python']);
}

/** What the size consists of: names, and what runs each to its exit code. */
function* parts() {
  const plan = planOf(size, pythons);
  const names = plan.vitest.map(({ name, files = 'all' }) => (files === 'all' ? name : `${name} (${files})`));
  if (names.length > 0) yield [`vitest on ${names.join(', ')}`, () => runVitest(plan)];
  if (args.length > 0) return;
  for (const python of plan.pytest) yield [`the Python side on ${python.name}`, () => runPytest(python)];
  const short = plan.short ? ['--short'] : [];
  for (const name of plan.stress) yield [name, () => runStress(name, pythons, short)];
  for (const name of plan.sanitizers) yield [`the ${name} sanitizer`, () => runSanitized(name, pythons, plan)];
}

const seconds = (from) => `${((Date.now() - from) / 1000).toFixed(0)} s`;

async function runParts() {
  const began = Date.now();
  const failed = [];
  for (const [name, run] of parts()) {
    if (args.length === 0) say(name);
    const started = Date.now();
    const code = await run().catch((error) => {
      console.error(error.message);
      return 1;
    });
    if (args.length === 0) say(`${name}: ${code === 0 ? 'passed' : `FAILED (${code})`}, ${seconds(started)}`);
    if (code !== 0) failed.push(name);
    // CI's log ends with what failed.
    if (code !== 0 && process.env.CI) break;
  }
  if (failed.length > 0) say(`failed: ${failed.join(', ')}`);
  else if (args.length === 0) say(`all parts passed, ${seconds(began)}`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await (watch ? watchTests(thoroughInterpreter(pythons), args) : runParts());
