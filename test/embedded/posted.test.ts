import { once } from 'node:events';
import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import { MessageChannel, Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, test } from 'vitest';
import { type GenerationResult, type SessionJob, Tensor, type VideoTensor, type WanGPSession } from 'wangp-node';
import { IN_CHILD, initScripted } from '../tools.js';

let session: WanGPSession;
let job: SessionJob;
let result: GenerationResult;
let video: VideoTensor;

beforeAll(async () => {
  session = await initScripted();
  job = await session.submitTask({
    script: `
import numpy
add_artifact(path="/a.mp4", media_type="video", video_tensor_uint8=numpy.ones((3, 1, 2, 2), "uint8"),
             audio_tensor=numpy.ones((4, 2), "float32"), audio_sampling_rate=48000)`,
  });
  result = await job.result();
  video = result.artifacts[0]!.video!;
});

// Three of the ways on which a Worker gets a value, and the one of child processes.
const WAYS: [string, (value: unknown) => void][] = [
  ['structuredClone', (value) => void structuredClone(value)],
  [
    'postMessage',
    (value) => {
      const { port1, port2 } = new MessageChannel();
      try {
        port1.postMessage(value);
      } finally {
        port1.close();
        port2.close();
      }
    },
  ],
  ['workerData', (value) => expect(new Worker('', { eval: true, workerData: value })).toBeUndefined()],
];

const THINGS: [string, () => unknown, RegExp][] = [
  ['a session', () => session, /^Symbol\(a session .*call init\(\) in the Worker too.*\) could not be cloned\.$/],
  ['a job', () => job, /^Symbol\(a job .*post what its events and its result say.*\) could not be cloned\.$/],
  [
    'the events of a job',
    () => job.events,
    /^Symbol\(the events of a job .*post each event.*\) could not be cloned\.$/,
  ],
  ['a tensor of a video', () => video, /^Symbol\(a tensor .*post tensor\.share\(\) instead.*\) could not be cloned\.$/],
  ['a tensor of sound', () => result.artifacts[0]!.audio, /^Symbol\(a tensor .*post tensor\.share\(\)/],
  ['a result with tensors', () => result, /^Symbol\(a tensor .*post tensor\.share\(\)/],
];

describe.each(WAYS)('by %s', (_, send) => {
  test.each(THINGS)('%s is refused, with what to send instead', (_, thing, message) => {
    let error: unknown;
    try {
      send(thing());
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ name: 'DataCloneError', message: expect.stringMatching(message) });
  });
});

test('the serializer of child processes refuses them too', () => {
  expect(() => serialize(video)).toThrow(/post tensor\.share\(\) instead/);
});

test('what a result says without its tensors arrives', async () => {
  const worker = new Worker(
    'const { parentPort } = require("node:worker_threads"); parentPort.once("message", (each) => parentPort.postMessage(each))',
    { eval: true },
  );
  const { artifacts, ...rest } = result;
  const said = { ...rest, artifacts: artifacts.map((artifact) => ({ ...artifact, video: null, audio: null })) };
  worker.postMessage(said);
  expect((await once(worker, 'message'))[0]).toEqual(said);
  await worker.terminate();
});

test('nothing else sees a difference: JSON, console.log, a copy of the fields, a comparison', () => {
  const memory = IN_CHILD ? 'own' : 'python';
  const fields = { shape: [3, 1, 2, 2], dtype: 'uint8', zeroCopy: !IN_CHILD, memory, fps: null };
  expect(JSON.parse(JSON.stringify(video))).toEqual(fields);
  expect(Object.fromEntries(Object.entries(video))).toMatchObject(fields);
  expect(inspect(result)).not.toMatch(/uncloneable|Symbol\(/);
  expect(inspect(session) + inspect(job)).not.toMatch(/uncloneable|Symbol\(/);
  expect(JSON.stringify(session)).toBe(JSON.stringify({ info: session.info }));
  expect(JSON.stringify(job)).toBe(JSON.stringify({ done: true, cancelRequested: false }));
  expect(video).toEqual(video);
  expect(result).toEqual({ ...result, artifacts: [{ ...result.artifacts[0] }] });
  expect(video).toBeInstanceOf(Tensor);
});

test('a tensor in place of the path of a setting is refused, with how to get its path', async () => {
  const answer = { code: 'ERR_WANGP_ARGUMENT' };
  await expect(session.submitTask({ image_start: video } as object)).rejects.toMatchObject({
    ...answer,
    message:
      'settings.image_start is a VideoTensor, and must be a path: the one of session.registerVideo() or ' +
      'session.registerImage()',
  });
  await expect(session.submitManifest([{ audio_guide: result.artifacts[0]!.audio }] as object[])).rejects.toMatchObject(
    {
      ...answer,
      message: 'list[0].audio_guide is an AudioTensor, and must be a path: the one of a file',
    },
  );
});
