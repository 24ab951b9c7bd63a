import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { init, type PoolJob, type SessionEvent } from 'wangp-node';
import { folder, gated, hasStarted, isAlive, makePool } from '../fixtures/pools.js';
import { PACKAGE, SCRIPTED_ROOT, TINY_VIDEO } from '../tools.js';

/** The kinds of the events that a job tells from its beginning to its end; positions with their number. */
async function kindsOf(job: PoolJob): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { kind, data } of job.events) kinds.push(kind === 'queued' ? `queued ${data.position}` : kind);
  return kinds;
}

describe('jobs of one worker', () => {
  test('are there at once, wait for their turn, and run one after another', async () => {
    const pool = makePool();
    const ends: number[] = [];
    const jobs = [0, 1, 2].map((number) => {
      const job = pool.submitTask({ script: `put("status", "${number}")` });
      job.on('completed', () => ends.push(number));
      return job;
    });
    expect(jobs.map(({ position }) => position)).toEqual([1, 2, 3]);
    expect(pool.jobs).toEqual(jobs);
    expect(jobs.map(({ done, attempts, priority }) => [done, attempts, priority])).toEqual(
      jobs.map(() => [false, 0, 0]),
    );
    const kinds = await Promise.all(jobs.map(kindsOf));
    expect(kinds).toEqual([
      ['queued 1', 'started', 'status', 'completed'],
      ['queued 2', 'queued 1', 'started', 'status', 'completed'],
      ['queued 3', 'queued 2', 'queued 1', 'started', 'status', 'completed'],
    ]);
    expect(ends).toEqual([0, 1, 2]);
    await pool.idle();
    expect(pool.jobs).toEqual([]);
    expect(jobs.map(({ done, attempts, position }) => [done, attempts, position])).toEqual(
      jobs.map(() => [true, 1, 0]),
    );
    expect((await jobs[0]!.result()).success).toBe(true);
  });

  test('of a higher priority run first', async () => {
    const pool = makePool();
    const order: string[] = [];
    const gate = gated();
    const first = pool.submitTask({ script: gate.script });
    await hasStarted(first);
    for (const [name, priority] of Object.entries({ low: -1, early: 0, late: 0, high: 2 })) {
      pool.submitTask({}, { priority }).on('started', () => order.push(name));
    }
    expect(pool.jobs.slice(1).map(({ priority, position }) => [priority, position])).toEqual([
      [2, 1],
      [0, 2],
      [0, 3],
      [-1, 4],
    ]);
    gate.open();
    await pool.idle();
    expect(order).toEqual(['high', 'early', 'late', 'low']);
  });

  test('are taken as they are at their submit, whatever the caller changes afterwards', async () => {
    const pool = makePool();
    const heard: unknown[] = [];
    const settings = { script: 'put("output", [settings["list"], bytes(settings["bytes"]).hex()])', list: [1, [2]], bytes: new Uint8Array([1, 2]) }; // prettier-ignore
    const job = pool.submitManifest([settings]);
    job.on('output', ({ data }) => heard.push(data));
    settings.list.push(3);
    (settings.list[1] as number[])[0] = 9;
    settings.bytes[0] = 9;
    settings.script = 'raise ValueError("changed")';
    await job.result();
    expect(heard).toEqual([[[1, [2]], '0102']]);
  });

  test('prefer the model that is loaded, and none is overtaken more often than it may be', async () => {
    const run = async (maxOvertaken: number): Promise<string> => {
      const pool = makePool({ maxOvertaken });
      let order = '';
      for (const model of 'abababab') {
        pool.submitTask({ model_type: model }).on('started', () => (order += model));
      }
      await pool.idle();
      expect(pool.workers[0]).toMatchObject({ state: 'idle', model: order.at(-1), job: null });
      await pool.close();
      return order;
    };
    expect(await run(8)).toBe('aaaabbbb');
    expect(await run(2)).toBe('aaabbbba');
    expect(await run(0)).toBe('abababab');
  });

  test('have callbacks: their own, or else those of the pool', async () => {
    const heard: string[] = [];
    const pool = makePool({ callbacks: { onStatus: (text) => heard.push(`pool ${text}`) } });
    pool.submitTask({ script: 'put("status", "a")' });
    pool.submitTask({ script: 'put("status", "b")' }, { callbacks: { onEvent: ({ kind }) => heard.push(kind) } });
    await pool.idle();
    expect(heard).toEqual(['pool a', 'status', 'complete']);
  });

  test('that WanGP refuses end with an error of their result', async () => {
    const pool = makePool();
    const refused = pool.submitTask({ model_type: 'a', refuse: 'not today' });
    expect(await kindsOf(refused)).toEqual(['queued 1', 'error', 'completed']);
    expect(await refused.result()).toMatchObject({ success: false, cancelled: false, totalTasks: 1, failedTasks: 1 });
    const { errors } = await refused.result();
    expect(errors).toEqual([
      { message: 'ValueError: not today', stage: 'validation', cancelled: false, taskIndex: null, taskId: null },
    ]);
    // Its model was never loaded.
    expect(pool.workers[0]).toMatchObject({ state: 'idle', model: null });
  });

  test('may come from a file, which is read when its turn comes', async () => {
    const pool = makePool({ root: path.join(PACKAGE, 'python', 'sample_root'), outputDir: folder });
    const file = path.join(folder, 'settings.json');
    const [missing, saved] = [pool.submit(path.join(folder, 'nowhere.json')), pool.submit(file)];
    writeFileSync(file, JSON.stringify({ ...TINY_VIDEO, image_mode: 1 }));
    expect((await missing.result()).errors).toEqual([
      expect.objectContaining({ stage: 'validation', message: expect.stringContaining('nowhere.json') }),
    ]);
    expect(await saved.result()).toMatchObject({ success: true, errors: [] });
  });

  test('are shown by util.inspect, and so is the pool', async () => {
    const pool = makePool();
    const job = pool.submitTask({}, { priority: 3 });
    expect(inspect(job, { depth: 1 })).toMatch(
      /^PoolJob {\s+position: 1,\s+priority: 3,\s+done: false,\s+cancelRequested: false,\s+events: \[JobEvents\]\s+}$/,
    );
    expect(inspect(pool)).toBe("WanGPPool { workers: [ 'closed' ], running: 0, waiting: 1 }");
    await job.result();
  });
});

