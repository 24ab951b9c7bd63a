// npm test [-- OPTIONS FOR VITEST]: sets up, builds for every CPython of the machine, runs every test, and the short
// forms of the long programs. npm run test:full: those in full.
import { cleanEnvironment, prepareInterpreters } from './interpreters.mjs';
import { bin, runTests, say } from './lib.mjs';
import { runSanitized, SANITIZERS } from './sanitize.mjs';
import { setUp } from './setup.mjs';
import { buildProbe } from './steps.mjs';
import { runStress, STRESS } from './stress.mjs';

const args = process.argv.slice(2).filter((arg) => arg !== '--full');
const short = !process.argv.includes('--full');

await setUp();
await buildProbe();
const pythons = await prepareInterpreters();

/** What `npm test` consists of: names, and what runs each to its exit code. */
function* parts() {
  const env = cleanEnvironment({ WANGP_TEST_PYTHONS: JSON.stringify(pythons) });
  yield ['vitest', () => runTests(process.execPath, [bin('vitest', 'vitest.mjs'), 'run', ...args], { env })];
  if (args.length > 0) return;
  for (const { name, executable } of pythons) {
    const pytest = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test/python'];
    yield [`the Python side on ${name}`, () => runTests(executable, pytest)];
  }
  for (const name of STRESS) yield [name, () => runStress(name, pythons, short ? ['--short'] : [])];
  for (const sanitizer of Object.keys(SANITIZERS)) {
    yield [`the ${sanitizer} sanitizer`, () => runSanitized(sanitizer, pythons, { short })];
  }
}

const failed = [];
for (const [name, run] of parts()) {
  if (args.length === 0) say(name);
  const started = Date.now();
  const code = await run().catch((error) => {
    console.error(error.message);
    return 1;
  });
  if (args.length === 0)
    say(`${name}: ${code === 0 ? 'passed' : `FAILED (${code})`}, ${((Date.now() - started) / 1000).toFixed(0)} s`);
  if (code !== 0) failed.push(name);
  // CI's log ends with what failed.
  if (code !== 0 && process.env.CI) break;
}
if (failed.length > 0) {
  say(`failed: ${failed.join(', ')}`);
  process.exit(1);
}
