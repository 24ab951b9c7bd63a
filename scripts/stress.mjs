// node scripts/stress.mjs NAME [OPTIONS]: one of the long programs of test/stress/, on the interpreters that tests use.
// Each prints its figures in its last line and ends with 1 where one is wrong; `--short` is what `npm test` runs.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment, prepareInterpreters, thoroughInterpreter } from './interpreters.mjs';
import { fail, ROOT, runTests } from './lib.mjs';
import { setUp } from './setup.mjs';
import { STRESS } from './sizes.mjs';
import { buildProbe } from './steps.mjs';

/** Runs one program; resolves with its exit code. */
export function runStress(name, pythons, args = [], { env = {}, nodeArgs = [] } = {}) {
  const file = path.join(ROOT, 'test', 'stress', `${name}.mjs`);
  if (!existsSync(file)) fail(`there is no ${path.relative(ROOT, file)}: ${STRESS.join(', ')}`);
  return runTests(process.execPath, ['--expose-gc', ...nodeArgs, file, ...args], {
    env: cleanEnvironment({
      ...env,
      WANGP_PYTHON: thoroughInterpreter(pythons).executable,
      WANGP_TEST_PYTHONS: JSON.stringify(pythons),
    }),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, ...args] = process.argv.slice(2);
  await setUp();
  await buildProbe();
  // The isolation is compared on every interpreter; the others use one.
  process.exitCode = await runStress(name, await prepareInterpreters({ few: name !== 'isolation' }), args);
}
