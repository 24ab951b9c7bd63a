import { statSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CallbackEvent, SessionEvent, SessionJob, WanGPSession } from 'wangp-node';
import { IN_CHILD, runScript } from '../tools.js';
import { CANCEL_MS, dataOf, eventsOf, EXPLODING, HEIGHT, MODEL, onReal, onSample, open, outputDir } from './root.js';
import { REAL, SLOW, steps, VIDEO, WIDTH, WITH_MEDIA } from './root.js';

let session: WanGPSession;
let job: SessionJob;
let events: SessionEvent[];

/** Seconds since the epoch, before the job and after its last event. */
let began: number;
let ended: number;

/** What the session's callbacks were told, of every job that brought none of its own. */
const told: [string, unknown][] = [];
const callbacks = new Proxy(
  {},
  {
    get: (_, name) => (argument: unknown) => void told.push([String(name), argument]),
  },
);

beforeAll(async () => {
  session = await open({ callbacks });
  began = Date.now() / 1000;
  job = await session.submitTask({ ...VIDEO, ...WITH_MEDIA, client_id: 'mine' });
  events = await eventsOf(job);
  ended = Date.now() / 1000;
}, 180_000);

test('[init, init.root, submit_task, input.settings, job.result, job.done] the quick start: init(), submitTask() and result() give a successful result', async () => {
  const result = await job.result();
  expect(result).toMatchObject({ success: true, errors: [] });
  expect(job.done).toBe(true);
  expect(session.info).toMatchObject({ isSample: !REAL, root: REAL ? process.env['WANGP_ROOT'] : session.info.root });
  expect(path.isAbsolute(session.info.root)).toBe(true);
});

describe('the events of a run', () => {
  test('[job.events, event.kind, event.data, event.timestamp] come in order, each once, with the time between submit and end at which each was made', () => {
    const times = events.map((event) => event.timestamp);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(began);
    // JavaScript's clock leaves out what is less than a millisecond.
    expect(Math.max(...times)).toBeLessThan(ended + 0.001);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(job.events.closed).toBe(true);
    expect(job.events.dropped).toEqual({});
  });

  test('[event.started, event.completed] begin with started and end with the very result', async () => {
    expect(events[0]).toMatchObject({ kind: 'started', data: { tasks: 1 } });
    expect(events.filter(({ kind }) => kind === 'started' || kind === 'completed')).toHaveLength(2);
    expect(events.at(-1)!.data).toBe(await job.result());
  });

  test('[event.status, event.output, event.refresh_models] of status, output and models come with data of the documented types', () => {
    expect(dataOf(events, 'status').length).toBeGreaterThan(0);
    for (const status of dataOf(events, 'status')) expect(status).toBeTypeOf('string');
    for (const kind of ['output', 'refresh_models'] as const) expect(dataOf(events, kind).length).toBeGreaterThan(0);
  });

  onSample(
    '[event.info, callback.on_info] of info say what happens, to the callback too',
    'a WanGP run without weights has nothing to say',
    () => {
      expect(dataOf(events, 'info').length).toBeGreaterThan(0);
      for (const info of dataOf(events, 'info')) expect(info).toBeTypeOf('string');
      expect(told.filter(([name]) => name === 'onInfo').map(([, info]) => info)).toEqual(dataOf(events, 'info'));
      return Promise.resolve();
    },
  );

  test('[event.progress, progress.phase, progress.status, progress.progress, progress.raw_phase] of progress tell phase, status and per cent, in the documented fields', () => {
    const updates = dataOf(events, 'progress');
    expect(updates.length).toBeGreaterThan(0);
    for (const update of updates) {
      expect(Object.keys(update).sort()).toEqual(
        ['currentStep', 'phase', 'progress', 'rawPhase', 'status', 'totalSteps', 'unit'].sort(),
      );
      expect(update.phase).toMatch(/^[a-z_0-9]+$/);
      expect(update.status).toBeTypeOf('string');
      expect(update.progress >= 0 && update.progress <= 100 && Number.isInteger(update.progress)).toBe(true);
      expect(update.rawPhase === null || typeof update.rawPhase === 'string').toBe(true);
    }
    expect(updates.map(({ phase }) => phase)).toContain('inference');
  });

  test('[progress.unit] of progress have the unit that Python gives with a step, and null where it gives none', async () => {
    // No model of either root gives one: a process of its own, whose root says what it is told to.
    const { code, stdout, stderr } = await runScript(
      `(async () => {
        const session = await wangp.init({ root: SCRIPTED_ROOT, consoleOutput: false });
        const script = 'put("progress", ProgressUpdate("inference", "first", 5, 1, 2, "Denoising", "frames"))\\n' +
          'put("progress", ProgressUpdate("inference", "second", 9, 2, 2, "Denoising"))';
        const job = await session.submitTask({ script });
        const units = [];
        for await (const { kind, data } of job.events) if (kind === 'progress') units.push(data.unit);
        console.log(JSON.stringify(units));
      })();`,
      { env: { WANGP_ROOT: '' } },
    );
    expect({ code, stdout, stderr: code === 0 ? '' : stderr }).toEqual({
      code: 0,
      stdout: '["frames",null]\n',
      stderr: '',
    });
  });

  test('[progress.current_step, progress.total_steps] of progress count the steps', () => {
    const counted = dataOf(events, 'progress').filter(({ currentStep }) => currentStep !== null);
    expect(counted.length).toBeGreaterThan(0);
    expect(new Set(counted.map(({ totalSteps }) => totalSteps))).toEqual(new Set([3]));
    expect(counted.at(-1)!.currentStep).toBe(3);
  });

  test('[event.preview, preview.image, preview.progress] of preview bring an RGB picture of each step', () => {
    const previews = dataOf(events, 'preview');
    expect(previews).toHaveLength(3);
    // WanGP says where it is by the time that the picture is ready.
    expect(['inference', 'decoding']).toEqual(expect.arrayContaining(previews.map(({ phase }) => phase)));
    for (const { image, ...progress } of previews) {
      expect(image).toMatchObject({ channels: 3 });
      expect(image!.data).toHaveLength(image!.width * image!.height * 3);
      expect(Object.keys(progress).sort()).toEqual(['currentStep', 'phase', 'progress', 'status', 'totalSteps']);
    }
  });

  test('[event.stream, stream.stream, stream.text] of stream bring each line that is printed', () => {
    const lines = dataOf(events, 'stream');
    expect(lines.length).toBeGreaterThan(0);
    for (const { stream, text } of lines) {
      expect(['stdout', 'stderr']).toContain(stream);
      expect(text).not.toContain('\n');
    }
  });
});

