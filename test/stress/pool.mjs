// A pool whose workers die: node scripts/stress.mjs pool [--short] [--jobs N] [--kills N] [--parents N] [--seed N].
//
// 1. 2,000 jobs of the sample root on two workers, of which 500 are killed at random moments, half of them by SIGKILL and
//    half by a segmentation fault in C. Every job has to end exactly once, and to reach WanGP at most once.
// 2. The same with `attempts`, where a job may reach WanGP as often as that, and no more.
// 3. 100 processes with a pool are killed by SIGKILL at random moments. None of their children may be left after 2 s.
//
// Nothing may be left of the first two: no process, no descriptor, no shared memory, no memory.
import { spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { children, isAlive, possessions, within, withVariable } from './pool/processes.mjs';
import { choices, mulberry32, numberOption } from './seeded.mjs';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const { createPool } = createRequire(import.meta.url)(path.join(ROOT, 'dist', 'index.js'));

const SHORT = process.argv.includes('--short');
const SEED = numberOption('seed', Math.floor(Math.random() * 2 ** 30));
const JOBS = numberOption('jobs', SHORT ? 60 : 2000);
const KILLS = numberOption('kills', SHORT ? 12 : 500);
const PARENTS = numberOption('parents', SHORT ? 3 : 100);
const ATTEMPTS = 3;
/** MB by which the last quarter's median may lie above the second's: what the collector has left for later comes and goes. */
const GROWTH = 40;
const PATIENCE = 2000;

const random = choices(mulberry32(SEED));
const folder = mkdtempSync(path.join(os.tmpdir(), 'wangp-pool-stress-'));
const faults = [];

function fault(text) {
  faults.push(text);
  console.log(`  wrong: ${text}`);
}

/** The returned pixels of every fourth are large enough to come in shared memory. */
const settingsOf = (seed) => ({
  model_type: ['ltx2_22B_distilled', 'qwen_image_20B', 't2v_1.3B'][seed % 3],
  prompt: 'a red bicycle',
  image_mode: 1,
  resolution: seed % 4 === 0 ? '704x512' : '64x48',
  num_inference_steps: 40,
  seed,
  _api: { return_media: true },
});

/** Kills one child, by somebody's hand or by its own fault. Returns whether there was one to kill. */
function kill(pid, byFault) {
  try {
    if (!byFault) return process.kill(pid, 'SIGKILL');
    const pipe = openSync(path.join(folder, `crash-${pid}`), constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(pipe, 'x');
    closeSync(pipe);
    return true;
  } catch {
    return false; // it has not come to where it makes its pipe
  }
}

/** Kills children of the pool at random moments until there were enough; `ended()` counts the jobs that have ended. */
async function killAtRandom(pool, kills, ended, jobs) {
  const killed = { SIGKILL: 0, SIGSEGV: 0 };
  // A pool gives up a worker that dies three times in a row while it starts: one of these times is enough.
  const spared = new Set();
  const count = () => killed.SIGKILL + killed.SIGSEGV;
  while (count() < kills && ended() < jobs) {
    // Spread over the first nine tenths of the jobs.
    const due = Math.floor(((count() + random.next()) * 0.9 * jobs) / kills);
    await within(60_000, () => ended() >= due);
    await sleep(random.below(40));
    const byFault = killed.SIGSEGV < killed.SIGKILL;
    const victims = pool.workers.filter(
      ({ pid, state, index }) => pid !== null && !(state === 'starting' && spared.has(index)),
    );
    const victim = random.pick(victims);
    if (victim === undefined || !kill(victim.pid, byFault)) continue;
    const { pid, index } = victim;
    if (victim.state === 'starting') spared.add(index);
    else spared.delete(index);
    if (await within(10_000, () => !isAlive(pid))) killed[byFault ? 'SIGSEGV' : 'SIGKILL'] += 1;
    else fault(`the child ${pid} lives on`);
  }
  return killed;
}

/** Runs so many jobs on a pool while its children are killed. */
async function run({ jobs, kills, attempts }) {
  writeFileSync(path.join(folder, 'runs'), '');
  const pool = createPool({
    root: path.join(ROOT, 'python', 'sample_root'),
    outputDir: path.join(folder, 'outputs'),
    workers: 2,
    attempts,
    restartPauseMs: 0,
    consoleOutput: false,
    env: { POOL_FOLDER: folder },
    preImport: [path.join(import.meta.dirname, 'pool', 'noted.py')],
  });
  const ends = Array.from({ length: jobs }, () => 0);
  const outcomes = { success: 0, died: 0, other: 0 };
  const attemptsOf = [];
  const memory = [];
  let ended = 0;
  for (let seed = 0; seed < jobs; seed += 1) {
    const job = pool.submitTask(settingsOf(seed));
    job.on('completed', ({ data }) => {
      ends[seed] += 1;
      ended += 1;
      attemptsOf[seed] = job.attempts;
      const [error] = data.errors;
      const hasDied =
        error?.stage === 'runtime' && /\(\d+\) was (ended by SIGSEGV|killed \(SIGKILL\))/.test(error.message);
      outcomes[data.success ? 'success' : hasDied ? 'died' : 'other'] += 1;
      if (!data.success && !hasDied) fault(`job ${seed} has ended with ${JSON.stringify(data.errors)}`);
      // Half of them are left to the collector.
      if (seed % 2 === 0) data.artifacts[0]?.video?.dispose();
      if (ended % Math.max(1, Math.round(jobs / 20)) === 0) {
        globalThis.gc();
        memory.push(process.memoryUsage.rss() / 1e6);
      }
    });
  }
  const killed = await killAtRandom(pool, kills, () => ended, jobs);
  await pool.idle();
  await pool.close();
  const runs = new Map();
  for (const seed of readFileSync(path.join(folder, 'runs'), 'utf8').trim().split('\n').map(Number)) {
    runs.set(seed, (runs.get(seed) ?? 0) + 1);
  }
  const most = Math.max(...runs.values());
  ends.forEach((count, seed) => count === 1 || fault(`job ${seed} has ended ${count} times`));
  attemptsOf.forEach((count, seed) => {
    if ((runs.get(seed) ?? 0) > count)
      fault(`job ${seed} has reached WanGP ${runs.get(seed)} times in ${count} attempts`);
    if (count > attempts) fault(`job ${seed} was attempted ${count} times`);
  });
  if (outcomes.success > runs.size) fault(`${outcomes.success} jobs succeeded, but ${runs.size} have reached WanGP`);
  const median = (from, to) =>
    memory.slice(from * memory.length, to * memory.length).sort((a, b) => a - b)[memory.length >> 3];
  const [second, last] = [median(0.25, 0.5), median(0.75, 1)];
  if (last - second > GROWTH)
    fault(`RSS was ${second.toFixed(0)} MB in the second quarter, ${last.toFixed(0)} in the last`);
  console.log(
    `attempts ${attempts}: ${jobs} jobs, ${killed.SIGKILL} SIGKILL, ${killed.SIGSEGV} SIGSEGV in C; ` +
      `${outcomes.success} succeeded, ${outcomes.died} ended with their worker, each once; ` +
      `none has reached WanGP more than ${most} times; RSS ${second.toFixed(0)} MB in the second quarter, ${last.toFixed(0)} in the last`,
  );
  return killed;
}

/** Kills a process with a pool at a random moment after its start; says what is left of it. */
async function killParent(number) {
  const mark = `${process.pid}-${number}`;
  const parent = spawn(process.execPath, [path.join(import.meta.dirname, 'pool', 'parent.mjs')], {
    env: { ...process.env, POOL_STRESS_PARENT: mark },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => parent.once('exit', resolve));
  const begun = new Promise((resolve) => parent.stdout.once('data', resolve));
  // Two thirds of them while they work, the others while they start.
  if (random.chance(2 / 3)) await Promise.race([begun, ended]);
  await sleep(random.below(800));
  const count = withVariable('POOL_STRESS_PARENT', mark).length - 1;
  parent.kill('SIGKILL');
  await ended;
  const left = () => withVariable('POOL_STRESS_PARENT', mark);
  if (!(await within(PATIENCE, () => left().length === 0))) {
    fault(`${left().length} children of a killed parent are there after ${PATIENCE} ms`);
    for (const pid of left()) process.kill(Number(pid), 'SIGKILL');
  }
  return count;
}

if (process.platform !== 'linux') {
  console.log("stress:pool: left out here, it reads Linux's /proc");
  process.exit(0);
}
const began = performance.now();
const killed = { SIGKILL: 0, SIGSEGV: 0 };
let orphans = 0;
try {
  // What is loaded once stays: a pool before the first count.
  await run({ jobs: 4, kills: 0, attempts: 1 });
  globalThis.gc();
  const before = possessions();
  for (const size of [
    { jobs: JOBS, kills: KILLS, attempts: 1 },
    { jobs: Math.ceil(JOBS / 5), kills: Math.ceil(KILLS / 10), attempts: ATTEMPTS },
  ]) {
    const { SIGKILL, SIGSEGV } = await run(size);
    if (SIGKILL + SIGSEGV < size.kills) fault(`only ${SIGKILL + SIGSEGV} of ${size.kills} were killed`);
    killed.SIGKILL += SIGKILL;
    killed.SIGSEGV += SIGSEGV;
  }
  const isClean = () => {
    globalThis.gc();
    const { descriptors, shared } = possessions();
    return children().length === 0 && descriptors <= before.descriptors && shared <= before.shared;
  };
  if (!(await within(5000, isClean))) {
    fault(
      `left over: ${children().length} children, ${JSON.stringify(possessions())}; before ${JSON.stringify(before)}`,
    );
  }
  for (let number = 0; number < PARENTS; number += 1) orphans += await killParent(number);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `pool: ${killed.SIGKILL} workers killed, ${killed.SIGSEGV} crashed in C, ${PARENTS} parents killed with ${orphans} ` +
    `children; ${faults.length} faults; seed ${SEED}; ${((performance.now() - began) / 1000).toFixed(0)} s`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
