import { beforeEach, describe, expect, test } from 'vitest';
import type { SessionEvent, SessionJob, WanGPSession } from 'wangp-node';
import { EVERY_KIND, EVERY_KIND_HEARD } from '../fixtures/every-kind.js';
import { initScripted, runScript } from '../tools.js';

let session: WanGPSession;

beforeEach(async () => {
  session = await initScripted();
});

/** Starts a job that tells what `script` puts. */
function start(script: string): Promise<SessionJob> {
  return session.submitTask({ script });
}

async function readAll(job: SessionJob): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for await (const event of job.events) events.push(event);
  return events;
}

function kinds(events: readonly SessionEvent[]): string[] {
  return events.map((event) => event.kind);
}

function dataOf(events: readonly SessionEvent[], kind: string): unknown[] {
  return events.filter((event) => event.kind === kind).map((event) => event.data);
}

/** Python that waits until `goOn()`. */
const WAIT = 'gate = kept["gate"] = threading.Event(); gate.wait(20)';

const isWaiting = (): Promise<void> =>
  expect.poll(() => session.call('evaluate', ['"gate" in kept']), { timeout: 20_000 }).toBe(true);

async function goOn(): Promise<void> {
  await isWaiting();
  await session.call('execute', ['kept.pop("gate").set()']);
}

describe('the events of a job', () => {
  test('arrive in order, every kind with its payload and its time', async () => {
    const before = Date.now() / 1000;
    const events = await readAll(await start(EVERY_KIND));
    expect(events.map(({ kind, data }) => [kind, data])).toEqual(EVERY_KIND_HEARD);
    const times = events.map((event) => event.timestamp);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    // Python's clock and Node's may differ by the resolution of Date.now().
    expect(times[0]).toBeGreaterThanOrEqual(before - 0.01);
    expect(times.at(-1)).toBeLessThanOrEqual(Date.now() / 1000 + 0.01);
  });

  test('arrive while the job runs, not at its end', async () => {
    const job = await start(`put("status", "first"); ${WAIT}; put("status", "second")`);
    expect(await job.events.get()).toMatchObject({ kind: 'started' });
    expect(await job.events.get()).toMatchObject({ kind: 'status', data: 'first' });
    expect(job.done).toBe(false);
    await goOn();
    expect(await job.events.get()).toMatchObject({ kind: 'status', data: 'second' });
  });

  test('arrive from several threads at once, in the order of each thread', async () => {
    const events = await readAll(
      await start(`def tell(number):
    for count in range(400):
        put("status", f"{number} {count}")
threads = [threading.Thread(target=tell, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]`),
    );
    const told = dataOf(events, 'status').map((text) => (text as string).split(' ').map(Number));
    expect(told).toHaveLength(8 * 400);
    for (let thread = 0; thread < 8; thread += 1) {
      const counts = told.filter(([number]) => number === thread).map(([, count]) => count);
      expect(counts).toEqual(Array.from({ length: 400 }, (_, count) => count));
    }
    expect(kinds(events).at(-1)).toBe('completed');
  });

  test('end with one completed event, though WanGP sends one too early', async () => {
    const job = await start(`put("completed", GenerationResult(True, ["too early"], [], 1, 1, 0))
put("status", "after that")`);
    const events = await readAll(job);
    expect(kinds(events)).toEqual(['started', 'status', 'completed']);
    expect(events.at(-1)!.data).toBe(await job.result());
    expect((await job.result()).generatedFiles).toEqual([]);
  });
});

