import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { init, type RawVideo, type Settings, type VideoTensor, type WanGPSession } from 'wangp-node';
import { runPython } from '../fixtures/inspect-media.js';
import { IN_CHILD, PACKAGE, runScript, TINY_VIDEO } from '../tools.js';

const WIDTH = 64;
const HEIGHT = 48;
const PIXELS = WIDTH * HEIGHT;

const outputDir = mkdtempSync(path.join(tmpdir(), 'wangp-inputs-'));
let session: WanGPSession;

beforeAll(async () => {
  session = await init({ outputDir, consoleOutput: false });
});

afterAll(() => rmSync(outputDir, { recursive: true, force: true }));

async function videoOf(settings: Settings): Promise<VideoTensor> {
  const result = await session.runTask({ ...TINY_VIDEO, ...settings, _api: { return_media: true } });
  expect(result.errors).toEqual([]);
  return result.artifacts[0]!.video!;
}

/** One frame of a tensor, [row, column, channel]. */
function frameOf({ data, shape }: VideoTensor, frame: number): Buffer {
  const frames = shape[1]!;
  return Buffer.from(
    Uint8Array.from(
      { length: PIXELS * 3 },
      (_, at) => data[((at % 3) * frames + frame) * PIXELS + Math.floor(at / 3)]!,
    ),
  );
}

/** Frames in which each channel has all 256 values, none of them where another channel has it. */
function ramp(frames: number, channels = 3): Buffer {
  return Buffer.from(Uint8Array.from({ length: frames * PIXELS * channels }, (_, at) => (at * 7 + (at >> 8)) % 256));
}

function rawVideo(frames: number, data = ramp(frames)): RawVideo {
  return { data, width: WIDTH, height: HEIGHT, frames, channels: 3 };
}

describe('a picture in memory', () => {
  test('arrives with all 256 values of its pixels', async () => {
    const data = ramp(1);
    await using image = await session.registerImage('start', { data, width: WIDTH, height: HEIGHT, channels: 3 });
    expect(new Set(data).size).toBe(256);
    expect(frameOf(await videoOf({ image_start: image.path }), 0).equals(data)).toBe(true);
  });

  test('may have an alpha channel, which is left out, and stand in a list', async () => {
    const data = ramp(1, 4);
    const image = await session.registerImage('alpha', { data, width: WIDTH, height: HEIGHT, channels: 4 });
    const opaque = data.filter((_, at) => at % 4 !== 3);
    expect(frameOf(await videoOf({ image_start: [image.path] }), 0).equals(opaque)).toBe(true);
  });

  test('may be an encoded PNG or JPEG, and a JPEG is turned as its camera says', async () => {
    const code = `
import io, json, sys, base64
from PIL import Image
image = Image.frombytes('RGB', (${WIDTH}, ${HEIGHT}), bytes(at * 7 % 256 for at in range(${PIXELS * 3})))
png, jpeg = io.BytesIO(), io.BytesIO()
image.save(png, 'PNG')
exif = Image.Exif()
exif[0x0112] = 6
Image.linear_gradient('L').resize((${HEIGHT}, ${WIDTH})).save(jpeg, 'JPEG', quality=100, exif=exif)
print(json.dumps([base64.b64encode(each.getvalue()).decode() for each in (png, jpeg)]))`;
    const [png, jpeg] = (JSON.parse(runPython(code)) as string[]).map((each) => Buffer.from(each, 'base64'));
    const start = await session.registerImage('start', png!);
    const end = await session.registerImage('end', jpeg!);
    const video = await videoOf({ image_start: start.path, image_end: end.path });
    const pixels = Uint8Array.from({ length: PIXELS * 3 }, (_, at) => (at * 7) % 256);
    expect(frameOf(video, 0).equals(pixels)).toBe(true);
    // Dark above in the file, so dark at the right.
    const last = frameOf(video, 4);
    expect(last[0]).toBeGreaterThan(240);
    expect(last[(WIDTH - 1) * 3]).toBeLessThan(16);
  });

  test('may be the tensor of a generated picture, and arrives with its pixels', async () => {
    const settings = {
      model_type: 'qwen_image_20B',
      prompt: 'a bicycle',
      resolution: `${WIDTH}x${HEIGHT}`,
      image_mode: 1,
    };
    const picture = await videoOf({ ...settings, video_length: undefined });
    const image = await session.registerImage('picture', picture);
    expect(frameOf(await videoOf({ image_start: image.path }), 0).equals(frameOf(picture, 0))).toBe(true);
  });
});

