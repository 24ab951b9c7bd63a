import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, gated, isAlive, makePool } from '../fixtures/pools.js';

describe('a worker that cannot be started', () => {
  test('leaves no job waiting: they end with its error, and a later one has it tried again', async () => {
    const module = path.join(folder, 'broken.py');
    const pids = path.join(folder, 'pids');
    const note = `import os\nwith open(${JSON.stringify(pids)}, "a") as f: f.write(str(os.getpid()) + " ")\n`;
    writeFileSync(module, `${note}raise RuntimeError("no driver")`);
    const pool = makePool({ workers: 2, preImport: [module] });
    const results = await Promise.all([1, 2, 3].map(() => pool.runTask({})));
    for (const { success, errors } of results) {
      expect(success).toBe(false);
      expect(errors).toEqual([expect.objectContaining({ stage: 'runtime', cancelled: false })]);
      expect(errors[0]!.message).toMatch(/^no worker of the pool could be started: .*no driver/s);
    }
    expect(pool.workers[0]).toMatchObject({ state: 'closed', pid: null, error: { code: 'ERR_WANGP_IMPORT' } });
    const started = readFileSync(pids, 'utf8').trim().split(' ').map(Number);
    expect(started).toHaveLength(2);
    await expect.poll(() => started.some(isAlive), { timeout: 10_000 }).toBe(false);
    writeFileSync(module, '');
    expect((await pool.runTask({})).success).toBe(true);
    expect(pool.workers.filter(({ state, error }) => state === 'idle' && error === null)).toHaveLength(1);
  });

  test('leaves the jobs to the others, and a warning tells of it', async () => {
    const module = path.join(folder, 'picky.py');
    writeFileSync(module, 'import os\nif "BROKEN" in os.environ: raise RuntimeError("no such GPU")');
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const pool = makePool({ workers: [{}, { env: { BROKEN: '1' } }], preImport: [module] });
    const gate = gated();
    const jobs = [1, 2, 3].map(() => pool.submitTask({ script: gate.script }));
    expect(await warned).toMatchObject({
      name: 'WanGPWarning',
      message: expect.stringMatching(/^worker 1 of the pool could not be started: .*no such GPU/s),
    });
    gate.open();
    for (const job of jobs) expect((await job.result()).success).toBe(true);
  });

  test('leaves its job to one that was not needed before', async () => {
    const module = path.join(folder, 'first_broken.py');
    writeFileSync(module, 'import os\nif "BROKEN" in os.environ: raise RuntimeError("no such GPU")');
    const pool = makePool({ workers: [{ env: { BROKEN: '1' } }, {}], preImport: [module] });
    expect((await pool.runTask({})).success).toBe(true);
    expect(pool.workers).toMatchObject([
      { state: 'closed', error: { code: 'ERR_WANGP_IMPORT' } },
      { state: 'idle', error: null },
    ]);
  });
});

describe('a worker that is of no use', () => {
  test('because WanGP has lost a job of its own is replaced, and no job of the line is lost', async () => {
    const pool = makePool({ workers: 2, restartPauseMs: 0 });
    const lost = pool.submitTask({ script: 'raise SystemExit(3)' });
    const jobs = Array.from({ length: 12 }, () => pool.submitTask({ script: 'time.sleep(0.05)' }));
    await lost.result();
    for (const job of jobs) expect(await job.result()).toMatchObject({ success: true, errors: [] });
    expect(jobs.map(({ attempts }) => attempts)).toEqual(jobs.map(() => 1));
  });

  test('because it still starts does not keep close() waiting', async () => {
    const module = path.join(folder, 'endless.py');
    writeFileSync(module, 'import time\nwhile True: time.sleep(0.1)');
    const pool = makePool({ workers: 2, preImport: [module] });
    const job = pool.submitTask({});
    await expect.poll(() => pool.workers[0]!.pid).toBeGreaterThan(0);
    const { pid } = pool.workers[0]!;
    await pool.close();
    expect(await job.result()).toMatchObject({ cancelled: true });
    await expect.poll(() => isAlive(pid!), { timeout: 10_000 }).toBe(false);
  });
});
