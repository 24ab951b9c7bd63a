// What every interpreter shows: `npm test` runs all tests on one, and on each other this file alone.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { init, type SessionEvent, type SessionJob, type WanGPSession } from 'wangp-node';
import { IN_CHILD, runScript, TINY_VIDEO } from '../tools.js';

const WITH_MEDIA = { _api: { return_media: true } };

const outputDir = mkdtempSync(path.join(tmpdir(), 'wangp-smoke-'));
let session: WanGPSession;

beforeAll(async () => {
  session = await init({ outputDir, consoleOutput: false });
});

afterAll(() => rmSync(outputDir, { recursive: true, force: true }));

async function eventsOf(job: SessionJob): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for await (const event of job.events) events.push(event);
  return events;
}

test('init() without a root runs the embedded sample root in the interpreter under test', () => {
  expect(session.info.isSample).toBe(true);
  expect(session.info.python).toBe(process.env['WANGP_PYTHON']);
});

test('a generation tells its steps with a preview of each, and ends with one completed event that holds its result', async () => {
  const job = await session.submitTask({ ...TINY_VIDEO, num_inference_steps: 3 });
  const events = await eventsOf(job);
  expect(events[0]!.kind).toBe('started');
  const steps = events.flatMap((event) =>
    event.kind === 'progress' && event.data.phase === 'inference' ? [event.data.currentStep] : [],
  );
  expect(steps).toEqual([1, 2, 3]);
  const previews = events.flatMap((event) => (event.kind === 'preview' ? [event.data.image!] : []));
  expect(previews).toHaveLength(3);
  for (const { data, width, height } of previews) expect(data).toHaveLength(width * height * 3);
  const completed = events.filter(({ kind }) => kind === 'completed');
  expect(completed).toEqual([events.at(-1)]);
  expect(completed[0]!.data).toBe(await job.result());
  expect(await job.result()).toMatchObject({ success: true, errors: [], successfulTasks: 1, failedTasks: 0 });
});

test('returned media say that they arrived without a copy, and dispose() empties every view of them', async () => {
  const result = await session.runTask({ ...TINY_VIDEO, ...WITH_MEDIA });
  expect(result.errors).toEqual([]);
  const [{ path: file, video, audio }] = result.artifacts as [(typeof result.artifacts)[number]];
  expect(existsSync(file!)).toBe(true);
  expect(video).toMatchObject({ shape: [3, 5, 48, 64], dtype: 'uint8', zeroCopy: !IN_CHILD });
  expect(audio).toMatchObject({ dtype: 'float32', samplingRate: 48_000, zeroCopy: !IN_CHILD });
  const views = [video!.data.subarray(10), audio!.data.subarray(10)];
  expect(views.map(({ length }) => length)).toEqual([3 * 5 * 48 * 64 - 10, audio!.shape[0]! * audio!.shape[1]! - 10]);
  video!.dispose();
  audio!.dispose();
  expect([video!.disposed, audio!.disposed]).toEqual([true, true]);
  expect(views.map(({ length }) => length)).toEqual([0, 0]);
});

test('cancel() ends a job that would go on for ever, and the session takes the next one', async () => {
  const job = await session.submitTask({ ...TINY_VIDEO, sample_fault: { hang_until_cancelled: true } });
  for await (const event of job.events)
    if (event.kind === 'progress' && event.data.phase === 'encoding_text') job.cancel();
  expect(await job.result()).toMatchObject({ success: false, cancelled: true, generatedFiles: [] });
  expect(await session.runTask(TINY_VIDEO)).toMatchObject({ success: true });
});

test('a task whose model raises is a result with the error, and the session takes the next one', async () => {
  const result = await session.runTask({ ...TINY_VIDEO, sample_fault: { raise_at_step: 1 } });
  expect(result).toMatchObject({ success: false, cancelled: false, failedTasks: 1, errors: [{ stage: 'generation' }] });
  expect(await session.runTask(TINY_VIDEO)).toMatchObject({ success: true });
});

test('what WanGP refuses, or lacks, is a rejection with a code', async () => {
  await expect(session.submit(path.join(outputDir, 'missing.json'))).rejects.toMatchObject({
    name: 'WanGPError',
    code: 'ERR_WANGP_FILE',
  });
  await expect(session.call('no_such_method', [])).rejects.toMatchObject({ code: 'ERR_WANGP_UNSUPPORTED' });
});

describe('a process of its own', async () => {
  const { code, signal, stdout, stderr } = await runScript(`(async () => {
    const session = await wangp.init({ root: SCRIPTED_ROOT, consoleOutput: false });
    const value = { text: 'zwölf 🚲', whole: 12, real: 0.5, big: 2n ** 70n, flag: true, nothing: null, list: [1, 'a', []] };
    const { artifacts, errors } = await session.runTask({ value, script: \`
import numpy
kept["value"] = settings["value"]
kept["media"] = numpy.arange(24, dtype=numpy.uint8).reshape(3, 2, 2, 2)
add_artifact(video_tensor_uint8=kept["media"], fps=8.0)\` });
    const back = await session.call('evaluate', ['kept["value"]']);
    const types = await session.call('evaluate', ['[type(item).__name__ for item in kept["value"].values()]']);
    const sent = require('node:util').isDeepStrictEqual(back, value) ? 'the same' : String(back);
    const [{ video }] = artifacts;
    const address = BigInt(await session.call('evaluate', ['kept["media"].ctypes.data']));
    const inPlace = probe.addressOf(video.data.buffer) === address;
    const raised = await session.call('evaluate', ['1 / 0']).catch((error) => error);
    const { code, pythonType, pythonTraceback } = raised;
    console.log(JSON.stringify({ sent, types, errors, inPlace, last: video.data.at(-1), code, pythonType, pythonTraceback }));
  })();`);

  test('ends by itself with code 0 and nothing on stderr, though Python still holds memory of it', () => {
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  });

  const answers = (): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

  test('hands values to Python as its own types, and has the same values back', () => {
    const types = ['str', 'int', 'float', 'int', 'bool', 'NoneType', 'list'];
    expect(answers()).toMatchObject({ sent: 'the same', types });
  });

  test.skipIf(IN_CHILD)('sees NumPy memory at the address at which Python has it', () => {
    expect(answers()).toMatchObject({ errors: [], inPlace: true, last: 23 });
  });

  test('has an exception of Python as an error with its type and traceback', () => {
    expect(answers()).toMatchObject({ code: 'ERR_WANGP_PYTHON', pythonType: 'ZeroDivisionError' });
    expect(answers()['pythonTraceback']).toContain('ZeroDivisionError: division by zero');
  });
});