describe('a video in memory', () => {
  test('arrives with all 256 values of its pixels: its last frame is where the next video starts', async () => {
    await using video = await session.registerVideo('source', rawVideo(3), { fps: 24 });
    const last = ramp(3).subarray(2 * PIXELS * 3);
    expect(frameOf(await videoOf({ video_source: video.path }), 0).equals(last)).toBe(true);
  });

  test('steers as a guide, and part of it can be named', async () => {
    const light = Buffer.concat([Buffer.alloc(3 * PIXELS * 3, 0), Buffer.alloc(3 * PIXELS * 3, 255)]);
    await using video = await session.registerVideo('guide', rawVideo(6, light), { fps: 24 });
    const free = await videoOf({});
    const dark = await videoOf({ video_guide: `${video.path},end_frame=2` });
    const bright = await videoOf({ video_guide: `${video.path},start_frame=3` });
    expect(dark.data.equals(free.data)).toBe(false);
    expect(bright.data.equals(dark.data)).toBe(false);
  });

  test('may be the tensor of a generated video, which needs no rate, and arrives with its pixels', async () => {
    const first = await videoOf({});
    await using video = await session.registerVideo('continued', first);
    const last = frameOf(first, 4);
    first.dispose();
    expect(frameOf(await videoOf({ video_source: video.path }), 0).equals(last)).toBe(true);
  });

  test('of many megabytes leaves the event loop free', async () => {
    const data = Buffer.alloc(48 * 1024 * 1024, 7);
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const video = await session.registerVideo('large', { data, width: 1024, height: 512, frames: 32 }, { fps: 24 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
    const result = await videoOf({ video_source: video.path });
    expect(frameOf(result, 0).every((value) => value === 7)).toBe(true);
    await video.dispose();
  });
});

test('two inputs of one name have two paths, and disposing of one leaves the other', async () => {
  const [dark, light] = await Promise.all(
    [10, 200].map((level) => session.registerVideo('same', rawVideo(1, Buffer.alloc(PIXELS * 3, level)), { fps: 1 })),
  );
  expect(dark!.path).not.toBe(light!.path);
  await dark!.dispose();
  await dark!.dispose();
  const failed = await session.runTask({ ...TINY_VIDEO, video_source: dark!.path });
  expect(failed).toMatchObject({ success: false, errors: [{ stage: 'validation' }] });
  expect(failed.errors[0]!.message).toContain(dark!.path);
  expect(frameOf(await videoOf({ video_source: light!.path }), 0)[0]).toBe(200);
  await light![Symbol.asyncDispose]();
});

// In a child of its own, a Worker's inputs are out of reach for the others.
test.skipIf(IN_CHILD)('a Worker that ends leaves no input behind', async () => {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const { init } = require(workerData);
     (async () => {
       const session = await init({ consoleOutput: false });
       const image = { data: Buffer.alloc(${PIXELS * 3}, 7), width: ${WIDTH}, height: ${HEIGHT}, channels: 3 };
       const { path } = await session.registerImage('start', image);
       parentPort.postMessage(path);
       setInterval(() => {}, 1000);
     })();`,
    { eval: true, execArgv: [], workerData: path.join(PACKAGE, 'dist/index.js') },
  );
  const [image_start] = (await once(worker, 'message')) as [string];
  expect(frameOf(await videoOf({ image_start }), 0)[0]).toBe(7);
  await worker.terminate();
  // The control lane hears of it.
  await expect
    .poll(async () => (await session.runTask({ ...TINY_VIDEO, image_start })).errors, { timeout: 10_000 })
    .toMatchObject([{ stage: 'validation' }]);
});

describe('an input that cannot be used', () => {
  const picture = { data: Buffer.alloc(12), width: 2, height: 2, channels: 3 as const };
  const argument = (message: RegExp): object => ({
    code: 'ERR_WANGP_ARGUMENT',
    message: expect.stringMatching(message) as string,
  });

  test.each([
    ['no bytes', Buffer.alloc(0), /no bytes/],
    ['what is no picture', Buffer.from('a text'), /6 bytes, is no PNG or JPEG/],
    ['a broken PNG', Buffer.from('89504e470d0a1a0a0000000d49484452000000', 'hex'), /is (no PNG or JPEG|broken)/],
    ['too few bytes', { ...picture, data: Buffer.alloc(11) }, /11 bytes, but 2x2 pixels with 3 channels are 12/],
    ['no width', { ...picture, width: 0 }, /image\.width must be a whole number, 1 or more, not 0/],
    ['part of a pixel', { ...picture, height: 1.5 }, /image\.height/],
    ['two channels', { ...picture, channels: 2 }, /image\.channels must be 3 or 4, not 2/],
    ['floats', { ...picture, data: new Float32Array(12) }, /image\.data must be a Uint8Array/],
    ['a path', 'start.png', /image must be the bytes/],
    ['null', null, /image must be the bytes/],
  ])('is refused by registerImage(), and the error says why: %s', async (_, image, message) => {
    await expect(session.registerImage('wrong', image as Buffer)).rejects.toMatchObject(argument(message));
  });

  test.each([
    ['too many bytes', { ...rawVideo(2), frames: 1 }, { fps: 24 }, /18432 bytes, but 64x48 pixels/],
    ['no frames', { ...rawVideo(0), frames: 0 }, { fps: 24 }, /video\.frames/],
    ['a misspelt name', { ...rawVideo(1), chanels: 3 }, { fps: 24 }, /video has no chanels: did you mean channels\?/],
    ['an alpha channel', { ...rawVideo(1), channels: 4 }, { fps: 24 }, /video\.channels must be 3, not 4/],
    ['bytes alone', ramp(1), { fps: 24 }, /^video must be a VideoTensor or \{ data/],
    ['no rate', rawVideo(1), {}, /fps must be a number/],
    ['a rate of 0', rawVideo(1), { fps: 0 }, /fps must be a number of frames per second, 1 or more, not 0/],
    ['a rate that is none', rawVideo(1), { fps: NaN }, /not NaN/],
  ])('is refused by registerVideo(), and the error says why: %s', async (_, video, options, message) => {
    await expect(session.registerVideo('wrong', video as RawVideo, options)).rejects.toMatchObject(argument(message));
  });

  test.each(['', ' ', 'a|b', '../a', 'a\\b', 'a\nb', 'a'.repeat(101), 7])('is refused for name %j', async (name) => {
    await expect(session.registerImage(name as string, picture)).rejects.toMatchObject(argument(/^name must be/));
  });

  test('is refused with ERR_WANGP_DISPOSED where it is a tensor that was disposed', async () => {
    const video = await videoOf({});
    video.dispose();
    const disposed = { code: 'ERR_WANGP_DISPOSED', message: expect.stringContaining('disposed') as string };
    await expect(session.registerVideo('gone', video)).rejects.toMatchObject(disposed);
  });

  test('is refused by registerImage() where it is a tensor of many frames', async () => {
    await expect(session.registerImage('many', await videoOf({}))).rejects.toMatchObject(argument(/1 frame, not 5/));
  });

  test('is refused by registerVideo() where it has sound, which WanGP would lose', async () => {
    const options = { fps: 24, audio: new Float32Array(8), samplingRate: 48_000 };
    await expect(session.registerVideo('loud', rawVideo(1), options)).rejects.toMatchObject({
      code: 'ERR_WANGP_UNSUPPORTED',
    });
  });
});

test('a WanGP without sources in memory rejects inputs from memory with ERR_WANGP_UNSUPPORTED', async () => {
  const { stdout, stderr } = await runScript(`(async () => {
    const session = await wangp.init({ root: SCRIPTED_ROOT });
    const image = { data: Buffer.alloc(12), width: 2, height: 2, channels: 3 };
    await session.registerImage('start', image).catch(({ code, message }) => console.log(code, message));
  })();`);
  expect(stdout, stderr).toMatch(/^ERR_WANGP_UNSUPPORTED WanGP scripted 1 has no sources in memory/);
});
