// Tensors of a child: shared memory, seen from the process that they were handed to.
import { once } from 'node:events';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type GeneratedArtifact, init, openTensor, type VideoTensor, type WanGPSession } from 'wangp-node';
import { collectUntil, initScripted, PACKAGE, runScript, sharedCounts } from '../tools.js';
import { Worker } from 'node:worker_threads';

/** The smallest video that goes by shared memory: 3 MiB, counting up by one from byte to byte. */
const SCRIPT = `
import numpy
add_artifact(video_tensor_uint8=numpy.arange(3 << 20, dtype=numpy.uint8).reshape(3, 1, 1024, 1024), fps=24.0)`;

// Node 20 has `transfer()` behind a flag.
const canTransfer = Reflect.has(ArrayBuffer.prototype, 'transfer');

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted({ place: 'child', env: { WANGP_TEST: 'memory' } });
});

async function artifactOf(script: string): Promise<GeneratedArtifact> {
  const { artifacts, errors } = await session.runTask({ script });
  expect(errors).toEqual([]);
  return artifacts[0]!;
}

const videoOf = async (script = SCRIPT): Promise<VideoTensor> => (await artifactOf(script)).video!;

const counts = (data: Uint8Array): boolean => data.every((value, index) => value === index % 256);

describe('shared memory', () => {
  test('has the bytes that Python had, can be written to, and is let go of by dispose()', async () => {
    const before = sharedCounts().memories;
    const video = await videoOf();
    expect(video).toMatchObject({ memory: 'shared', zeroCopy: false, shape: [3, 1, 1024, 1024], dtype: 'uint8' });
    expect(counts(video.data)).toBe(true);
    video.data.fill(1);
    expect(sharedCounts().memories).toBe(before + 1);
    const { data } = video;
    video.dispose();
    video.dispose();
    expect(data.length).toBe(0);
    expect(sharedCounts().memories).toBe(before);
  });

  test('is let go of by garbage collection', async () => {
    const before = sharedCounts().memories;
    await (async () => expect(counts((await videoOf()).data)).toBe(true))();
    expect(await collectUntil(() => sharedCounts().memories <= before)).toBe(true);
  });

  test('of one video is never that of another which is still there', async () => {
    const videos: VideoTensor[] = [];
    for (let count = 0; count < 6; count += 1) {
      const video = await videoOf(`
import numpy
add_artifact(video_tensor_uint8=numpy.full((3, 1, 1024, 1024), ${count}, numpy.uint8), fps=24.0)`);
      videos.push(video);
      // Every other one is let go of, so that its segment is used again.
      if (count % 2 === 1) videos.splice(0, 1)[0]!.dispose();
      for (const each of videos) expect(new Set(each.data).size).toBe(1);
    }
    expect(videos.map(({ data }) => data[0])).toEqual([3, 4, 5]);
    for (const video of videos) video.dispose();
  });

  test('that was moved elsewhere is left alone by dispose(), until it is collected', async () => {
    const exit = await runScript(
      `(async () => {
        const { sharedCounts } = require(${JSON.stringify(path.join(PACKAGE, 'dist', 'runtime', 'shared-memory.js'))});
        const session = await wangp.init({ root: SCRIPTED_ROOT, place: 'child' });
        const moved = await (async () => {
          const { artifacts } = await session.runTask({ script: ${JSON.stringify(SCRIPT)} });
          const { video } = artifacts[0];
          const moved = new Uint8Array(video.data.buffer.transfer());
          video.dispose();
          return moved;
        })();
        await session.close();
        const wasRight = moved.every((value, index) => value === index % 256);
        const before = sharedCounts().memories;
        console.log(JSON.stringify({ wasRight, before }));
        setInterval(() => { gc(); if (sharedCounts().memories === 0) process.exit(); }, 10);
      })();`,
      { args: ['--expose-gc', ...(canTransfer ? [] : ['--harmony-rab-gsab-transfer'])] },
    );
    expect(exit).toMatchObject({ code: 0, stderr: '', stdout: '{"wasRight":true,"before":1}\n' });
  });

  test('outlives its session, its child and each other', async () => {
    const other = await initScripted({ place: 'child', env: { WANGP_TEST: 'outlived' } });
    const { artifacts } = await other.runTask({ script: `${SCRIPT}${SCRIPT}` });
    const [one, two] = artifacts.map(({ video }) => video!);
    await other.close();
    one!.dispose();
    expect(counts(two!.data)).toBe(true);
    two!.dispose();
  });

  test('is one and the same in every thread that opens it', async () => {
    const before = sharedCounts().memories;
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       const { openTensor } = require(${JSON.stringify(path.join(PACKAGE, 'dist/index.js'))});
       parentPort.on('message', (token) => {
         globalThis.tensor = openTensor(token);
         tensor.data[1] = 77;
         parentPort.postMessage([tensor.memory, tensor.data[0], tensor.data.length]);
       });`,
      { eval: true, execArgv: [] },
    );
    const video = await videoOf();
    worker.postMessage(video.share());
    expect((await once(worker, 'message'))[0]).toEqual(['shared', 0, 3 << 20]);
    expect(video.data[1]).toBe(77);
    const again = openTensor(video.share());
    video.dispose();
    expect(again.data[1]).toBe(77);
    again.dispose();
    await worker.terminate();
    expect(await collectUntil(() => sharedCounts().memories <= before)).toBe(true);
  });
});

test('a video of no bytes, and small ones, come through the pipe', async () => {
  const before = sharedCounts();
  const script = (frames: number) =>
    `import numpy; add_artifact(video_tensor_uint8=numpy.full((3, ${frames}, 8, 8), 5, numpy.uint8), fps=24.0)`;
  const none = await videoOf(script(0));
  expect(none).toMatchObject({ shape: [3, 0, 8, 8], memory: 'own' });
  expect(none.data.length).toBe(0);
  const small = await videoOf(script(2));
  expect(small).toMatchObject({ memory: 'own', zeroCopy: false });
  expect(new Set(small.data)).toEqual(new Set([5]));
  expect(sharedCounts().memories).toBe(before.memories);
  expect(() => small.share()).toThrow(expect.objectContaining({ code: 'ERR_WANGP_UNSUPPORTED' }));
  const { data } = small;
  small.dispose();
  expect(data.length).toBe(0);
});

test('a large input goes by shared memory, and may be changed once it is registered', async () => {
  await using sample = await init({ place: 'child' });
  const data = new Uint8Array(3 * 1024 * 512 * 4).fill(9);
  await using input = await sample.registerVideo('large', { data, width: 1024, height: 512, frames: 4 }, { fps: 24 });
  data.fill(1);
  expect(input.path).toContain('large');
});

test.each([
  ['that exits', 'process.exit(0)'],
  ['that leaves by itself', 'session.close()'],
])('a Worker with a child of its own %s leaves neither child nor memory', async (_, end) => {
  const { code, stderr, stdout } = await runScript(`
    const { Worker } = require('node:worker_threads');
    const { once } = require('node:events');
    (async () => {
      const options = { root: SCRIPTED_ROOT, place: 'child' };
      const worker = new Worker(\`
        const wangp = require(\${JSON.stringify(require.resolve(${JSON.stringify(path.join(PACKAGE, 'dist/index.js'))}))});
        (async () => {
          const session = await wangp.init(\${JSON.stringify(options)});
          const { artifacts } = await session.runTask({ script: ${JSON.stringify(JSON.stringify(SCRIPT)).slice(1, -1)} });
          require('node:worker_threads').parentPort.postMessage([session.pid, artifacts[0].video.data[3]]);
          setTimeout(() => { ${end} }, 20);
        })();\`, { eval: true });
      const [[pid, value]] = await once(worker, 'message');
      await once(worker, 'exit');
      let isAlive = true;
      for (let count = 0; isAlive && count < 300; count += 1) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        try { process.kill(pid, 0); } catch { isAlive = false; }
      }
      console.log(JSON.stringify({ value, isAlive }));
    })();`);
  expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: '{"value":3,"isAlive":false}\n' });
});
