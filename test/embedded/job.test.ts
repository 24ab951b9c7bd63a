import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import { GenerationFailedError, type GenerationResult, openTensor, WanGPError, WanGPSession } from 'wangp-node';
import { IN_CHILD, initScripted } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

const refused = (message: string): object => ({ code: 'ERR_WANGP_ARGUMENT', message });

/** Options of a class: its instances own none of their names. */
class Patience {
  readonly #limit = 60_000;
  get timeoutMs(): number {
    return this.#limit;
  }
}

/** A class whose instances look like options and are none. */
class WaitOptions {
  readonly #limit = 5;
  get timeout(): number {
    return this.#limit;
  }
}

describe('wrong options are refused, naming the right ones', () => {
  const WAITS: [unknown, string][] = [
    [{ timeout: 50 }, 'has no option timeout: did you mean timeoutMs?'],
    [{ timeout_ms: 50 }, 'has no option timeout_ms: here it is called timeoutMs'],
    [{ abortSignal: null }, 'has no option abortSignal: did you mean signal?'],
    [{ deadline: 1 }, 'has no option deadline: there are timeoutMs, signal'],
  ];
  test.each(WAITS)('result(), join() and events.get() of %j', async (options, message) => {
    const job = await session.submitTask({});
    await expect(job.result(options as never)).rejects.toMatchObject(refused(`result() ${message}`));
    await expect(job.join(options as never)).rejects.toMatchObject(refused(`result() ${message}`));
    await expect(job.events.get(options as never)).rejects.toMatchObject(refused(`events.get() ${message}`));
    await job.result();
  });

  test('a number in place of result() and events.get() options is told where it belongs', async () => {
    const job = await session.submitTask({});
    for (const [wait, name] of [
      [job.result.bind(job), 'result'],
      [job.join.bind(job), 'result'],
      [job.events.get.bind(job.events), 'events.get'],
    ] as const) {
      await expect(wait(50 as never)).rejects.toMatchObject(
        refused(`${name}() takes an object of options, not 50: ${name}({ timeoutMs: 50 })`),
      );
    }
    await job.result();
  });

  const INSTANCES: [string, object, string][] = [
    ['an AbortSignal', new AbortController().signal, ': give the signal as { signal }'],
    ['an AbortController', new AbortController(), ': give the signal as { signal }'],
    ['a Map', new Map([['timeoutMs', 5]]), ', not a Map'],
    ['a Date', new Date(), ', not a Date'],
    ['an instance of a class without an option', new WaitOptions(), ', not a WaitOptions'],
  ];
  test.each(INSTANCES)('%s in place of the options is refused, not ignored', async (_, options, hint) => {
    const job = await session.submitTask({});
    await expect(job.result(options)).rejects.toMatchObject(refused(`result() takes an object of options${hint}`));
    await expect(job.events.get(options)).rejects.toMatchObject(
      refused(`events.get() takes an object of options${hint}`),
    );
    await job.result();
    await expect(session.submitTask({}, options)).rejects.toMatchObject(
      refused(`submitTask() takes an object of options${hint}`),
    );
    await expect(session.runManifest([{}], options)).rejects.toMatchObject(
      refused(`submitManifest() takes an object of options${hint}`),
    );
  });

  test('options may be of another realm, without a prototype, inherited, or of a class that has one of them', async () => {
    const job = await session.submitTask({});
    for (const options of [
      runInNewContext('({})') as object,
      Object.create(null) as object,
      Object.create({ timeoutMs: 60_000 }) as object,
      new Patience(),
    ]) {
      expect(await job.result(options)).toMatchObject({ success: true });
    }
  });

  test('a signal that is none', async () => {
    const job = await session.submitTask({});
    const options = { signal: 'x' as never };
    await expect(job.result(options)).rejects.toMatchObject(refused('signal must be an AbortSignal, not "x"'));
    await expect(job.events.get(options)).rejects.toMatchObject(refused('signal must be an AbortSignal, not "x"'));
    await job.result();
  });

  test('those of a submit', async () => {
    const submit = (options: object): Promise<unknown> => session.submitTask({}, options);
    await expect(submit({ abortSignal: null })).rejects.toMatchObject(
      refused('submitTask() has no option abortSignal: did you mean signal?'),
    );
    await expect(submit({ callback: {} })).rejects.toMatchObject(
      refused('submitTask() has no option callback: did you mean callbacks?'),
    );
    await expect(submit({ callbacks: { onProgress: 'x' } })).rejects.toMatchObject(
      refused('callbacks.onProgress must be a function, not "x"'),
    );
    await expect(session.submitMediaPostprocessing('a.mp4', { sed: 1 } as never)).rejects.toMatchObject(
      refused('submitMediaPostprocessing() has no option sed: did you mean seed?'),
    );
    await expect(session.submitMediaPostprocessing('a.mp4', { signals: null } as never)).rejects.toMatchObject(
      refused('submitMediaPostprocessing() has no option signals: did you mean signal?'),
    );
  });

  test('those of registerVideo', async () => {
    const video = { data: Buffer.alloc(3), width: 1, height: 1, frames: 1 };
    await expect(session.registerVideo('a', video, { framesPerSecond: 5 } as never)).rejects.toMatchObject(
      refused('registerVideo() has no option framesPerSecond: it takes only fps'),
    );
    await expect(session.registerVideo('a', { ...video, fps: 24 })).rejects.toMatchObject(
      refused('video has no fps: give it as registerVideo(name, video, { fps: 24 })'),
    );
  });

  test('a NUL in a path names the argument', async () => {
    await expect(session.submit('a\0.json')).rejects.toMatchObject(
      refused('source may not hold a NUL character: "a\\u0000.json"'),
    );
    await expect(session.submitMediaPostprocessing(new URL('file:///a%00.mp4'), {})).rejects.toMatchObject(
      refused('source may not hold a NUL character: "/a\\u0000.mp4"'),
    );
  });

  test('callbacks may be a part of another object, with methods of its own', async () => {
    class App {
      readonly seen: string[] = [];
      readonly once = 1;
      render(): void {}
      onStatus(text: string): void {
        this.seen.push(text);
      }
    }
    const app = new App();
    await session.runTask({ script: 'put("status", "heard")' }, { callbacks: app });
    expect(app.seen).toEqual(['heard']);
  });
});

