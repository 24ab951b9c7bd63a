// What each phase of the soak does with one job. Each is made once a process and then called with the job's number;
// it resolves once the job has ended, with how many events arrived where that is what the phase counts.
import assert from 'node:assert/strict';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { choices, mulberry32 } from './seeded.mjs';

const SHAPE = [3, 16, 512, 416]; // 10,223,616 bytes
const SIZE = SHAPE.reduce((product, extent) => product * extent, 1);

/** Every byte is written: memory that nobody touched would not count as resident. */
const MEDIA = `import numpy
add_artifact(video_tensor_uint8=numpy.full((${SHAPE.join()}), 7, dtype=numpy.uint8), fps=8.0)`;

export const EVENTS_PER_JOB = 10_000;

const EVENTS = `from PIL import Image
image = Image.new("RGB", (32, 32), (1, 2, 3))
for number in range(${EVENTS_PER_JOB / 4}):
    put("stream", StreamMessage("stdout", f"line {number} größe"))
    put("progress", ProgressUpdate("inference", "denoising", number % 100, number, ${EVENTS_PER_JOB / 4}))
    put("status", f"step {number}")
    put("preview", PreviewUpdate(image, "inference", "denoising", number % 100))`;

/** A task that WanGP's validation turns down is an error of the result that no exception led to. */
const INVALID = `errors = sys._getframe(1).f_locals["errors"]
errors.append(GenerationError("no such model", 1, None, "validation"))
put("error", errors[-1])`;

const UNTIL_CANCELLED = `${MEDIA}
put("status", "waiting")
for number in range(20): put("stream", StreamMessage("stdout", f"line {number}"))
job.wait_for_cancel(60)`;

function checkedVideo(result) {
  assert.equal(result.success, true);
  const { video } = result.artifacts[0];
  assert.equal(video.zeroCopy, true);
  assert.equal(video.data.length, SIZE);
  assert.equal(video.data[0] + video.data[SIZE - 1], 14);
  return video;
}

/** The media of each job is given back as soon as it was looked at. */
function disposed(session) {
  return async () => checkedVideo(await session.runTask({ script: MEDIA })).dispose();
}

/** Nobody disposes: V8's own collections, when it thinks fit, are all that gives the media back. */
function dropped(session) {
  return async () => {
    checkedVideo(await session.runTask({ script: MEDIA }));
    await turn();
  };
}

/** Events of the kinds that may be given up, and of one that may not. */
function events(session) {
  return async () => {
    const job = await session.submitTask({ script: EVENTS });
    const arrived = {};
    for await (const { kind } of job.events) arrived[kind] = (arrived[kind] ?? 0) + 1;
    const expected = EVENTS_PER_JOB / 4;
    assert.deepEqual([arrived.started, arrived.status, arrived.completed], [1, expected, 1]);
    for (const kind of ['stream', 'progress', 'preview']) {
      assert.equal(arrived[kind] + (job.events.dropped[kind] ?? 0), expected, kind);
    }
    return arrived.stream + arrived.progress + arrived.status + arrived.preview;
  };
}

/** All the ways in which a job fails or is never accepted. */
function failing(session) {
  const refused = (settings, expected) => assert.rejects(session.submitTask(settings), expected);
  const ways = [
    async () => {
      const result = await session.runTask({ script: `${MEDIA}\nraise ValueError("x" * 10_000)` });
      assert.equal(result.errors[0].stage, 'generation');
      result.artifacts[0].video.dispose();
    },
    async () => {
      const script = 'def deep(level):\n  return 1 / 0 if level == 0 else deep(level - 1)\ndeep(200)';
      assert.equal((await session.runTask({ script })).errors[0].message, 'division by zero');
    },
    async () => assert.equal((await session.runTask({ script: INVALID })).errors[0].stage, 'validation'),
    async () => assert.equal((await session.runManifest([{ script: 'no python' }, {}])).failedTasks, 1),
    () => refused({ refuse: 'not today' }, { code: 'ERR_WANGP_PYTHON', pythonType: 'ValueError' }),
    () => refused({ image: new Uint8Array(100_000), deep: [{ seed: NaN }] }, { code: 'ERR_WANGP_VALUE' }),
    async () => {
      const job = await session.submitTask({ script: 'job.wait_for_cancel(60)' });
      await refused({ script: 'pass' }, { code: 'ERR_WANGP_BUSY' });
      job.cancel();
      assert.equal((await job.result()).cancelled, true);
    },
  ];
  return (number) => ways[number % ways.length]();
}

/** Cancelled at a random moment: before the submit was sent, while it is under way, before the first event, later. */
function cancelled(session) {
  const { below, next } = choices(mulberry32(1));
  const aMoment = async () => {
    const kind = below(4);
    if (kind === 1) for (let ticks = below(5); ticks > 0; ticks -= 1) await undefined;
    if (kind === 2) for (let turns = 1 + below(3); turns > 0; turns -= 1) await turn();
    if (kind === 3) await sleep(next() * 6);
  };
  const settled = async (submitting) => {
    try {
      const result = await (await submitting).result();
      assert.equal(result.cancelled, true);
      assert.equal(result.artifacts[0].video.data[0], 7);
    } catch (error) {
      assert.equal(error.name, 'AbortError');
    }
  };
  const ways = [
    async () => {
      const submitting = session.submitTask({ script: UNTIL_CANCELLED });
      const end = settled(submitting);
      await aMoment();
      session.cancel();
      await end;
    },
    async () => {
      const controller = new globalThis.AbortController();
      const end = settled(session.submitTask({ script: UNTIL_CANCELLED }, { signal: controller.signal }));
      await aMoment();
      controller.abort();
      await end;
    },
    async () => {
      const job = await session.submitTask({ script: UNTIL_CANCELLED });
      await aMoment();
      job.cancel();
      const result = await job.result();
      assert.equal(result.cancelled, true);
      if (below(2) === 0) result.artifacts[0].video.dispose();
    },
    () => settled(session.submitTask({ script: UNTIL_CANCELLED }, { signal: globalThis.AbortSignal.abort() })),
  ];
  return () => ways[below(ways.length)]();
}

export const PHASES = { disposed, dropped, events, failing, cancelled };
