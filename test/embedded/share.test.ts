import { Worker } from 'node:worker_threads';
import path from 'node:path';
import { once } from 'node:events';
import { beforeAll, describe, expect, test } from 'vitest';
import { AudioTensor, openTensor, type SharedTensor, VideoTensor, type WanGPSession } from 'wangp-node';
import { collectUntil, initScripted, liveCounts, PACKAGE, probe, runScript } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

async function videoOf(bytes: number): Promise<VideoTensor> {
  const result = await session.runTask({
    script: `
import numpy
add_artifact(video_tensor_uint8=numpy.arange(3 * ${bytes / 3}, dtype=numpy.uint8).reshape(3, 1, 1, -1), fps=24.0)`,
  });
  return result.artifacts[0]!.video!;
}

/** A Worker that evaluates `body` for each message, with `wangp` in scope, and posts what that returns. */
function workerOf(body: string): Worker {
  return new Worker(
    `const { parentPort } = require('node:worker_threads');
     const wangp = require(${JSON.stringify(path.join(PACKAGE, 'dist/index.js'))});
     parentPort.on('message', async (message) => {
       try { parentPort.postMessage(await (async () => { ${body} })()); }
       catch (error) { parentPort.postMessage({ code: error.code, message: error.message }); }
     });`,
    { eval: true, execArgv: [] },
  );
}

async function ask(worker: Worker, message: unknown): Promise<unknown> {
  worker.postMessage(message);
  return (await once(worker, 'message'))[0];
}

describe('a tensor that is shared with a Worker', () => {
  test('is the same memory there, whoever writes, without a session, and lives as long as either', async () => {
    const video = await videoOf(30_000);
    const worker = workerOf(`
      globalThis.tensor ??= wangp.openTensor(message);
      if (message === 'dispose') { const { data } = tensor; tensor.dispose(); return data.length; }
      if (message !== 'read') tensor.data[7] = 200;
      return { class: tensor.constructor.name, shape: tensor.shape, fps: tensor.fps, zeroCopy: tensor.zeroCopy,
               buffer: Buffer.isBuffer(tensor.data), values: [...tensor.data.subarray(5, 9)] };`);
    const memories = liveCounts().memories;
    const opened = await ask(worker, video.share());
    const seen = { class: 'VideoTensor', shape: [3, 1, 1, 10_000], fps: 24, zeroCopy: true, buffer: true };
    expect(opened).toEqual({ ...seen, values: [5, 6, 200, 8] });
    expect([...video.data.subarray(5, 9)]).toEqual([5, 6, 200, 8]);
    video.data[5] = 99;
    video.dispose();
    expect(await ask(worker, 'read')).toMatchObject({ values: [99, 6, 200, 8] });
    expect(liveCounts().memories).toBe(memories);
    expect(await ask(worker, 'dispose')).toBe(0);
    expect(await collectUntil(() => liveCounts().memories === memories - 1)).toBe(true);
    await worker.terminate();
  });

  test('is freed once the Worker that held it has ended', async () => {
    const video = await videoOf(3000);
    const worker = workerOf('globalThis.tensor = wangp.openTensor(message); return tensor.data[1];');
    expect(await ask(worker, video.share())).toBe(1);
    const { memories } = liveCounts();
    video.dispose();
    await worker.terminate();
    expect(await collectUntil(() => liveCounts().memories === memories - 1)).toBe(true);
  });
});

describe('a token of share()', () => {
  test('opens at the same address in its own thread too', async () => {
    const video = await videoOf(300);
    const again = openTensor(video.share());
    expect(again).toBeInstanceOf(VideoTensor);
    expect(probe.addressOf(again.data.buffer)).toBe(probe.addressOf(video.data.buffer));
    video.dispose();
    expect(again.data[1]).toBe(1);
    again.dispose();
  });

  test('keeps the sampling rate and the shape of sound', async () => {
    const { artifacts } = await session.runTask({
      script: 'import numpy; add_artifact(audio_tensor=numpy.ones((40, 2), numpy.float32), audio_sampling_rate=48000)',
    });
    const sound = artifacts[0]!.audio!;
    const again: AudioTensor = openTensor(sound.share());
    expect(again).toBeInstanceOf(AudioTensor);
    expect(again).toMatchObject({ samplingRate: 48_000, shape: [40, 2], dtype: 'float32' });
    sound.dispose();
    again.dispose();
  });

  test('is a plain object that opens one tensor, once', async () => {
    const video = await videoOf(300);
    const token = structuredClone(video.share());
    openTensor(token).dispose();
    expect(() => openTensor(token)).toThrow(expect.objectContaining({ code: 'ERR_WANGP_DISPOSED' }));
    video.dispose();
    expect(() => video.share()).toThrow(expect.objectContaining({ code: 'ERR_WANGP_DISPOSED' }));
  });

  test('is void, and its memory free, once the thread that made it has ended', async () => {
    const { memories } = liveCounts();
    const worker = workerOf(`
      const session = await wangp.init({ root: message });
      const script = 'import numpy; add_artifact(video_tensor_uint8=numpy.zeros((3, 1, 2, 2), numpy.uint8))';
      const { artifacts } = await session.runTask({ script });
      return artifacts[0].video.share();`);
    const token = (await ask(worker, session.info.root)) as SharedTensor;
    expect(liveCounts().memories).toBeGreaterThan(memories);
    await worker.terminate();
    expect(await collectUntil(() => liveCounts().memories === memories)).toBe(true);
    expect(() => openTensor(token)).toThrow(expect.objectContaining({ code: 'ERR_WANGP_DISPOSED' }));
  });

  test('is refused by another process, and so is what is no token', async () => {
    const video = await videoOf(300);
    const token = video.share();
    const { stdout, stderr } = await runScript(
      `try { wangp.openTensor(${JSON.stringify(token)}); } catch ({ code, message }) { console.log(code, message); }`,
    );
    expect(stdout, stderr).toMatch(/^ERR_WANGP_ARGUMENT the tensor belongs to the process \d+, and this is \d+/);
    for (const wrong of [null, 7, {}, { token: 1 }, { ...token, core: '../../evil' }]) {
      expect(() => openTensor(wrong as SharedTensor)).toThrow(expect.objectContaining({ code: 'ERR_WANGP_ARGUMENT' }));
    }
    openTensor(token).dispose();
    video.dispose();
  });
});
