import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { createPool, type PoolOptions, PoolJob, WanGPError, WanGPPool } from 'wangp-node';
import { SCRIPTED_ROOT } from './tools.js';

const root = SCRIPTED_ROOT;

function thrownBy(attempt: () => unknown): unknown {
  try {
    attempt();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const refused = (message: string): object => ({ code: 'ERR_WANGP_ARGUMENT', message });

describe('options of createPool that cannot be used are refused at once, and nothing is started', () => {
  const WORKERS = "workers must be a whole number from 1 to 1024, a list like [{ env: {} }], or 'here', not";
  const cases: [string, unknown, string][] = [
    ['a path', '/wan', 'createPool takes an object of options, not "/wan"'],
    ['a misspelt option', { worker: 2 }, 'createPool has no option worker: did you mean workers?'],
    ["Python's name", { config_path: 'x' }, 'createPool has no option config_path: here it is called configPath'],
    ['another misspelt option', { maxQueue: 2 }, 'createPool has no option maxQueue: did you mean maxQueued?'],
    [
      'a place',
      { place: 'here' },
      "createPool has no option place: its workers are children; one in this process is chosen by workers: 'here'",
    ],
    [
      'a callback among the options',
      { onProgress() {} },
      'onProgress belongs into an object of callbacks: createPool({ callbacks: { onProgress() { … } } })',
    ],
    ['what init refuses too', { cliArgs: '--x' }, 'cliArgs must be an array of strings, not "--x"'],
    ['callbacks that are none', { callbacks: { onprogress() {} } }, 'there is no callback onprogress: did you mean onProgress?'], // prettier-ignore
    ['no worker', { workers: 0 }, `${WORKERS} 0`],
    ['half a worker', { workers: 1.5 }, `${WORKERS} 1.5`],
    ['as many as there are', { workers: Infinity }, `${WORKERS} Infinity`],
    ['workers as text', { workers: '2' }, `${WORKERS} "2"`],
    ['another place', { workers: 'child' }, `${WORKERS} "child"`],
    ['an empty list', { workers: [] }, `${WORKERS} an empty array`],
    ['a number in the list', { workers: [1] }, 'workers[0] must be an object like { env: {} }, not 1'],
    ['another key', { workers: [{}, { envs: {} }] }, 'workers[1] has no option envs: did you mean env?'],
    ['a wrong variable', { workers: [{ env: { A: 1 } }] }, 'workers[0].env.A must be a string, or undefined to remove it, not 1'], // prettier-ignore
    ['a GPU that is no number', { gpus: ['0'] }, 'gpus[0] must be the number of a GPU, 0 or more, not "0"'],
    ['a negative GPU', { gpus: [0, -1] }, 'gpus[1] must be the number of a GPU, 0 or more, not -1'],
    [
      'a GPU twice',
      { gpus: [1, 0, 1] },
      "gpus names 1 twice: two workers would load their models into one GPU's memory",
    ],
    ['no GPU', { gpus: [] }, 'gpus must be a list of GPUs by their numbers, like [0, 1], not an empty array'],
    ['a number in place of the list', { gpus: 2 }, 'gpus must be a list of GPUs by their numbers, like [0, 1], not 2'],
    ['gpus and workers', { gpus: [0], workers: 1 }, 'gpus makes a worker for each GPU: leave workers out, or gpus'],
    [
      'gpus and their variable',
      { gpus: [0], env: { CUDA_VISIBLE_DEVICES: '1' } },
      'gpus sets CUDA_VISIBLE_DEVICES for each worker: leave it out of env, or leave gpus out',
    ],
    ['maxQueued', { maxQueued: -1 }, 'maxQueued must be a whole number, 0 or more, or Infinity, not -1'],
    ['maxQueued as text', { maxQueued: '9' }, 'maxQueued must be a whole number, 0 or more, or Infinity, not "9"'],
    ['attempts', { attempts: 0 }, 'attempts must be a whole number, 1 or more, or Infinity, not 0'],
    ['maxOvertaken', { maxOvertaken: NaN }, 'maxOvertaken must be a whole number, 0 or more, or Infinity, not NaN'],
    ['a list with holes', { workers: new Array(2) }, 'workers[0] must be an object like { env: {} }, not undefined'],
    ['too long a list', { gpus: Array.from({ length: 1025 }, (_, index) => index) }, 'gpus has 1025 entries, and a pool at most 1024 workers'], // prettier-ignore
    ['a GPU beyond counting', { gpus: [1e300] }, 'gpus[0] must be the number of a GPU, 0 or more, not 1e+300'],
    ['another package’s word', { concurrency: 2 }, 'createPool has no option concurrency: workers says how many jobs run at a time'], // prettier-ignore
    ['an option of the submit', { priority: 1 }, "createPool has no option priority: it is an option of a pool's submit()"], // prettier-ignore
    [
      'an option of the result',
      { timeoutMs: 1 },
      'createPool has no option timeoutMs: it is an option of job.result()',
    ],
    [
      'a Node for this process',
      { workers: 'here', node: '/usr/bin/node' },
      "node is for children, and workers: 'here' has none: leave it out, or choose workers: 1",
    ],
  ];
  test.each(cases)('%s', (_, options, message) => {
    const given = typeof options === 'string' ? options : { root, ...(options as object) };
    const error = thrownBy(() => createPool(given as PoolOptions));
    expect(error).toBeInstanceOf(WanGPError);
    expect(error).toMatchObject(refused(message));
  });

  test('a root that is none', () => {
    const nowhere = path.join(root, 'nowhere');
    expect(thrownBy(() => createPool({ root: nowhere }))).toMatchObject({
      code: 'ERR_WANGP_ROOT',
      message: expect.stringContaining(`${nowhere} (the option \`root\`) is no WanGP checkout`),
    });
  });

  test('an output folder that is a file', () => {
    expect(thrownBy(() => createPool({ root, outputDir: import.meta.filename }))).toMatchObject({
      code: 'ERR_WANGP_FILE',
    });
  });

  test('null counts as left out', async () => {
    const pool = createPool({ root, workers: null, gpus: null, maxQueued: null, attempts: null, maxOvertaken: null });
    expect(pool.workers).toHaveLength(1);
    await pool.close();
  });
});

describe('a pool that has no job yet', () => {
  test('has started no worker', async () => {
    const pool = createPool({ root, gpus: [0, 3] });
    const closed = { pid: null, device: null, model: null, state: 'closed', job: null, memory: null, error: null };
    expect(pool.workers).toEqual([
      { index: 0, ...closed },
      { index: 1, ...closed },
    ]);
    expect(pool.jobs).toEqual([]);
    await pool.idle();
    await pool.close();
  });

  const cases: [string, (pool: WanGPPool) => unknown, object][] = [
    ['settings that are text', (pool) => pool.submitTask('a.json' as never), refused('settings must be an object of WanGP settings, not "a.json" (a saved file is started by submit())')], // prettier-ignore
    ['a list that is none', (pool) => pool.submitManifest({} as never), refused('list must be an array of WanGP settings, not an object (one object is started by submitTask(), { tasks } by submit())')], // prettier-ignore
    ['a source of another type', (pool) => pool.submit(5 as never), refused('source must be settings, a list of them, { tasks } or the path of a file, not 5')], // prettier-ignore
    ['a misspelt option', (pool) => pool.submitTask({}, { prio: 1 } as never), refused('submitTask() has no option prio: did you mean priority?')], // prettier-ignore
    ['a priority as text', (pool) => pool.submit({}, { priority: 'high' as never }), refused('priority must be a finite number, not "high"')], // prettier-ignore
    ['NaN as priority', (pool) => pool.submitManifest([], { priority: NaN }), refused('priority must be a finite number, not NaN')], // prettier-ignore
    ['an endless priority', (pool) => pool.submit({}, { priority: Infinity }), refused('priority must be a finite number, not Infinity')], // prettier-ignore
    ['a signal that is none', (pool) => pool.submit({}, { signal: 5 as never }), refused('signal must be an AbortSignal, not 5')], // prettier-ignore
    ['NaN in settings', (pool) => pool.submitTask({ a: [0, { b: NaN }] }), { code: 'ERR_WANGP_VALUE', message: 'settings.a[1].b is NaN, which cannot be handed to Python' }], // prettier-ignore
    ['a function in a list', (pool) => pool.submitManifest([{}, { 'a b': () => 1 }]), { code: 'ERR_WANGP_VALUE', message: 'list[1]["a b"] is a function, which cannot be handed to Python' }], // prettier-ignore
    ['an Error in settings', (pool) => pool.submitTask({ a: new Error('x') }), { code: 'ERR_WANGP_VALUE', message: 'settings.a is an Error, which cannot be handed to Python' }], // prettier-ignore
    ['a Map in tasks', (pool) => pool.submit({ tasks: [{ x: new Map() }] }), { code: 'ERR_WANGP_VALUE', message: 'source.tasks[0].x is a Map, which cannot be handed to Python' }], // prettier-ignore
  ];
  test.each(cases)('refuses %s by a throw, without a job', async (_, submit, error) => {
    const pool = createPool({ root });
    expect(thrownBy(() => submit(pool))).toMatchObject(error);
    expect(pool.jobs).toEqual([]);
    await pool.close();
  });

  test('takes bytes of another realm, as Jest has one for each test', async () => {
    const pool = createPool({ root });
    const bytes: unknown = runInNewContext('new Uint8Array([1, 2])');
    const job = pool.submitTask({ bytes });
    expect(JSON.parse(JSON.stringify(pool.jobs))).toEqual([
      { position: 1, priority: 0, attempts: 0, done: false, cancelRequested: false },
    ]);
    job.cancel();
    expect(await job.result()).toMatchObject({ cancelled: true });
    await pool.close();
  });

  test('refuses a signal that has aborted, with its reason', async () => {
    const pool = createPool({ root });
    expect(thrownBy(() => pool.submitTask({}, { signal: AbortSignal.abort('no') }))).toBe('no');
    await pool.close();
  });

  test('run, runTask and runManifest reject with what submit throws', async () => {
    const pool = createPool({ root });
    await expect(pool.run(5 as never)).rejects.toMatchObject({ code: 'ERR_WANGP_ARGUMENT' });
    await expect(pool.runTask(5 as never)).rejects.toMatchObject({ code: 'ERR_WANGP_ARGUMENT' });
    await expect(pool.runManifest(5 as never)).rejects.toMatchObject({ code: 'ERR_WANGP_ARGUMENT' });
    await pool.close();
  });

  test('refuses jobs once it is closed; close() again is fine', async () => {
    const pool = createPool({ root });
    await pool.close();
    const closed = { code: 'ERR_WANGP_CLOSED', message: 'the pool has been closed: make another one' };
    expect(thrownBy(() => pool.submitTask({}))).toMatchObject(closed);
    await pool.close();
    await pool[Symbol.asyncDispose]();
  });

  test('pools and their jobs are made by nobody else, and cannot be posted', async () => {
    for (const given of [[], [{}]]) {
      expect(thrownBy(() => Reflect.construct(WanGPPool, given))).toMatchObject({ code: 'ERR_WANGP_ARGUMENT' });
    }
    expect(thrownBy(() => Reflect.construct(PoolJob, [{}]))).toMatchObject({ code: 'ERR_WANGP_ARGUMENT' });
    const pool = createPool({ root });
    expect(thrownBy(() => structuredClone(pool))).toMatchObject({ name: 'DataCloneError' });
    await pool.close();
  });
});
