import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  buildVirtualMediaPath,
  type GeneratedArtifact,
  type GenerationResult,
  init,
  type SessionEvent,
  type Settings,
  type WanGPSession,
} from 'wangp-node';
import { inspectMedia, runPython } from '../fixtures/inspect-media.js';
import { FIXTURES, IN_CHILD, TINY_VIDEO } from '../tools.js';

const GUIDE = path.join(FIXTURES, 'media', 'guide.mp4');
const WITH_MEDIA = { _api: { return_media: true } };

const outputDir = mkdtempSync(path.join(tmpdir(), 'wangp-sample-'));
let session: WanGPSession;

beforeAll(async () => {
  session = await init({ outputDir, consoleOutput: false });
});

afterAll(() => rmSync(outputDir, { recursive: true, force: true }));

async function succeed(settings: Settings): Promise<GenerationResult> {
  const result = await session.runTask(settings);
  expect(result.errors).toEqual([]);
  expect(result).toMatchObject({ success: true, cancelled: false, failedTasks: 0 });
  return result;
}

async function artifactOf(settings: Settings): Promise<GeneratedArtifact> {
  const { artifacts } = await succeed({ ...settings, ...WITH_MEDIA });
  expect(artifacts).toHaveLength(1);
  return artifacts[0]!;
}

/** The pixels of one frame, [row, column, channel], from a tensor [channel, frame, row, column]. */
function frameOf({ video }: GeneratedArtifact, frame: number): Buffer {
  const [channels, frames, height, width] = video!.shape as [number, number, number, number];
  const pixels = Buffer.alloc(channels * height * width);
  for (let channel = 0; channel < channels; channel += 1) {
    const from = (channel * frames + frame) * height * width;
    for (let at = 0; at < height * width; at += 1) pixels[at * channels + channel] = video!.data[from + at]!;
  }
  return pixels;
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0) / a.length;
}

describe('a video', () => {
  const settings = { ...TINY_VIDEO, resolution: '96x64', video_length: 13, force_fps: '12', client_id: 'mine' };

  test('lies on disk, as it was asked for, when the job has completed', async () => {
    const result = await succeed({ ...settings, ...WITH_MEDIA });
    const [artifact] = result.artifacts;
    expect(result.generatedFiles).toEqual([artifact!.path]);
    expect(path.isAbsolute(artifact!.path!) && artifact!.path!.startsWith(outputDir)).toBe(true);
    expect(artifact).toMatchObject({ mediaType: 'video', clientId: 'mine', fps: 12, hdr: false, videoHdr: null });
    expect(artifact!.video).toMatchObject({ shape: [3, 13, 64, 96], dtype: 'uint8', zeroCopy: !IN_CHILD, fps: 12 });
    expect(artifact!.audio).toMatchObject({
      shape: [52_000, 2],
      dtype: 'float32',
      samplingRate: 48_000,
      zeroCopy: !IN_CHILD,
    });
    const file = inspectMedia(artifact!.path!);
    expect(file.video).toEqual({ codec: 'h264', frames: 13, width: 96, height: 64, fps: 12 });
    expect(file.audio).toMatchObject({ codec: 'aac', rate: 48_000, channels: 2 });
    // AAC comes in frames of 1024 samples, and begins with one to warm up.
    expect(Math.abs(file.audio!.samples - 52_000)).toBeLessThanOrEqual(3 * 1024);
    expect(file.audio!.loudest).toBeGreaterThan(0.01);
    // H.264 loses some.
    expect(meanDifference(file.firstFrame!, frameOf(artifact!, 0))).toBeLessThan(16);
    artifact!.video!.dispose();
    artifact!.audio!.dispose();
  });

  test('has as many frames as duration_seconds asks for, and no sound from a silent model', async () => {
    const artifact = await artifactOf({
      ...TINY_VIDEO,
      video_length: undefined,
      duration_seconds: 0.5,
      model_type: 't2v_1.3B',
    });
    expect(artifact).toMatchObject({ fps: 16, audio: null, video: { shape: [3, 8, 48, 64] } });
    expect(inspectMedia(artifact.path!)).toMatchObject({ video: { frames: 8, fps: 16 }, audio: null });
  });

  test('is the same for the same prompt and seed, and another for another prompt or seed', async () => {
    const pixels = async (changes: Settings): Promise<Buffer> =>
      (await artifactOf({ ...TINY_VIDEO, ...changes })).video!.data;
    const first = await pixels({});
    expect((await pixels({})).equals(first)).toBe(true);
    expect((await pixels({ seed: 2 })).equals(first)).toBe(false);
    expect((await pixels({ prompt: 'a blue bicycle' })).equals(first)).toBe(false);
  });

  test('begins with its start image', async () => {
    const image = path.join(outputDir, 'start.png');
    runPython(
      `import sys; from PIL import Image
red, green = Image.linear_gradient("L").resize((64, 48)), Image.radial_gradient("L").resize((64, 48))
Image.merge("RGB", (red, green, Image.new("L", (64, 48), 200))).save(sys.argv[1])`,
      image,
    );
    const raw = runPython('import sys; from PIL import Image; print(Image.open(sys.argv[1]).tobytes().hex())', image);
    const pixels = Buffer.from(raw.trim(), 'hex');
    const artifact = await artifactOf({ ...TINY_VIDEO, image_start: image });
    expect(frameOf(artifact, 0).equals(pixels)).toBe(true);
    expect(meanDifference(frameOf(artifact, 4), pixels)).toBeGreaterThan(0);
    expect(meanDifference(inspectMedia(artifact.path!).firstFrame!, pixels)).toBeLessThan(16);
  });

  test('follows the part of the guide that was named', async () => {
    const guided = async (video_guide: string | undefined): Promise<Buffer> =>
      (await artifactOf({ ...TINY_VIDEO, video_guide })).video!.data;
    const early = await guided(buildVirtualMediaPath(GUIDE, { startFrame: 0, endFrame: 4 }));
    expect((await guided(`${GUIDE}|start_frame=0,end_frame=4`)).equals(early)).toBe(true);
    expect(meanDifference(await guided(`${GUIDE}|start_frame=30,end_frame=34`), early)).toBeGreaterThan(1);
    expect(meanDifference(await guided(undefined), early)).toBeGreaterThan(1);
  });
});

