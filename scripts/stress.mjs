// node scripts/stress.mjs NAME [OPTIONS]: one of the long programs of test/stress/, on the interpreters that tests use.
// Each prints its figures in its last line and ends with 1 where one is wrong; `--short` is what `npm test` runs.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, ROOT, runInForeground } from './lib.mjs';
import { cleanEnvironment, prepareInterpreters, thoroughInterpreter } from './interpreters.mjs';
import { setUp } from './setup.mjs';
import { buildProbe } from './steps.mjs';

/** Runs one program; resolves with its exit code. */
export function runStress(name, pythons, args = []) {
  const file = path.join(ROOT, 'test', 'stress', `${name}.mjs`);
  if (!existsSync(file)) fail(`there is no ${path.relative(ROOT, file)}`);
  const env = cleanEnvironment({
    WANGP_PYTHON: thoroughInterpreter(pythons).executable,
    WANGP_TEST_PYTHONS: JSON.stringify(pythons),
  });
  return runInForeground(process.execPath, ['--expose-gc', file, ...args], { env });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, ...args] = process.argv.slice(2);
  await setUp();
  await buildProbe();
  process.exitCode = await runStress(name, await prepareInterpreters(), args);
}