describe('data that cannot be read', () => {
  const broken = `class Broken:
    def __getattr__(self, name): raise RuntimeError("no " + name)
    def __repr__(self): raise RuntimeError("no repr")
`;

  test('does not fail the job, and each event arrives as its type promises', async () => {
    const job = await start(`${broken}
for kind in ("progress", "preview", "stream", "error", "status", "output", "celebration"):
    put(kind, Broken())
    put(kind, None)
    put(kind, "not what the contract says")
    put(kind, StreamMessage("stdout", b"bytes"))
    put(kind, PreviewUpdate(Broken(), "inference", "with a broken picture", 1))
put(7, "a kind that is no string")
put(["no", "hash"], "neither")
put("status", "the end")`);
    const events = await readAll(job);
    expect(kinds(events).slice(-2)).toEqual(['status', 'completed']);
    expect((await job.result()).errors).toEqual([]);
    const counts = { progress: 5, preview: 5, stream: 5, error: 5, output: 5, celebration: 5, status: 6 };
    for (const [kind, count] of Object.entries(counts)) expect(dataOf(events, kind), kind).toHaveLength(count);
    // The types promise these.
    for (const text of dataOf(events, 'stream')) expect(text).toHaveProperty('text', expect.any(String));
    for (const image of dataOf(events, 'preview')) expect(image).toHaveProperty('image', null);
    expect(dataOf(events, 'preview')[4]).toMatchObject({ phase: 'inference', status: 'with a broken picture' });
  });

  test('leaves the media of a result null, and the job succeeds', async () => {
    const job = await start(`${broken}
add_artifact(path="kept.mp4", video_tensor_uint8=Broken(), audio_tensor=object(), fps="fast")
add_artifact(path=Broken(), video_tensor_uint8="no tensor", audio_tensor="no sound")`);
    const { success, artifacts } = await job.result();
    expect(success).toBe(true);
    expect(artifacts.map(({ video, audio }) => [video, audio])).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(artifacts[0]!.path).toBe('kept.mp4');
    expect((await (await start('pass')).result()).success).toBe(true);
  });

  test('makes the job fail with an error that says so where it stands for the result', async () => {
    const job = await start(`${broken}
put("completed", None)
def no_result(timeout=None, error=RuntimeError("it is lost")): raise error
job.result = no_result
def put_broken(kind, data=None, real=job.events.put, broken=Broken()):
    real(kind, broken if kind == "completed" else data)
job.events.put = put_broken`);
    const result = await job.result();
    expect(result).toMatchObject({ success: false, artifacts: [], generatedFiles: [] });
    expect(result.errors[0]).toMatchObject({ stage: 'runtime', message: expect.stringMatching(/result/) as string });
    expect((await (await start('pass')).result()).success).toBe(true);
  });
});

test.each(['', '; raise RuntimeError("it does not want to")'])(
  'a job that ends has WanGP let go of its media, and the next job succeeds (release records its call%s)',
  async (failure) => {
    const job = await start(`def release(kept=kept):
    kept["released"] = True${failure}
job.release_output_payload = release`);
    expect(await job.result()).toMatchObject({ success: true });
    await expect.poll(() => session.call('evaluate', ['kept.get("released")']), { timeout: 20_000 }).toBe(true);
    expect(await (await start('pass')).result()).toMatchObject({ success: true });
  },
);