describe('job.on(), once() and off()', () => {
  test.each([
    ['complete', 'here it is called completed'],
    ['onComplete', 'here it is called completed'],
    ['onProgress', 'here it is called progress'],
    ['onEvent', 'here it is called *'],
    ['onFinish', 'there are queued, started, progress, preview'],
  ])('refuse %s, which would never be heard', async (kind, hint) => {
    const job = await session.submitTask({});
    const error = expect.objectContaining({
      code: 'ERR_WANGP_ARGUMENT',
      message: expect.stringContaining(`there is no event ${kind}: ${hint}`),
    });
    for (const method of ['on', 'once', 'off'] as const) expect(() => job[method](kind, () => {})).toThrow(error);
    await job.result();
  });

  test('warn once of a kind that looks misspelt, and take any other', async () => {
    const warnings: string[] = [];
    const isLast = new Promise<void>((resolve) => {
      const hear = ({ message }: Error): void => {
        if (message !== 'last') return void warnings.push(message);
        process.off('warning', hear);
        resolve();
      };
      process.on('warning', hear);
    });
    const heard: unknown[] = [];
    const job = await session.submitTask({ script: 'put("celebration", 1); put("progres", 2); put("done", 3)' });
    for (const kind of ['progres', 'celebration', 'done', 'progress', 'refresh_models', '*', 'Status']) {
      job.on(kind, ({ data }) => heard.push(data)).off(kind, () => {});
    }
    job.once('progres', () => {});
    process.emitWarning('last');
    await Promise.all([isLast, job.result()]);
    expect(warnings).toEqual([
      'no event of the kind progres is known: did you mean progress?',
      'no event of the kind Status is known: did you mean status?',
    ]);
    expect(heard).toEqual(expect.arrayContaining([1, 2, 3]));
  });
});