describe('a job is cancelled', () => {
  test('while it waits: WanGP never hears of it, and its events come to their end', async () => {
    const pool = makePool();
    const gate = gated();
    const first = pool.submitTask({ script: gate.script });
    await hasStarted(first);
    const marker = path.join(folder, 'reached');
    const waiting = pool.submitTask({ script: `open(${JSON.stringify(marker)}, "w").close()` });
    const behind = pool.submitTask({});
    const kinds = kindsOf(waiting);
    waiting.cancel();
    expect(waiting).toMatchObject({ position: 0, cancelRequested: true, done: false });
    expect(behind.position).toBe(1);
    const result = await waiting.result();
    expect(result).toMatchObject({
      success: false,
      cancelled: true,
      totalTasks: 1,
      failedTasks: 1,
      successfulTasks: 0,
    });
    const message = 'the job was cancelled before it began';
    expect(result.errors).toEqual([{ message, stage: 'cancelled', cancelled: true, taskIndex: null, taskId: null }]);
    expect((await kinds).slice(-2)).toEqual(['error', 'completed']);
    waiting.cancel();
    gate.open();
    await pool.idle();
    expect(existsSync(marker)).toBe(false);
    expect((await behind.result()).success).toBe(true);
  });

  test('while it runs', async () => {
    const pool = makePool();
    const job = pool.submitTask({ script: gated().script });
    await hasStarted(job);
    job.cancel();
    expect(await job.result()).toMatchObject({ cancelled: true, errors: [{ stage: 'cancelled' }] });
    expect((await pool.runTask({})).success).toBe(true);
  });

  test('by its signal, whether it waits or runs', async () => {
    const pool = makePool();
    const [running, waiting] = [new AbortController(), new AbortController()];
    const jobs = [running, waiting].map(({ signal }) => pool.submitTask({ script: gated().script }, { signal }));
    await hasStarted(jobs[0]!);
    waiting.abort();
    expect(await jobs[1]!.result()).toMatchObject({ cancelled: true });
    expect(jobs[0]).toMatchObject({ done: false, cancelRequested: false });
    running.abort();
    expect(await jobs[0]!.result()).toMatchObject({ cancelled: true });
  });

  test('by cancel() in a listener of its first event', async () => {
    const pool = makePool();
    const job = pool.submitTask({});
    job.on('queued', () => job.cancel());
    expect(await job.result()).toMatchObject({ cancelled: true });
  });
});