describe('reading events', () => {
  test('after the end of the job gives every event, then null', async () => {
    const job = await start('put("status", "one"); put("status", "two")');
    await job.result();
    expect(job.events.closed).toBe(true);
    expect(kinds(await readAll(job))).toEqual(['started', 'status', 'status', 'completed']);
    for (const kind of ['started', 'status', 'status', 'completed']) {
      expect(await job.events.get()).toMatchObject({ kind });
    }
    expect(await job.events.get()).toBeNull();
    expect(await job.events.get({ timeoutMs: 10_000 })).toBeNull();
  });

  test('get() waits no longer than it is told, and misses nothing', async () => {
    const job = await start(`${WAIT}; put("status", "later")`);
    await job.events.get();
    const begin = performance.now();
    expect(await job.events.get({ timeoutMs: 50 })).toBeNull();
    expect(performance.now() - begin).toBeGreaterThan(45);
    expect(await job.events.get({ timeoutMs: 0 })).toBeNull();
    expect(job.events.closed).toBe(false);
    const next = job.events.get({ timeoutMs: 20_000 });
    await goOn();
    expect(await next).toMatchObject({ data: 'later' });
    await job.result();
  });

  test.each([-1, Number.NaN, '5' as unknown as number])('get() refuses a timeout of %s', async (timeoutMs) => {
    const job = await start('pass');
    await expect(job.events.get({ timeoutMs })).rejects.toMatchObject({ code: 'ERR_WANGP_ARGUMENT' });
    await job.result();
  });

  test('two loops, a stream and listeners each see every event, and so does a loop after the end', async () => {
    const job = await start('for count in range(200): put("status", str(count)); time.sleep(0.0005)');
    const heard: SessionEvent[] = [];
    const statuses: unknown[] = [];
    job.on('*', (event) => heard.push(event)).on('status', ({ data }) => statuses.push(data));
    const fromStream: SessionEvent[] = [];
    const stream = async (): Promise<void> => {
      for await (const event of job.events.toReadableStream()) fromStream.push(event);
    };
    const [first, second] = await Promise.all([readAll(job), readAll(job), stream()]);
    expect(first).toHaveLength(202);
    expect(kinds(first).filter((kind) => kind === 'status')).toHaveLength(200);
    for (const each of [second, heard, fromStream, await readAll(job)]) expect(each).toEqual(first);
    expect(statuses).toEqual(dataOf(first, 'status'));
  });

  test('a loop that begins after another was left sees the events from the start', async () => {
    const job = await start('for count in range(5): put("status", str(count))');
    for await (const event of job.events) if (event.data === '1') break;
    const seen: unknown[] = [];
    for await (const event of job.events) {
      seen.push(event.data);
      if (event.data === '3') break;
    }
    expect(seen).toEqual([{ tasks: 1 }, '0', '1', '2', '3']);
    expect(await job.events.get()).toMatchObject({ data: { tasks: 1 } });
  });

  test('clear() forgets what was not read', async () => {
    const job = await start(`put("status", "unread"); ${WAIT}; put("status", "new")`);
    await isWaiting();
    job.events.clear();
    expect(await job.events.get({ timeoutMs: 0 })).toBeNull();
    await goOn();
    expect((await readAll(job)).map((event) => event.kind)).toEqual(['status', 'completed']);
    expect(job.events.dropped).toEqual({});
  });

  test('leaving a stream that waits leaves the job and its other readers alone', async () => {
    const job = await start(`${WAIT}; put("status", "later")`);
    const reader = job.events.toReadableStream().getReader();
    expect((await reader.read()).value).toMatchObject({ kind: 'started' });
    const waiting = reader.read();
    await reader.cancel();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await goOn();
    expect(kinds(await readAll(job))).toEqual(['started', 'status', 'completed']);
  });
});

describe('listeners', () => {
  test('once() hears one event, off() ends what on() began, of any kind, and what they hear is the event itself', async () => {
    const job = await start(
      'for count in range(3): put("status", str(count)); put("celebration", count); put("progress", None)',
    );
    const heard: unknown[] = [];
    const off = (): void => void heard.push('never');
    job
      .once('status', (event) => heard.push(event))
      .on('celebration', ({ data }) => heard.push(data))
      .on('info', off)
      .on('status', off)
      .off('status', off)
      .once('completed', ({ data }) => heard.push(data));
    const result = await job.result();
    const [, status] = await readAll(job);
    expect(heard).toEqual([status, 0, 1, 2, result]);
    expect(heard[0]).toBe(status);
  });

  test('on() refuses a listener that is no function, and once() a kind that is no string', async () => {
    const job = await start('pass');
    const refused = (message: string): unknown => expect.objectContaining({ code: 'ERR_WANGP_ARGUMENT', message });
    expect(() => job.on('status', 5 as never)).toThrow(refused('the listener must be a function, not 5'));
    expect(() => job.once(7 as never, () => {})).toThrow(refused('the kind of event must be a string, not 7'));
    await job.result();
  });

  test('a listener that throws is an uncaught exception; the other listeners are called, and the job goes on', async () => {
    const { code, stdout, stderr } = await runScript(`
      process.on('uncaughtException', (error) => console.log('uncaught', error.message));
      (async () => {
        const session = await wangp.init({ root: SCRIPTED_ROOT });
        const job = await session.submitTask({ script: 'put("status", "one"); put("status", "two")' });
        job.on('status', ({ data }) => { throw new Error(data); });
        job.on('status', ({ data }) => console.log('heard', data));
        console.log((await job.result()).success);
      })();`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const said = ['heard one', 'heard two', 'true', 'uncaught one', 'uncaught two'];
    expect(stdout.trim().split('\n').sort()).toEqual(said);
  });
});
