import { beforeAll, describe, expect, test } from 'vitest';
import { WanGPError, type GenerationResult, type SessionJob, type WanGPSession } from 'wangp-node';
import { initScripted } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

async function eventsOf(job: SessionJob): Promise<{ kind: string; data: unknown }[]> {
  const events = [];
  for await (const { kind, data } of job.events) events.push({ kind, data });
  return events;
}

/** What `attempt` rejects with; the session takes the next job nevertheless. */
async function refusal(attempt: () => Promise<unknown>, on = session): Promise<WanGPError> {
  const error: unknown = await attempt().then(
    () => expect.fail('it was accepted'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WanGPError);
  await expect(on.runTask({})).resolves.toMatchObject({ success: true });
  return error as WanGPError;
}

describe('result() of a failed generation resolves', () => {
  test('with its error, which was an event before the end', async () => {
    const job = await session.submitTask({ script: 'put("status", "begins"); raise ValueError("the latents broke")' });
    const events = await eventsOf(job);
    const result = await job.result();
    const error = {
      message: 'the latents broke',
      taskIndex: 1,
      taskId: 1,
      stage: 'generation',
      cancelled: false,
    };
    expect(result).toEqual({
      success: false,
      cancelled: false,
      generatedFiles: [],
      errors: [error],
      totalTasks: 1,
      successfulTasks: 0,
      failedTasks: 1,
      artifacts: [],
    });
    expect(events.map(({ kind }) => kind)).toEqual(['started', 'status', 'error', 'completed']);
    expect(events[2]!.data).toEqual(error);
    expect(events[3]!.data).toBe(result);
  });

  test('with the successful and the failed parts, where some tasks succeed', async () => {
    const result = await session.runManifest([
      { script: 'add_artifact(path="first")' },
      { id: 'mine', script: '1 / 0' },
      { script: 'add_artifact(path="third")' },
    ]);
    expect(result).toMatchObject({ success: false, totalTasks: 3, successfulTasks: 2, failedTasks: 1 });
    expect(result.errors).toMatchObject([{ message: 'division by zero', taskIndex: 2, taskId: 'mine' }]);
    expect(result.artifacts.map(({ path }) => path)).toEqual(['first', 'third']);
  });

  test('with an error where what runs is no Python', async () => {
    const result = await session.runTask({ script: 'this is no Python' });
    expect(result.errors).toMatchObject([{ message: expect.stringContaining('invalid syntax'), taskIndex: 1 }]);
  });

  test("with an error where WanGP's thread dies without a word", async () => {
    const doomed = await initScripted();
    const job = await doomed.submitTask({ script: 'raise SystemExit(3)' });
    const kinds = (await eventsOf(job)).map(({ kind }) => kind);
    expect(kinds).toEqual(['started', 'completed']);
    const result: GenerationResult = await job.result();
    expect(result).toMatchObject({
      success: false,
      cancelled: false,
      errors: [{ stage: 'runtime', cancelled: false }],
    });
    await expect(session.runTask({})).resolves.toMatchObject({ success: true });
  });
});

describe('a refused submission rejects:', () => {
  test('a second one while a job is running', async () => {
    const job = await session.submitTask({ script: 'job.wait_for_cancel(20)' });
    await expect(session.submitTask({})).rejects.toMatchObject({
      code: 'ERR_WANGP_BUSY',
      message:
        'the session has a job that is still running: await its result() before the next submit, or ' +
        'let jobs wait for their turn: createPool()',
    });
    expect(job.done).toBe(false);
    job.cancel();
    await job.result();
    await expect(session.runTask({})).resolves.toMatchObject({ success: true });
  });

  test('one of two that are made at once, and the other runs', async () => {
    const settled = await Promise.allSettled(
      [1, 2].map(() => session.submitTask({ script: 'job.wait_for_cancel(20)' })),
    );
    const refused = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(refused).toMatchObject([{ code: 'ERR_WANGP_BUSY' }]);
    const [job] = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    job!.cancel();
    expect(await job!.result()).toMatchObject({ cancelled: true });
    await expect(session.runTask({})).resolves.toMatchObject({ success: true });
  });

  test("one that Python refuses, with Python's own exception", async () => {
    const error = await refusal(() => session.submitTask({ refuse: 'no such größe 😀' }));
    expect(error).toMatchObject({
      name: 'WanGPError',
      code: 'ERR_WANGP_PYTHON',
      message: 'ValueError: no such größe 😀',
      pythonType: 'ValueError',
    });
    expect(error.pythonTraceback).toMatch(/^Traceback \(most recent call last\):\n/);
    expect(error.pythonTraceback).toContain('shared/api.py", line ');
    expect(error.pythonTraceback).toContain('raise ValueError(task["refuse"])');
    expect(error.stack).toContain('failures.test.ts');
  });

  test('a manifest of which one task is refused, as a whole', async () => {
    const error = await refusal(() =>
      session.submitManifest([{ script: 'kept["ran"] = 1' }, { refuse: 'the second' }]),
    );
    expect(error).toMatchObject({ code: 'ERR_WANGP_PYTHON', pythonType: 'ValueError' });
    expect(await session.call('evaluate', ['"ran" in kept'])).toBe(false);
  });

  const raised: [string, string, object][] = [
    ['TypeError("need a dict")', 'need a dict', { code: 'ERR_WANGP_ARGUMENT', pythonType: 'TypeError' }],
    ['KeyError("x")', "KeyError: 'x'", { code: 'ERR_WANGP_PYTHON', pythonType: 'KeyError' }],
    ['ValueError()', 'ValueError', { code: 'ERR_WANGP_PYTHON', pythonType: 'ValueError' }],
    ['SystemExit(3)', 'SystemExit: 3', { code: 'ERR_WANGP_PYTHON', pythonType: 'SystemExit' }],
    ['KeyboardInterrupt()', 'KeyboardInterrupt', { code: 'ERR_WANGP_PYTHON', pythonType: 'KeyboardInterrupt' }],
    [
      'FileNotFoundError(2, "gone", "a.png")',
      "FileNotFoundError: [Errno 2] gone: 'a.png'",
      { code: 'ERR_WANGP_PYTHON' },
    ],
    [
      'type("Own", (Exception,), {"__module__": "wgp", "code": "ERR_FOO"})("x")',
      'wgp.Own: x',
      { pythonType: 'wgp.Own' },
    ],
    [
      'type("Mute", (Exception,), {"code": "\\ud800", "__str__": lambda self: 1 / 0})()',
      'Mute',
      { code: 'ERR_WANGP_PYTHON', pythonType: 'Mute' },
    ],
  ];
  test.each(raised)('one for which Python raises %s, with its type and text', async (exception, message, expected) => {
    const own = await initScripted();
    const replace = `def submit_task(settings, callbacks=None):
  if settings.get("raise"): raise ${exception}
  return type(session).submit_task(session, settings, callbacks=callbacks)
session.submit_task = submit_task`;
    await own.call('execute', [replace]);
    const error = await refusal(() => own.submitTask({ raise: true }), own);
    expect(error).toMatchObject(expected);
    expect(error.message).toBe(message);
  });
});

describe('what is no submission rejects without asking Python', () => {
  const none = undefined as never;
  const cases: [string, () => Promise<unknown>, string][] = [
    ['no settings', () => session.submitTask(none), 'settings must be an object of WanGP settings, not undefined'],
    ['null', () => session.submitTask(null as never), 'settings must be an object of WanGP settings, not null'],
    ['a number', () => session.runTask(42 as never), 'settings must be an object of WanGP settings, not 42'],
    [
      'a list',
      () => session.submitTask([] as never),
      'settings must be an object of WanGP settings, not an array (a list is started by submitManifest())',
    ],
    [
      'a path',
      () => session.submitTask('a.json' as never),
      'settings must be an object of WanGP settings, not "a.json" (a saved file is started by submit())',
    ],
    [
      'a function',
      () => session.submitTask((() => {}) as never),
      'settings must be an object of WanGP settings, not a function',
    ],
    [
      'no list',
      () => session.submitManifest({} as never),
      'list must be an array of WanGP settings, not an object (one object is started by submitTask(), { tasks } by submit())',
    ],
    [
      'a list with null',
      () => session.submitManifest([{}, null as never]),
      'list[1] must be an object of WanGP settings, not null',
    ],
    [
      'a list with a hole',
      () => session.runManifest(new Array(1) as never),
      'list[0] must be an object of WanGP settings, not undefined',
    ],
    [
      'a source with a path in it',
      () => session.submit(['a.json'] as never),
      'source[0] must be an object of WanGP settings, not "a.json" (a saved file is started by submit())',
    ],
    [
      'nothing',
      () => session.submit(none),
      'source must be settings, a list of them, { tasks } or the path of a file, not undefined',
    ],
    [
      'null as a source',
      () => session.submit(null as never),
      'source must be settings, a list of them, { tasks } or the path of a file, not null',
    ],
    [
      'a number as a source',
      () => session.submit(5 as never),
      'source must be settings, a list of them, { tasks } or the path of a file, not 5',
    ],
    ['tasks that are no list', () => session.submit({ tasks: 'x' }), 'source.tasks must be an array of tasks, not "x"'],
    [
      'a task that is none',
      () => session.submit({ tasks: [{}, 5] }),
      'source.tasks[1] must be an object of WanGP settings, not 5',
    ],
    [
      'a prompt in place of a file',
      () => session.submit('a red bicycle'),
      'source must be the path of a .json or .zip file, not "a red bicycle" (a prompt belongs into settings: { prompt })',
    ],
    [
      'modelType without model_type',
      () => session.submitTask({ modelType: 'x', prompt: 'y' }),
      "settings.modelType: settings have WanGP's own names, model_type",
    ],
    [
      'videoLength in a list',
      () => session.submitManifest([{}, { videoLength: 5 }]),
      "list[1].videoLength: settings have WanGP's own names, video_length",
    ],
    [
      'an empty path',
      () => session.submit(''),
      'source must be settings, a list of them, { tasks } or the path of a file, not ""',
    ],
    [
      'a web address',
      () => session.submit(new URL('https://example.com/a.json')),
      'source must be a file: URL or a path, not https://example.com/a.json',
    ],
    [
      'options that are none',
      () => session.submitTask({}, 5 as never),
      'submitTask() takes an object of options, not 5',
    ],
    [
      'callbacks that are none',
      () => session.submitTask({}, { callbacks: 'x' as never }),
      'callbacks must be an object with methods like onProgress, not "x"',
    ],
    [
      'callbacks in the place of the options',
      () => session.submitTask({}, { onProgress() {} } as never),
      'onProgress belongs into an object of callbacks: submitTask(settings, { callbacks: { onProgress() { … } } })',
    ],
    [
      'a signal that is none',
      () => session.submitTask({}, { signal: {} as never }),
      'signal must be an AbortSignal, not an object',
    ],
    [
      'a controller in place of its signal',
      () => session.submitTask({}, { signal: new AbortController() as never }),
      'signal must be an AbortSignal, not an AbortController: pass its signal',
    ],
    ['a method without a name', () => session.call(none), 'the name of a method must be a string, not undefined'],
    ['arguments that are no list', () => session.call('echo', 'ab' as never), 'args must be an array, not "ab"'],
    ['keywords that are none', () => session.call('echo', [], [] as never), 'keywords must be an object, not an array'],
  ];
  test.each(cases)('%s', async (_, attempt, message) => {
    expect(await refusal(attempt)).toMatchObject({ code: 'ERR_WANGP_ARGUMENT', message });
  });

  test('a timeout that is no number of milliseconds', async () => {
    const job = await session.submitTask({});
    await expect(job.result({ timeoutMs: -1 })).rejects.toMatchObject({
      code: 'ERR_WANGP_ARGUMENT',
      message: 'timeoutMs must be a number of milliseconds, 0 or more, not -1',
    });
    await job.result();
  });
});

describe('session.call()', () => {
  test.each(['no_such_method', 'older'])(
    'rejects with ERR_WANGP_UNSUPPORTED for %s, which is not offered',
    async (name) => {
      await expect(session.call(name)).rejects.toMatchObject({
        code: 'ERR_WANGP_UNSUPPORTED',
        message: `WanGP scripted 1 has no method "${name}": update the checkout`,
      });
    },
  );

  test('rejects with what Python raises, the chain of causes included', async () => {
    const source = 'try:\n  1 / 0\nexcept ZeroDivisionError as error:\n  raise LookupError("nothing") from error';
    const error = await refusal(() => session.call('execute', [source]));
    expect(error).toMatchObject({
      code: 'ERR_WANGP_PYTHON',
      message: 'LookupError: nothing',
      pythonType: 'LookupError',
      pythonTraceback: expect.stringContaining('ZeroDivisionError: division by zero'),
    });
  });
});