test('[result.success, result.cancelled, result.errors, result.total_tasks, result.successful_tasks, result.failed_tasks, result.generated_files, result.artifacts] the result has every field', async () => {
  const result = await job.result();
  expect(result).toMatchObject({ success: true, cancelled: false, errors: [], failedTasks: 0 });
  expect(result).toMatchObject({ totalTasks: 1, successfulTasks: 1, generatedFiles: [expect.any(String)] });
  expect(result.artifacts).toHaveLength(1);
  expect(path.dirname(result.generatedFiles[0]!)).toBe(outputDir);
});

test('[rule.both, input.api.return_media, artifact.path, artifact.media_type, artifact.video, artifact.fps, artifact.client_id] a video comes back as a file and in memory', async () => {
  const { artifacts, generatedFiles } = await job.result();
  const [artifact] = artifacts;
  expect(artifact).toMatchObject({ path: generatedFiles[0], mediaType: 'video', clientId: 'mine', hdr: false });
  expect(statSync(artifact!.path!).size).toBeGreaterThan(100);
  expect(artifact!.fps).toBeGreaterThan(0);
  const { video } = artifact!;
  expect(video).toMatchObject({
    shape: [3, 9, HEIGHT, WIDTH],
    dtype: 'uint8',
    zeroCopy: !IN_CHILD,
    fps: artifact!.fps,
  });
  expect(video!.data).toHaveLength(3 * 9 * HEIGHT * WIDTH);
  video!.dispose();
  expect(() => video!.data).toThrow(expect.objectContaining({ code: 'ERR_WANGP_DISPOSED' }));
});

test('[artifact.audio, artifact.audio_rate] sound comes back in memory', async () => {
  const { artifacts, errors } = await session.runTask({ ...VIDEO, ...WITH_MEDIA, prompt: 'audio' });
  expect(errors).toEqual([]);
  const { audio } = artifacts[0]!;
  expect(audio).toMatchObject({ dtype: 'float32', zeroCopy: !IN_CHILD, samplingRate: REAL ? 24_000 : 48_000 });
  expect(audio!.shape[1]).toBe(2);
  expect(audio!.data.some((sample) => Math.abs(sample) > 0.01)).toBe(true);
});