test('repetitions are files of their own; returned media are of the last one, as upstream', async () => {
  const result = await succeed({ ...TINY_VIDEO, repeat_generation: 3, client_id: 'mine', ...WITH_MEDIA });
  expect(new Set(result.generatedFiles).size).toBe(3);
  expect(result.artifacts).toMatchObject([{ clientId: 'mine', path: result.generatedFiles[2] }]);
});

test('a length in seconds is counted in frames; seconds that are none are refused', async () => {
  const artifact = await artifactOf({ ...TINY_VIDEO, video_length: '0.5s', force_fps: '12' });
  expect(artifact).toMatchObject({ fps: 12, video: { shape: [3, 6, 48, 64] } });
  const attempt = session.submitTask({ ...TINY_VIDEO, video_length: 'four s' });
  await expect(attempt).rejects.toMatchObject({ code: 'ERR_WANGP_PYTHON', pythonType: 'ValueError' });
});

test('the pictures of a batch are PNG files with the pixels of their artifact', async () => {
  const settings = {
    model_type: 'qwen_image_20B',
    resolution: '50x40',
    num_inference_steps: 2,
    seed: 3,
    batch_size: 2,
  };
  const result = await succeed({ ...settings, ...WITH_MEDIA });
  expect(new Set(result.generatedFiles).size).toBe(2);
  // One artifact for each client id, as upstream: the pictures of a batch are its frames.
  expect(result.artifacts).toHaveLength(1);
  const artifact = result.artifacts[0]!;
  expect(artifact).toMatchObject({ path: result.generatedFiles[0], mediaType: 'image', fps: null, audio: null });
  expect(artifact.video).toMatchObject({ shape: [3, 2, 40, 50], zeroCopy: !IN_CHILD, fps: null });
  for (const [frame, path] of result.generatedFiles.entries()) {
    const file = inspectMedia(path);
    expect(file.video).toMatchObject({ codec: 'png', frames: 1, width: 50, height: 40 });
    expect(file.firstFrame!.equals(frameOf(artifact, frame))).toBe(true);
  }
});

