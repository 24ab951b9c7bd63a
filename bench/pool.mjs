// node bench/pool.mjs [ROUNDS]: 40 jobs that sleep in their steps, on a pool of two workers beside a pool of one, in the
// same run. Then how often models are loaded where jobs of several models come at random, with and without the preference
// for the model that is loaded, and how long the longest wait is. Medians of the rounds. Needs `npm run setup`.
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { choices, mulberry32 } from '../test/stress/seeded.mjs';

const ROOT = path.resolve(fileURLToPath(import.meta.url), '..', '..');
const { createPool } = createRequire(import.meta.url)(path.join(ROOT, 'dist', 'index.js'));
const rounds = Number(process.argv[2] ?? 3);
const root = path.join(ROOT, 'test', 'fixtures', 'roots', 'scripted');

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** A pool whose workers have all started. */
async function startPool(options) {
  const pool = createPool({ root, consoleOutput: false, ...options });
  const script = 'time.sleep(0.5)';
  await Promise.all(pool.workers.map(() => pool.runTask({ script })));
  return pool;
}

/** Milliseconds for 40 jobs of eight steps of 25 ms. */
async function sleepingJobs(workers) {
  const pool = await startPool({ workers });
  const script =
    'for step in range(8):\n  time.sleep(0.025)\n  put("progress", ProgressUpdate("inference", "", step * 12, step, 8))';
  const began = performance.now();
  for (let job = 0; job < 40; job += 1) pool.submitTask({ script });
  await pool.idle();
  const taken = performance.now() - began;
  await pool.close();
  return taken;
}

const MODELS = ['a', 'b', 'c', 'd'];
/** Loads a model in 60 ms where another one is loaded, and generates in 20 ms. */
const LOADING = `model = settings["model_type"]
if kept.get("model") != model:
  time.sleep(0.06)
  kept["model"] = model
  put("status", "loads")
time.sleep(0.02)`;

async function randomModels(maxOvertaken, seed) {
  const pool = await startPool({ workers: 2, maxOvertaken });
  const { pick } = choices(mulberry32(seed));
  const began = performance.now();
  const waits = [];
  let loads = 0;
  for (let job = 0; job < 200; job += 1) {
    pool
      .submitTask({ model_type: pick(MODELS), script: LOADING })
      .on('status', () => (loads += 1))
      .on('started', () => waits.push(performance.now() - began));
  }
  await pool.idle();
  const total = performance.now() - began;
  await pool.close();
  return { loads, total, longest: Math.max(...waits) };
}

const times = { one: [], two: [], ratio: [] };
for (let round = 0; round < rounds; round += 1) {
  const [one, two] = [await sleepingJobs(1), await sleepingJobs(2)];
  times.one.push(one);
  times.two.push(two);
  times.ratio.push(two / one);
}
console.log(
  `40 jobs that sleep 200 ms each: one worker ${median(times.one).toFixed(0)} ms, two ${median(times.two).toFixed(0)} ms, ` +
    `ratio ${median(times.ratio).toFixed(3)} (${Math.min(...times.ratio).toFixed(3)} to ${Math.max(...times.ratio).toFixed(3)})`,
);
const models = { inOrder: [], preferred: [] };
for (let round = 0; round < rounds; round += 1) {
  models.inOrder.push(await randomModels(0, round));
  models.preferred.push(await randomModels(8, round));
}
for (const [name, figures] of Object.entries(models)) {
  const of = (field) => median(figures.map((each) => each[field])).toFixed(0);
  console.log(
    `200 jobs of ${MODELS.length} models at random, two workers, maxOvertaken ${name === 'inOrder' ? 0 : 8}: ` +
      `${of('loads')} loads, ${of('total')} ms in all, the last one began after ${of('longest')} ms`,
  );
}
const ratios = models.preferred.map(({ loads }, round) => loads / models.inOrder[round].loads);
console.log(`loads with the preference: ${median(ratios).toFixed(2)} of those without`);