onReal('[artifact.hdr] an HDR video comes back as floats', 'the sample has no HDR', async () => {
  const { artifacts, errors } = await session.runTask({ ...VIDEO, ...WITH_MEDIA, prompt: 'hdr' });
  expect(errors).toEqual([]);
  expect(artifacts[0]).toMatchObject({ hdr: true, video: null });
  expect(artifacts[0]!.videoHdr).toMatchObject({ shape: [3, 9, HEIGHT, WIDTH], dtype: 'float32' });
});

onReal('[preview.image] a checkout’s pixels are those that the model wrote', 'the model is tinycpu', async () => {
  const { artifacts } = await session.runTask({ ...VIDEO, ...WITH_MEDIA });
  const { video } = artifacts[0]!;
  const plane = HEIGHT * WIDTH;
  for (let channel = 0; channel < 3; channel += 1) {
    for (let frame = 0; frame < 9; frame += 1) {
      const from = (channel * 9 + frame) * plane;
      const pixels = new Set(video!.data.subarray(from, from + plane));
      expect([...pixels]).toHaveLength(1);
      expect(Math.abs([...pixels][0]! - (channel * 50 + frame))).toBeLessThanOrEqual(1);
    }
  }
});

test('[input.api.default] without return_media there are files and no artifacts', async () => {
  const result = await session.runTask(VIDEO);
  expect(result).toMatchObject({ success: true, artifacts: [] });
  expect(result.generatedFiles).toHaveLength(1);
});

test('[input.force_fps] force_fps is a number or a string', async () => {
  for (const force_fps of [12, '12']) {
    const { artifacts } = await session.runTask({ ...VIDEO, ...WITH_MEDIA, force_fps });
    expect(artifacts[0]!.fps).toBe(12);
  }
});

describe('callbacks', () => {
  test('[init.callbacks, callback.on_progress, callback.on_preview, callback.on_stream, callback.on_status, callback.on_output, callback.on_complete, callback.on_event] the session’s are told what the events tell', async () => {
    told.length = 0;
    const next = await session.submitTask(VIDEO);
    const all = await eventsOf(next);
    const pairs = [
      ['progress', 'onProgress'],
      ['preview', 'onPreview'],
      ['stream', 'onStream'],
      ['status', 'onStatus'],
      ['output', 'onOutput'],
      ['completed', 'onComplete'],
    ] as const;
    for (const [kind, name] of pairs) {
      expect(told.filter(([each]) => each === name).map(([, data]) => data)).toEqual(dataOf(all, kind));
    }
    expect(told.filter(([name]) => name === 'onEvent').length).toBeGreaterThan(pairs.length);
  });

  test('[callback.alongside, callback.complete-kind] onEvent follows each of the others, with upstream’s kinds', () => {
    for (let at = 0; at < told.length; at += 2) {
      const [name, data] = told[at]!;
      const [after, event] = told[at + 1]!;
      const { kind, data: same } = event as CallbackEvent;
      expect([after, `on${kind[0]!.toUpperCase()}${kind.slice(1)}`]).toEqual(['onEvent', name]);
      expect(same).toBe(data);
    }
    const kinds = told.map(([, event]) => (event as CallbackEvent | null)?.kind);
    expect(kinds).toContain('complete');
    for (const kind of ['completed', 'started', 'refresh_models']) expect(kinds).not.toContain(kind);
  });

  test('[callback.job, callback.on_error] a job’s own take the place of the session’s', async () => {
    told.length = 0;
    const errors: unknown[] = [];
    const result = await session.runTask(EXPLODING, { callbacks: { onError: (error) => void errors.push(error) } });
    expect(errors).toEqual(result.errors);
    expect(errors.length).toBeGreaterThan(0);
    expect(told).toEqual([]);
  });

  test('[callback.submit] a job may be submitted when the last has completed', async () => {
    const second = await new Promise<SessionJob>((resolve, reject) => {
      const onComplete = (): void => void session.submitTask(VIDEO).then(resolve, reject);
      session.submitTask(VIDEO, { callbacks: { onComplete } }).catch(reject);
    });
    expect(await second.result()).toMatchObject({ success: true });
  });
});

