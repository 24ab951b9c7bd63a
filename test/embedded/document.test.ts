// Against a `shared.api` that was written from WanGP's document alone, without any name that only upstream has.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { init, type SessionEvent, type SessionJob, type WanGPSession } from 'wangp-node';
import { EVERY_KIND, EVERY_KIND_HEARD } from '../fixtures/every-kind.js';
import { FIXTURES } from '../tools.js';

const ROOT = path.join(FIXTURES, 'roots', 'document');

let session: WanGPSession;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wangp-document-'));
  session = await init({ root: ROOT });
});

afterAll(async () => {
  await session.close();
  await rm(folder, { recursive: true, force: true });
});

async function eventsOf(job: SessionJob): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for await (const event of job.events) events.push(event);
  expect(events.at(-1)!.data).toBe(await job.result());
  return events;
}

describe('a job whose events offer iter(timeout) alone', () => {
  test('is heard to say everything, in order', async () => {
    const events = await eventsOf(await session.submitTask({ script: EVERY_KIND }));
    expect(events.map(({ kind, data }) => [kind, data])).toEqual(EVERY_KIND_HEARD);
  });

  test('loses nothing of what it says last', async () => {
    for (let round = 0; round < 20; round += 1) {
      const script = 'for number in range(50): put("info", str(number))';
      const events = await eventsOf(await session.submitTask({ script }));
      expect(events.flatMap(({ kind, data }) => (kind === 'info' ? [data] : []))).toEqual(
        Array.from({ length: 50 }, (_, number) => String(number)),
      );
    }
  });

  test('counts the tasks of a job that starts without saying how many', async () => {
    const [started] = await eventsOf(await session.submitManifest([{}, {}, {}]));
    expect(started).toMatchObject({ kind: 'started', data: { tasks: 3 } });
  });
});

describe('values of other types than upstream’s have the types that are promised', () => {
  test('numbers that are text or truth values, a task’s id that is a UUID', async () => {
    const script = `import uuid
put("progress", ProgressUpdate("inference", "a", "55", "4", "8"))
put("progress", ProgressUpdate("inference", "b", True, True, "many"))
put("error", GenerationError("it went wrong", "2", uuid.UUID(int=7), "validation"))
put("output", {"id": uuid.UUID(int=7)})`;
    const events = await eventsOf(await session.submitTask({ script }));
    expect(events.slice(1, -1).map(({ data }) => data)).toEqual([
      expect.objectContaining({ progress: 55, currentStep: 4, totalSteps: 8 }),
      expect.objectContaining({ progress: 0, currentStep: null, totalSteps: null }),
      expect.objectContaining({ taskIndex: 2, taskId: '00000000-0000-0000-0000-000000000007' }),
      { id: '00000000-0000-0000-0000-000000000007' },
    ]);
  });

  test('an HDR video is a Float32Array, a video that holds bytes a Buffer, whatever they were', async () => {
    const script = `import numpy
add_artifact(path="a.mp4", fps="24", video_tensor_hdr=numpy.arange(24, dtype="float64").reshape(3, 2, 2, 2))
add_artifact(video_tensor_uint8=numpy.arange(24, dtype="int64").reshape(3, 2, 2, 2))
add_artifact(audio_tensor=[0.5, -0.5], audio_sampling_rate="8000")`;
    const { artifacts } = await session.runTask({ script, _api: { return_media: true } });
    const [hdr, video, sound] = artifacts;
    expect(sound!.audio).toMatchObject({ data: Float32Array.of(0.5, -0.5), samplingRate: 8000, zeroCopy: false });
    expect(hdr!.videoHdr!.data).toEqual(Float32Array.from({ length: 24 }, (_, at) => at));
    expect(hdr).toMatchObject({ path: 'a.mp4', fps: 24, clientId: '', hdr: false, videoHdr: { shape: [3, 2, 2, 2] } });
    expect(video!.video!.data).toEqual(Buffer.from(Array.from({ length: 24 }, (_, at) => at)));
  });
});

describe('a session without any private name', () => {
  test('is busy while a job runs, and says so by the code', async () => {
    const job = await session.submitTask({ script: 'put("info", "runs"); cancelled.wait(20)' });
    await expect(session.submitTask({})).rejects.toMatchObject({
      code: 'ERR_WANGP_BUSY',
      pythonType: 'RuntimeError',
      pythonTraceback: expect.stringContaining('RuntimeError: one job after another, please'),
      cause: expect.objectContaining({ name: 'RuntimeError', message: 'one job after another, please' }),
    });
    job.cancel();
    expect(await job.result()).toMatchObject({ success: false, cancelled: true, failedTasks: 1 });
  });

  test('takes the next job as soon as the last has its result, though it is not free yet', async () => {
    for (let round = 0; round < 20; round += 1) {
      expect(await session.runTask({ script: 'put("status", "quick")' })).toMatchObject({ success: true });
    }
  });

  test('tells of a failure, and goes on with the manifest', async () => {
    const result = await session.runManifest([{ script: '1 / 0' }, {}]);
    expect(result).toMatchObject({ success: false, totalTasks: 2, successfulTasks: 1, failedTasks: 1 });
    expect(result.errors).toMatchObject([{ message: 'division by zero', stage: 'generation', cancelled: false }]);
  });

  test('takes a .json file; attachments are relative to where the caller is', async () => {
    const file = path.join(folder, 'saved.json');
    await writeFile(file, JSON.stringify([{ video_guide: 'a.mp4', script: 'put("info", settings["video_guide"])' }]));
    const [, info] = await eventsOf(await session.submit(file));
    expect(info!.data).toBe(path.resolve('a.mp4'));
    await expect(session.submit(path.join(folder, 'missing.json'))).rejects.toMatchObject({ code: 'ERR_WANGP_FILE' });
  });

  test('says which methods it lacks; close() waits for the job that runs', async () => {
    await expect(session.listModelDefs()).rejects.toMatchObject({
      code: 'ERR_WANGP_UNSUPPORTED',
      message: 'WanGP (of unknown version) has no method listModelDefs(): update the checkout',
    });
    const job = await session.submitTask({ script: 'cancelled.wait(20)' });
    const order: string[] = [];
    const result = job.result().then(() => order.push('result'));
    const closing = session.close().then(() => order.push('closed'));
    // Some turns of both sides: an end that is not waited for would have come by now.
    for (let turn = 0; turn < 50; turn += 1) await session.listModelDefs().catch(() => undefined);
    expect(order).toEqual([]);
    job.cancel();
    await Promise.all([result, closing]);
    expect(order).toHaveLength(2);
    expect(await session.runTask({})).toMatchObject({ success: true });
  });
});
