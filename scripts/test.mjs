// npm test [-- OPTIONS FOR VITEST]: sets up, builds for every CPython of the machine, runs every test.
import { bin, runInForeground, say } from './lib.mjs';
import { cleanEnvironment, prepareInterpreters } from './interpreters.mjs';
import { setUp } from './setup.mjs';
import { buildProbe } from './steps.mjs';

await setUp();
await buildProbe();
const pythons = await prepareInterpreters();

const env = cleanEnvironment({ WANGP_TEST_PYTHONS: JSON.stringify(pythons) });
const args = process.argv.slice(2);
const status = await runInForeground(process.execPath, [bin('vitest', 'vitest.mjs'), 'run', ...args], { env });
if (status !== 0 || args.length > 0) process.exit(status);
for (const { name, executable } of pythons) {
  say(`the Python side on ${name}`);
  const code = await runInForeground(executable, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test/python']);
  if (code !== 0) process.exit(code);
}
