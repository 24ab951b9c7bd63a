import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { createPool, type PoolJob, type PoolOptions, type WanGPPool } from 'wangp-node';
import { runScript, SCRIPTED_ROOT } from '../tools.js';

const folder = mkdtempSync(path.join(tmpdir(), 'wangp-deaths-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let open: WanGPPool[] = [];
afterEach(async () => {
  await Promise.all(open.map((pool) => pool.close()));
  open = [];
});

function makePool(options: PoolOptions = {}): WanGPPool {
  const pool = createPool({ root: SCRIPTED_ROOT, restartPauseMs: 0, ...options });
  open.push(pool);
  return pool;
}

const isWindows = process.platform === 'win32';

/** A real crash: it writes to address 0, in C. */
const CRASH = 'import ctypes\nctypes.memset(0, 1, 1)';

/** Python that notes each of its runs in a file. */
function noted(name: string, script: string): { readonly settings: { script: string }; runs: () => string[] } {
  const file = path.join(folder, name);
  const note = `with open(${JSON.stringify(file)}, "a") as f: f.write(str(os.getpid()) + " ")\n`;
  return {
    settings: { script: note + script },
    runs: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : []),
  };
}

const FOREVER = 'put("status", "runs")\nwhile not job.wait_for_cancel(0.05): pass';

const runs = (job: PoolJob): Promise<void> => new Promise((resolve) => void job.once('status', () => resolve()));
const workerOf = (pool: WanGPPool, job: PoolJob): number => pool.workers.find((worker) => worker.job === job)!.pid!;

describe('a worker dies', () => {
  test('in a job: that fails, once, with the reason; the others are not touched, and the line goes on', async () => {
    const pool = makePool({ workers: 2 });
    const [victim, other] = [noted('victim', FOREVER), noted('other', FOREVER)];
    const [killed, bystander] = [pool.submitTask(victim.settings), pool.submitTask(other.settings)];
    const waiting = [1, 2, 3].map(() => pool.submitTask({}));
    let ends = 0;
    killed.on('completed', () => (ends += 1));
    await Promise.all([runs(killed), runs(bystander)]);
    const [pid, otherPid] = [workerOf(pool, killed), workerOf(pool, bystander)];
    process.kill(pid, 'SIGKILL');
    const result = await killed.result();
    expect(result).toMatchObject({ success: false, cancelled: false, totalTasks: 1, failedTasks: 1 });
    expect(result.errors).toEqual([expect.objectContaining({ stage: 'runtime', cancelled: false })]);
    expect(result.errors[0]!.message).toContain(`(${pid}) was ${isWindows ? '' : 'killed (SIGKILL)'}`);
    for (const job of waiting) expect((await job.result()).success).toBe(true);
    expect(bystander.done).toBe(false);
    expect(workerOf(pool, bystander)).toBe(otherPid);
    bystander.cancel();
    await pool.idle();
    expect([victim.runs(), other.runs()]).toEqual([[String(pid)], [String(otherPid)]]);
    expect(ends).toBe(1);
  });

  test('in a job that may be run again: it is the next one of its priority, and hears why', async () => {
    const pool = makePool({ attempts: 2 });
    const once = path.join(folder, 'once');
    const { settings, runs: runsOf } = noted(
      'again',
      `if not os.path.exists(${JSON.stringify(once)}):\n open(${JSON.stringify(once)}, "w").close()\n ${CRASH.replace('\n', '\n ')}`,
    );
    const order: string[] = [];
    const job = pool.submitTask({ ...settings, model_type: 'a' });
    const later = pool.submitTask({ model_type: 'a' });
    job.on('completed', () => order.push('first'));
    later.on('completed', () => order.push('second'));
    const kinds: string[] = [];
    const infos: string[] = [];
    for await (const { kind, data } of job.events) {
      kinds.push(kind === 'queued' ? `queued ${data.position}` : kind);
      if (kind === 'info') infos.push(data);
    }
    expect(kinds).toEqual(['queued 1', 'started', 'info', 'queued 1', 'started', 'completed']);
    expect(infos[0]).toMatch(
      /^attempt 1 of 2 has failed, the job waits for the next one: the process that Python ran in/,
    );
    expect(await job.result()).toMatchObject({ success: true, errors: [] });
    expect(job.attempts).toBe(2);
    await pool.idle();
    expect(order).toEqual(['first', 'second']);
    const pids = runsOf();
    expect(pids).toHaveLength(2);
    expect(pids[0]).not.toBe(pids[1]);
  });

  test('each time: the job is run as often as it may be, and no more', async () => {
    const pool = makePool({ attempts: 3 });
    const { settings, runs: runsOf } = noted('never', CRASH);
    const job = pool.submitTask(settings);
    expect(await job.result()).toMatchObject({ success: false, errors: [{ stage: 'runtime' }] });
    expect(job.attempts).toBe(3);
    expect(runsOf()).toHaveLength(3);
    expect((await pool.runTask({})).success).toBe(true);
  });

  test('in a job that was cancelled: it is not run again', async () => {
    const pool = makePool({ attempts: 5 });
    const { settings, runs: runsOf } = noted('cancelled', `put("status", "runs")\njob.wait_for_cancel(20)\n${CRASH}`);
    const job = pool.submitTask(settings);
    await runs(job);
    job.cancel();
    expect((await job.result()).success).toBe(false);
    expect(runsOf()).toHaveLength(1);
  });

  test('while it is idle: the next job gets a new one', async () => {
    const pool = makePool();
    await pool.runTask({ model_type: 'a' });
    const [{ pid, model }] = pool.workers as [(typeof pool.workers)[0]];
    expect(model).toBe('a');
    process.kill(pid!, 'SIGKILL');
    await expect.poll(() => pool.workers[0]).toMatchObject({ state: 'closed', pid: null, model: null });
    expect((await pool.runTask({})).success).toBe(true);
    expect(pool.workers[0]!.pid).not.toBe(pid);
  });

  test('while it starts: it is started again, and the job that waits for it runs', async () => {
    const died = path.join(folder, 'died-once');
    const file = path.join(folder, 'crash_once.py');
    const crash = CRASH.replace('\n', '\n ');
    writeFileSync(
      file,
      `import os\nif not os.path.exists(${JSON.stringify(died)}):\n open(${JSON.stringify(died)}, "w").close()\n ${crash}`,
    );
    const pool = makePool({ preImport: [file] });
    expect((await pool.runTask({})).success).toBe(true);
    expect(existsSync(died)).toBe(true);
  });

  test('each time that it starts: the jobs that wait end with that after three times', async () => {
    const file = path.join(folder, 'crash.py');
    const starts = path.join(folder, 'starts');
    writeFileSync(file, `with open(${JSON.stringify(starts)}, "a") as f: f.write("x")\n${CRASH}`);
    const pool = makePool({ preImport: [file] });
    const results = await Promise.all([pool.runTask({}), pool.runTask({})]);
    for (const { errors } of results) {
      expect(errors[0]!.message).toMatch(/^no worker of the pool could be started: the process that Python ran in/);
    }
    expect(readFileSync(starts, 'utf8')).toBe('xxx');
  });
});

test('a program ends by itself once its jobs have ended, though its pool is still open', async () => {
  const { code, stdout } = await runScript(`
    const pool = wangp.createPool({ root: SCRIPTED_ROOT, workers: 2 });
    for (const number of [1, 2, 3]) pool.runTask({}).then(({ success }) => console.log(number, success));`);
  expect({ code, lines: stdout.trim().split('\n').sort() }).toEqual({ code: 0, lines: ['1 true', '2 true', '3 true'] });
});

test('what a listener throws is an uncaught exception, and the line goes on', async () => {
  const { code, stdout } = await runScript(`
    process.on('uncaughtException', ({ message }) => console.log('uncaught', message));
    const pool = wangp.createPool({ root: SCRIPTED_ROOT });
    pool.submitTask({}).on('queued', () => { throw new Error('mine'); });
    pool.runTask({}).then(({ success }) => console.log(success));`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'uncaught mine\ntrue\n' });
});