test('a sound is a WAV file with the samples of its artifact', async () => {
  const settings = { model_type: 'ace_step_v1_5', duration_seconds: 0.5, num_inference_steps: 2, seed: 4 };
  const artifact = await artifactOf(settings);
  expect(artifact).toMatchObject({ mediaType: 'audio', video: null, fps: null });
  expect(artifact.audio).toMatchObject({ shape: [24_000, 2], samplingRate: 48_000, zeroCopy: !IN_CHILD });
  const { audio, video } = inspectMedia(artifact.path!);
  expect(video).toBeNull();
  expect(audio).toMatchObject({ codec: 'pcm_s16le', samples: 24_000, rate: 48_000, channels: 2 });
  const loudest = artifact.audio!.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(audio!.loudest).toBeCloseTo(loudest, 3);
});

test('without return_media there are files and no artifacts', async () => {
  const result = await succeed({ ...TINY_VIDEO, repeat_generation: 2 });
  expect(result.artifacts).toEqual([]);
  expect(result.generatedFiles).toHaveLength(2);
  for (const file of result.generatedFiles) expect(readFileSync(file).length).toBeGreaterThan(100);
});

test('artifacts come in the order of the tasks that asked for media', async () => {
  const image = { model_type: 'qwen_image_20B', resolution: '16x16', num_inference_steps: 1, ...WITH_MEDIA };
  const result = await session.runManifest([
    { ...image, client_id: 'first' },
    { ...image, client_id: 'second', _api: undefined },
    { ...image, client_id: 'third', model_type: 'nothing_like_it' },
    { ...image, client_id: 'fourth' },
  ]);
  expect(result).toMatchObject({ success: false, cancelled: false, successfulTasks: 3, failedTasks: 1 });
  expect(result.errors).toMatchObject([{ taskIndex: 3, stage: 'validation' }]);
  expect(result.artifacts.map(({ clientId }) => clientId)).toEqual(['first', 'fourth']);
  expect(result.generatedFiles).toHaveLength(3);
});

test('the model stays loaded from job to job, until the session is closed', async () => {
  await session.close();
  const loads = async (): Promise<boolean> => {
    const job = await session.submitTask(TINY_VIDEO);
    const events: SessionEvent[] = [];
    for await (const event of job.events) events.push(event);
    return events.some((event) => event.kind === 'refresh_models');
  };
  expect([await loads(), await loads(), await loads()]).toEqual([true, false, false]);
  await session.close();
  expect([await loads(), await loads()]).toEqual([true, false]);
});

test('close() waits for the running job', async () => {
  const job = await session.submitTask({ ...TINY_VIDEO, sample_fault: { step_seconds: 0.1 } });
  await session.close();
  const files = readdirSync(outputDir).map((name) => path.join(outputDir, name));
  const result = await job.result();
  expect(result).toMatchObject({ success: true });
  expect(files).toEqual(expect.arrayContaining([...result.generatedFiles]));
  expect(result.generatedFiles).toHaveLength(1);
});

test('a run tells its phases, its steps and a preview of each', async () => {
  await session.close();
  const job = await session.submitTask({ ...TINY_VIDEO, num_inference_steps: 3 });
  const events: SessionEvent[] = [];
  for await (const event of job.events) events.push(event);
  const phases = events.flatMap((event) => (event.kind === 'progress' ? [event.data.phase] : []));
  expect(phases).toEqual([
    ...['loading_model', 'loading_model', 'encoding_text', 'inference', 'inference', 'inference'],
    ...['decoding', 'downloading_output'],
  ]);
  const steps = events.flatMap((event) =>
    event.kind === 'progress' && event.data.phase === 'inference'
      ? [[event.data.currentStep, event.data.totalSteps]]
      : [],
  );
  expect(steps).toEqual([1, 2, 3].map((step) => [step, 3]));
  const previews = events.flatMap((event) => (event.kind === 'preview' ? [event.data.image!] : []));
  expect(previews).toHaveLength(3);
  for (const image of previews) {
    expect(image.data).toHaveLength(image.width * image.height * 3);
    expect(new Set(image.data).size).toBeGreaterThan(1);
  }
  const kinds = new Set(events.map((event) => event.kind));
  const expected = [
    'started',
    'status',
    'progress',
    'stream',
    'refresh_models',
    'info',
    'preview',
    'output',
    'completed',
  ];
  expect([...kinds].sort()).toEqual(expected.sort());
});