describe('a pool', () => {
  test('refuses a job more than may wait, and takes it when there is room', async () => {
    const pool = makePool({ workers: 2, maxQueued: 1 });
    const gate = gated();
    const jobs = [1, 2, 3].map(() => pool.submitTask({ script: gate.script }));
    const message =
      '3 jobs have not ended, and no more than 1 may wait (maxQueued): submit it again when pool.jobs has become shorter';
    expect(() => pool.submitTask({})).toThrow(expect.objectContaining({ code: 'ERR_WANGP_QUEUE_FULL', message }));
    await expect(pool.runTask({})).rejects.toMatchObject({ code: 'ERR_WANGP_QUEUE_FULL' });
    gate.open();
    await Promise.race(jobs.map((job) => job.result()));
    expect((await pool.runTask({})).success).toBe(true);
  });

  test('closes: jobs that wait and those that run end as cancelled, and no child is left', async () => {
    const pool = makePool({ workers: 2 });
    const jobs = [1, 2, 3, 4].map(() => pool.submitTask({ script: gated().script }));
    await Promise.all(jobs.slice(0, 2).map(hasStarted));
    const pids = pool.workers.map(({ pid }) => pid!);
    expect(pids.map(isAlive)).toEqual([true, true]);
    const closing = pool.close();
    expect(() => pool.submitTask({})).toThrow(expect.objectContaining({ code: 'ERR_WANGP_CLOSED' }));
    await closing;
    expect(jobs.map(({ done }) => done)).toEqual(jobs.map(() => true));
    const results = await Promise.all(jobs.map((job) => job.result()));
    expect(results.map(({ cancelled, errors }) => [cancelled, errors.length])).toEqual(jobs.map(() => [true, 1]));
    expect(pool.workers.map(({ state, pid }) => [state, pid])).toEqual([
      ['closed', null],
      ['closed', null],
    ]);
    await expect.poll(() => pids.some(isAlive), { timeout: 10_000 }).toBe(false);
  });

  test('closes while its workers start', async () => {
    const pool = makePool({ workers: 2 });
    const job = pool.submitTask({});
    await expect.poll(() => pool.workers[0]!.state, { interval: 1 }).toBe('starting');
    await pool.close();
    expect(await job.result()).toMatchObject({ cancelled: true });
    expect(pool.workers.map(({ state }) => state)).toEqual(['closed', 'closed']);
  });

  test('starts as many workers as there are jobs, and tells what each does', async () => {
    const pool = makePool({ workers: [{ env: { OWN: 'a' } }, { env: { OWN: 'b' } }, {}], env: { OWN: 'c', ALL: 'd' } });
    const heard: unknown[] = [];
    const gate = gated();
    const jobs = [1, 2].map((number) =>
      pool
        .submitTask({
          model_type: `model ${number}`,
          script: `put("output", [os.environ["OWN"], os.environ["ALL"], os.getpid()])\n${gate.script}`,
        })
        .on('output', ({ data }) => heard.push(data)),
    );
    await Promise.all(jobs.map(hasStarted));
    const [first, second, third] = pool.workers;
    expect(third).toMatchObject({ index: 2, pid: null, device: null, state: 'closed', memory: null, job: null });
    for (const worker of [first!, second!]) {
      expect(worker).toMatchObject({ state: 'running', device: 'cpu', error: null });
      expect(worker.model).toBe(`model ${jobs.indexOf(worker.job!) + 1}`);
      if (process.platform === 'linux') expect(worker.memory).toBeGreaterThan(10 << 20);
    }
    gate.open();
    await pool.idle();
    expect(heard).toEqual(
      expect.arrayContaining([
        ['a', 'd', first!.pid],
        ['b', 'd', second!.pid],
      ]),
    );
    expect(pool.workers.map(({ state }) => state)).toEqual(['idle', 'idle', 'closed']);
  });

  test('with gpus has a worker for each, which sees that one', async () => {
    const pool = makePool({ gpus: [0, 3] });
    const gate = gated();
    const seen: unknown[] = [];
    const jobs = [1, 2].map(() =>
      pool
        .submitTask({ script: `put("output", os.environ["CUDA_VISIBLE_DEVICES"])\n${gate.script}` })
        .on('output', ({ data }) => seen.push(data)),
    );
    await Promise.all(jobs.map(hasStarted));
    gate.open();
    await pool.idle();
    expect(seen.sort()).toEqual(['0', '3']);
    expect(process.env['CUDA_VISIBLE_DEVICES']).toBeUndefined();
  });

  test('shares its worker with no session of the same options', async () => {
    const session = await init({ root: SCRIPTED_ROOT, place: 'child' });
    const pool = makePool();
    await pool.runTask({});
    expect(pool.workers[0]!.pid).not.toBe(session.pid);
    await pool.close();
    expect((await session.runTask({})).success).toBe(true);
    await session.close();
  });

  test("with workers: 'here' runs its jobs in this process", async () => {
    const pool = makePool({ workers: 'here' });
    const pids: unknown[] = [];
    const jobs = [1, 2].map(() => pool.submitTask({ script: 'put("output", os.getpid())' }));
    for (const job of jobs) job.on('output', ({ data }) => pids.push(data));
    await pool.idle();
    expect(pids).toEqual([process.pid, process.pid]);
    expect(pool.workers).toMatchObject([{ pid: process.pid, state: 'idle', memory: expect.any(Number) }]);
  });

  test('hands on every event of WanGP, and its media', async () => {
    const pool = makePool();
    const script = `import numpy
put("progress", ProgressUpdate("inference", "Denoising", 54, 4, 8))
put("stream", StreamMessage("stdout", "a line"))
put("celebration", {"level": 3})
add_artifact(video_tensor_uint8=numpy.full((3, 1, 2, 2), 7, numpy.uint8), fps=8.0)`;
    const job = pool.submitTask({ script });
    const events: SessionEvent[] = [];
    for await (const event of job.events) events.push(event);
    expect(events.map(({ kind }) => kind)).toEqual([
      'queued',
      'started',
      'progress',
      'stream',
      'celebration',
      'completed',
    ]);
    expect(job.events.dropped).toEqual({});
    const { artifacts } = await job.result();
    expect(artifacts[0]!.video!.data).toEqual(Buffer.alloc(12, 7));
    artifacts[0]!.video!.dispose();
  });
});