test('a session is made by init() alone', () => {
  const Session = WanGPSession as unknown as new () => unknown;
  expect(() => new Session()).toThrow(expect.objectContaining(refused('a session is made by init()')));
});

describe('call()', () => {
  test('takes null for arguments and keywords that are left out', async () => {
    expect(await session.call('echo', ['a'], null)).toEqual(['a']);
    expect(await session.call('list_model_defs', null, null)).toEqual(await session.listModelDefs());
  });

  test.each(['submitTask', 'getModelDef', 'registerVideo'])(
    'refuses %s, which is no name of Python’s',
    async (name) => {
      await expect(session.call(name)).rejects.toMatchObject(
        refused(`call() takes Python's names: use session.${name}()`),
      );
    },
  );

  test.each([
    ['submit', 'use session.submit()'],
    ['submit_task', 'use session.submitTask()'],
    ['submit_manifest', 'use session.submitManifest()'],
    ['submit_audio_remux', 'use session.submitAudioRemux()'],
    ['submit_ü', 'its job would be out of reach; submit its settings by session.submitTask()'],
    ['submit_of_tomorrow', 'its job would be out of reach; submit its settings by session.submitTask()'],
    ['run', 'use session.run()'],
    ['run_task', 'use session.runTask()'],
    ['run_media_postprocessing', 'use session.runMediaPostprocessing()'],
    ['cancel', 'use session.cancel()'],
    ['close', 'use session.close()'],
    ['init', 'use init()'],
  ])('refuses %s, whose job or end would be out of reach', async (name, hint) => {
    await expect(session.call(name, [{}])).rejects.toMatchObject(refused(`call() doesn't take ${name}: ${hint}`));
  });

  test('refuses names that are not public', async () => {
    for (const name of ['_submit', '_start', '__class__']) {
      await expect(session.call(name)).rejects.toMatchObject(
        refused(`call() takes public methods only: "${name}" is WanGP's own`),
      );
    }
  });
});

describe('what a job is made of', () => {
  test('is out of reach: no name leads to it', async () => {
    const job = await session.submitTask({});
    const names = new Set<string | symbol>();
    for (const object of [job, job.events, session]) {
      for (let each: object = object; each !== Object.prototype; each = Object.getPrototypeOf(each) as object) {
        for (const name of Reflect.ownKeys(each)) names.add(name);
      }
    }
    for (const name of ['abandon', 'channel', 'submitBy', 'ended', 'cancellation', 'push', 'close', 'countDropped']) {
      expect(Reflect.get(job, name), name).toBeUndefined();
      expect(Reflect.get(job.events, name), name).toBeUndefined();
    }
    expect([...names].filter((name) => /control|queue|runtime|channel/i.test(String(name)))).toEqual([]);
    const Job = job.constructor as new (...given: unknown[]) => unknown;
    expect(() => new Job({})).toThrow(expect.objectContaining({ code: 'ERR_WANGP_ARGUMENT' }));
    await job.result();
  });

  test('is shown by util.inspect: whether it is done, whether it is cancelled, how many events wait', async () => {
    const job = await session.submitTask({ script: 'put("status", "a"); put("status", "b")' });
    await job.result();
    await job.events.get();
    expect(inspect(job)).toBe(
      'SessionJob {\n  done: true,\n  cancelRequested: false,\n' +
        '  events: JobEvents { waiting: 3, closed: true, dropped: {} }\n}',
    );
    expect(inspect({ job }, { depth: 0 })).toBe('{ job: [SessionJob] }');
    expect(inspect(session)).toMatch(/^WanGPSession {\s+info: {[^]*isSample: false[^]*},\s+pid: \d+,\s+jobs: 0\s+}$/);
  });
});

