// A process with a pool of two workers that have always something to do: node parent.mjs. Says "children PID PID" once
// both run.
import { createRequire } from 'node:module';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
const { createPool } = createRequire(import.meta.url)(path.join(ROOT, 'dist', 'index.js'));

const pool = createPool({
  root: path.join(ROOT, 'test', 'fixtures', 'roots', 'scripted'),
  workers: 2,
  consoleOutput: false,
});
const script = 'time.sleep(0.02)\nput("status", "x" * 1000)';
pool.submitTask({ script }).once('started', () => console.log('started'));
for (;;) {
  await Promise.all([1, 2, 3, 4].map(() => pool.runTask({ script })));
}