describe('cancellation', () => {
  test('[job.cancel, job.cancel_requested, rule.cancel, rule.cancel.fast, error.stage.cancelled] cancel() mid-way: the result is cancelled, soon, and the next job runs', async () => {
    const took: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const slow = await session.submitTask(SLOW);
      await steps(slow);
      expect(slow).toMatchObject({ done: false, cancelRequested: false });
      const begin = performance.now();
      slow.cancel();
      expect(slow.cancelRequested).toBe(true);
      const result = await slow.result();
      took.push(performance.now() - begin);
      expect(result).toMatchObject({ success: false, cancelled: true, generatedFiles: [], failedTasks: 1 });
      expect(result.errors.at(-1)).toMatchObject({ stage: 'cancelled', cancelled: true });
    }
    console.log(`cancel() mid-way to the result: ${took.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    expect(Math.max(...took)).toBeLessThan(CANCEL_MS);
  });

  test('[rule.cancel.at-once] cancel() right after the submit: the result is cancelled, soon', async () => {
    const slow = await session.submitTask(SLOW);
    const begin = performance.now();
    slow.cancel();
    const result = await slow.result();
    const took = performance.now() - begin;
    console.log(`cancel() at once to the result: ${took.toFixed(0)} ms`);
    expect(result).toMatchObject({ success: false, cancelled: true });
    expect(result.errors.at(-1)).toMatchObject({ stage: 'cancelled' });
    expect(took).toBeLessThan(CANCEL_MS);
  });

  test('[session.cancel] session.cancel() ends a manifest, which keeps what it made', async () => {
    const slow = await session.submitManifest([VIDEO, SLOW, VIDEO]);
    let previews = 0;
    for await (const event of slow.events) {
      if (event.kind === 'preview') previews += 1;
      if (previews > 4) break;
    }
    session.cancel();
    const result = await slow.result();
    // WanGP doesn't count the tasks that were never begun.
    expect(result).toMatchObject({ success: false, totalTasks: 3, successfulTasks: 1, failedTasks: 1 });
    expect(result.generatedFiles).toHaveLength(1);
    expect(result.errors.at(-1)).toMatchObject({ stage: 'cancelled', taskIndex: 2 });
  });
});

test('[job.result.timeout] a wait for the result can end before the job, which goes on', async () => {
  const slow = await session.submitTask(SLOW);
  await expect(slow.result({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'ERR_WANGP_TIMEOUT' });
  expect(slow.done).toBe(false);
  slow.cancel();
  expect(await slow.result({ timeoutMs: 5000 })).toMatchObject({ cancelled: true });
});

test('[rule.bound-jobs] a second job is refused while one runs', async () => {
  const slow = await session.submitTask(SLOW);
  await expect(session.submitTask(VIDEO)).rejects.toMatchObject({ code: 'ERR_WANGP_BUSY' });
  slow.cancel();
  await slow.result();
  expect(await session.runTask(VIDEO)).toMatchObject({ success: true });
});

test('[session.call, model_listing] a model’s definition can be asked for while a job runs', async () => {
  const slow = await session.submitTask(SLOW);
  await steps(slow);
  expect(await session.call('get_model_def', [MODEL])).toMatchObject({ model_type: MODEL });
  expect(await session.call('get_default_settings', [MODEL])).toHaveProperty('num_inference_steps');
  const models = (await session.call('list_model_defs')) as { model_type: string }[];
  expect(models.map(({ model_type }) => model_type)).toContain(MODEL);
  expect(slow.done).toBe(false);
  await expect(session.call('nothing_like_it')).rejects.toMatchObject({ code: 'ERR_WANGP_UNSUPPORTED' });
  const begin = performance.now();
  const calling = session.call('list_model_defs');
  slow.cancel();
  await slow.result();
  expect(performance.now() - begin).toBeLessThan(CANCEL_MS);
  await calling;
});

test('[rule.series, session.reuse] 50 jobs in a row, the model kept', async () => {
  const begin = performance.now();
  let loads = 0;
  for (let round = 0; round < 50; round += 1) {
    const next = await session.submitTask({ ...VIDEO, num_inference_steps: 1, seed: round });
    loads += dataOf(await eventsOf(next), 'refresh_models').length;
    expect(await next.result()).toMatchObject({ success: true, errors: [] });
  }
  console.log(`50 jobs in a row: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  expect(loads).toBe(0);
}, 300_000);

test('[session.close, session.run] a later job loads the model again; to close twice is to close', async () => {
  await session.close();
  await session.close();
  const again = await session.submitTask(VIDEO);
  expect(dataOf(await eventsOf(again), 'refresh_models').length).toBeGreaterThan(0);
  expect(await again.result()).toMatchObject({ success: true });
  expect(await session.run(VIDEO)).toMatchObject({ success: true });
  await session.close();
  // In a child the last close ends that, and the next one imports WanGP again.
}, 300_000);