describe('a tensor', () => {
  const script = 'import numpy; add_artifact(video_tensor_uint8=numpy.zeros((3, 1, 2, 2), numpy.uint8), fps=8.0)';

  test('is shown by util.inspect and JSON.stringify, after dispose() too', async () => {
    const { artifacts } = await session.runTask({ script });
    const video = artifacts[0]!.video!;
    const [zeroCopy, memory] = IN_CHILD ? [false, 'own'] : [true, 'python'];
    const shown = `shape: [ 3, 1, 2, 2 ], dtype: 'uint8', fps: 8, zeroCopy: ${zeroCopy}, memory: '${memory}', disposed:`;
    const flat = (): string => inspect(video, { breakLength: Infinity });
    expect(flat()).toBe(`VideoTensor { ${shown} false }`);
    video.dispose();
    expect(flat()).toBe(`VideoTensor { ${shown} true }`);
    const fields = { shape: [3, 1, 2, 2], dtype: 'uint8', fps: 8, zeroCopy, memory };
    expect(JSON.parse(JSON.stringify(video))).toEqual(fields);
  });

  test('refuses data and share() after dispose(), also where data was read before', async () => {
    const { artifacts } = await session.runTask({ script });
    const video = artifacts[0]!.video!;
    const { data } = video;
    expect(video.data).toBe(data);
    video.dispose();
    expect(data).toHaveLength(0);
    const message = 'the tensor has been disposed: read data before dispose()';
    expect(() => video.data).toThrow(expect.objectContaining({ code: 'ERR_WANGP_DISPOSED', message }));
    expect(() => video.share()).toThrow(expect.objectContaining({ code: 'ERR_WANGP_DISPOSED' }));
    expect(video).toMatchObject({ disposed: true, shape: [3, 1, 2, 2], dtype: 'uint8' });
  });

  test('openTensor refuses what is no token', () => {
    expect(() => openTensor(null as never)).toThrow(expect.objectContaining({ code: 'ERR_WANGP_ARGUMENT' }));
  });
});

test('the sampling rate of sound stands on its artifact too', async () => {
  const { artifacts } = await session.runTask({
    script: 'import numpy; add_artifact(audio_tensor=numpy.zeros((4, 2), numpy.float32), audio_sampling_rate=48000)',
  });
  expect(artifacts[0]).toMatchObject({ audioSamplingRate: 48_000, audio: { samplingRate: 48_000 } });
  artifacts[0]!.audio!.dispose();
});

describe('result.throwIfFailed()', () => {
  const thrownBy = (result: GenerationResult): unknown => {
    try {
      return result.throwIfFailed();
    } catch (error) {
      return error;
    }
  };

  test('gives the result where all went well', async () => {
    const result = await session.runTask({});
    expect(result.throwIfFailed()).toBe(result);
  });

  test('throws an error with the errors of a job that failed', async () => {
    const result = await session.runTask({ script: 'raise ValueError("no such thing")' });
    const error = thrownBy(result) as GenerationFailedError;
    expect(error).toBeInstanceOf(GenerationFailedError);
    expect(error).toBeInstanceOf(WanGPError);
    expect(error).toMatchObject({
      code: 'ERR_WANGP_GENERATION',
      message: '1 of 1 tasks failed: no such thing',
      result,
    });
    expect(error.errors).toBe(result.errors);
  });

  test('throws where the job was cancelled', async () => {
    const job = await session.submitTask({ script: 'put("status", "runs"); job.wait_for_cancel(20)' });
    for await (const event of job.events) if (event.kind === 'status') break;
    job.cancel();
    const error = thrownBy(await job.result()) as GenerationFailedError;
    expect(error).toMatchObject({
      code: 'ERR_WANGP_GENERATION',
      message: expect.stringMatching(/^the job was cancelled/),
    });
    expect(error.result.cancelled).toBe(true);
  });

  test('is no part of what is compared, copied or printed', async () => {
    const result = await session.runTask({});
    expect(Object.keys(result)).not.toContain('throwIfFailed');
    expect(structuredClone(result)).toEqual(result);
    expect(inspect(result)).not.toContain('throwIfFailed');
  });
});
