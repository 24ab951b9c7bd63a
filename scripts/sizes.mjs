// What each size of the tests consists of.
import { thoroughInterpreter } from './interpreters.mjs';

/** The options of scripts/test.mjs that choose a size; without one it is what `npm test` runs. */
export const SIZES = ['--all', '--beyond', '--full'];

/** Programs of test/stress/, in the order in which they run. */
export const STRESS = ['isolation', 'exit', 'soak', 'fuzz', 'pool'];

/** The sanitizers, in the order in which they run. */
export const SANITIZED = ['address', 'thread'];

/**
 * Plans a size for these interpreters. `vitest`: the interpreters with the `files` of test/embedded that each runs
 * (vitest.config.mts), and its `options`; `pytest`: those whose Python side is tested; `stress` and `sanitizers`: names;
 * `short`: whether those two run in their short forms.
 *
 * What `npm test` and `--beyond` run is together what `--all` runs, and nothing is in both.
 */
export function planOf(size, pythons) {
  const thorough = thoroughInterpreter(pythons);
  const others = pythons.filter((python) => python !== thorough);
  const run = (files) => others.map((python) => ({ ...python, files }));
  switch (size) {
    case undefined:
      return {
        vitest: [thorough, ...run('smoke')],
        options: [],
        pytest: [thorough],
        stress: STRESS,
        sanitizers: [],
        short: true,
      };
    case '--beyond':
      return {
        vitest: run('rest'),
        options: ['--project', 'python *'],
        pytest: others,
        stress: [],
        sanitizers: SANITIZED,
        short: true,
      };
    default:
      return {
        vitest: [thorough, ...run('all')],
        options: [],
        pytest: pythons,
        stress: STRESS,
        sanitizers: SANITIZED,
        short: size === '--all',
      };
  }
}
