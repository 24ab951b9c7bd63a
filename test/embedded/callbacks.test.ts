import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { Callbacks, GenerationResult, PreviewUpdate, WanGPSession } from 'wangp-node';
import { initScripted, runScript } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

const NAMES = [
  'onProgress',
  'onPreview',
  'onStream',
  'onStatus',
  'onInfo',
  'onOutput',
  'onComplete',
  'onError',
  'onEvent',
] as const satisfies readonly (keyof Callbacks)[];

/** Callbacks that note each call: its name and argument. */
function recorder(): { callbacks: Callbacks; calls: [string, unknown][] } {
  const calls: [string, unknown][] = [];
  const note = (name: string) => [name, (argument: unknown) => calls.push([name, argument])] as const;
  return { callbacks: Object.fromEntries(NAMES.map(note)), calls };
}

const EVERYTHING = `from PIL import Image
put("progress", ProgressUpdate("inference", "Denoising | 7.2s", 54, 4, 8, "Denoising", "it"))
put("preview", PreviewUpdate(Image.new("RGB", (4, 2), (1, 2, 3)), "inference", "Denoising", 54, 4, 8))
put("preview", PreviewUpdate(None, "decoding", "VAE", 90))
put("stream", StreamMessage("stderr", "a line"))
put("status", "Loading")
put("info", "saved")
put("output", {"files": [1]})
put("refresh_models", {})
put("brand_new", 1)
raise ValueError("broken")`;

describe('the callbacks of a job', () => {
  test('are called with their payloads, all nine, each specific one before onEvent', async () => {
    const { callbacks, calls } = recorder();
    const job = await session.submitTask({ script: EVERYTHING }, { callbacks });
    const result = await job.result();
    const specific = calls.filter(([name]) => name !== 'onEvent');
    const error = { message: 'broken', taskIndex: 1, taskId: 1, stage: 'generation', cancelled: false };
    const preview = { phase: 'inference', status: 'Denoising', progress: 54, currentStep: 4, totalSteps: 8 };
    expect(specific).toEqual([
      [
        'onProgress',
        {
          phase: 'inference',
          status: 'Denoising | 7.2s',
          progress: 54,
          currentStep: 4,
          totalSteps: 8,
          rawPhase: 'Denoising',
          unit: 'it',
        },
      ],
      [
        'onPreview',
        { ...preview, image: { data: expect.any(Buffer), width: 4, height: 2, channels: 3, zeroCopy: false } },
      ],
      [
        'onPreview',
        { image: null, phase: 'decoding', status: 'VAE', progress: 90, currentStep: null, totalSteps: null },
      ],
      ['onStream', { stream: 'stderr', text: 'a line' }],
      ['onStatus', 'Loading'],
      ['onInfo', 'saved'],
      ['onOutput', { files: [1] }],
      ['onError', error],
      ['onComplete', result],
    ]);
    expect([...(specific[1]![1] as PreviewUpdate).image!.data]).toEqual(Array(8).fill([1, 2, 3]).flat());
    // Each is followed by onEvent with upstream's kind and the very same data.
    const kinds = ['progress', 'preview', 'preview', 'stream', 'status', 'info', 'output', 'error', 'complete'];
    expect(calls).toHaveLength(2 * kinds.length);
    for (const [index, kind] of kinds.entries()) {
      const [[, data], [name, event]] = calls.slice(2 * index, 2 * index + 2) as [[string, unknown], [string, object]];
      expect(name).toBe('onEvent');
      expect(event).toEqual({ kind, data, timestamp: expect.closeTo(Date.now() / 1000, -2) });
      expect((event as { data: unknown }).data).toBe(data);
    }
  });

  test('get the very object in onComplete and onEvent that the completed event and result() have', async () => {
    const { callbacks, calls } = recorder();
    const job = await session.submitTask({}, { callbacks });
    const results: unknown[] = [await job.result()];
    for await (const event of job.events) if (event.kind === 'completed') results.push(event.data);
    for (const [name, argument] of calls) {
      if (name === 'onComplete') results.push(argument);
      if (name === 'onEvent') results.push((argument as { data: unknown }).data);
    }
    expect(results).toHaveLength(4);
    expect(new Set(results).size).toBe(1);
  });

  test('can submit the next job from onComplete, and it succeeds', async () => {
    const next = await new Promise<GenerationResult>((resolve, reject) => {
      const callbacks: Callbacks = { onComplete: () => void session.runTask({}).then(resolve, reject) };
      session.submitTask({}, { callbacks }).catch(reject);
    });
    expect(next.success).toBe(true);
  });
});

describe('the callbacks object', () => {
  const SAY = 'put("status", "one"); put("status", "two")';

  test('is `this` in its methods, private fields and inherited methods included', async () => {
    class Base {
      readonly seen: string[] = [];
      onStatus(text: string): void {
        this.seen.push(`${this.prefix()}${text}`);
      }
      protected prefix(): string {
        return '';
      }
    }
    class Derived extends Base implements Callbacks {
      #count = 0;
      onComplete(): void {
        this.seen.push(`done ${this.#count}`);
      }
      protected override prefix(): string {
        this.#count += 1;
        return `${this.#count}: `;
      }
    }
    const callbacks = new Derived();
    await session.runTask({ script: SAY }, { callbacks });
    expect(callbacks.seen).toEqual(['1: one', '2: two', 'done 2']);
  });

  test('has its methods looked up at each call', async () => {
    const seen: string[] = [];
    const callbacks: Callbacks = {
      onStatus(text) {
        seen.push(`first ${text}`);
        callbacks.onStatus = (later) => seen.push(`second ${later}`);
        callbacks.onComplete = () => seen.push('complete');
      },
    };
    await session.runTask({ script: SAY }, { callbacks });
    expect(seen).toEqual(['first one', 'second two', 'complete']);
  });

  test('may hold null or undefined for no callback', async () => {
    const callbacks = { onStatus: undefined, onInfo: null, onComplete: undefined } as unknown as Callbacks;
    const result = await session.runTask({ script: `${SAY}; put("info", "x")` }, { callbacks });
    expect(result.success).toBe(true);
  });

  test('of a job replaces that of the session', async () => {
    const ofSession = recorder();
    const ofJob = recorder();
    const other = await initScripted({ callbacks: ofSession.callbacks });
    await other.runTask({ script: SAY });
    expect(ofSession.calls.map(([name]) => name)).toEqual([
      ...['onStatus', 'onEvent', 'onStatus', 'onEvent', 'onComplete', 'onEvent'],
    ]);
    ofSession.calls.length = 0;
    await other.runTask({ script: SAY }, { callbacks: { onInfo: vi.fn() } });
    await other.runManifest([{ script: SAY }], { callbacks: ofJob.callbacks });
    expect(ofSession.calls).toEqual([]);
    expect(ofJob.calls).toHaveLength(6);
    await other.run({ script: SAY }, {});
    expect(ofSession.calls).toHaveLength(6);
  });

  test('keeps no event from the stream', async () => {
    const onStatus = vi.fn();
    const job = await session.submitTask({ script: SAY }, { callbacks: { onStatus } });
    const kinds: string[] = [];
    for await (const { kind } of job.events) kinds.push(kind);
    expect(kinds).toEqual(['started', 'status', 'status', 'completed']);
    expect(onStatus.mock.calls).toEqual([['one'], ['two']]);
  });
});

describe('an exception in a callback', () => {
  /** Runs one job of EVERYTHING with `callbacks` (JavaScript) in a process of its own. */
  const runWith = (callbacks: string, { before = '', after = '', script = EVERYTHING } = {}) =>
    runScript(`${before}
const names = ${JSON.stringify(NAMES)};
(async () => {
  const session = await wangp.init({ root: SCRIPTED_ROOT });
  const callbacks = ${callbacks};
  const job = await session.submitTask({ script: ${JSON.stringify(script)} }, { callbacks });
  const kinds = [];
  for await (const event of job.events) kinds.push(event.kind);
  const result = await job.result();
  const next = await session.runTask({});
  console.log(JSON.stringify({ kinds, errors: result.errors.map((error) => error.message), next: next.success }));
  ${after}
})();`);

  const KINDS = [
    ...['started', 'progress', 'preview', 'preview', 'stream', 'status', 'info', 'output', 'refresh_models'],
    ...['brand_new', 'error', 'completed'],
  ];
  const AS_EVER = { kinds: KINDS, errors: ['broken'], next: true };

  test.each(['onStatus', 'onComplete', 'onEvent'])('in %s ends the process with code 1 and its stack', async (name) => {
    const exit = await runWith(`{ ${name}() {\n throw new TypeError('my callback broke'); } }`);
    expect(exit).toMatchObject({ code: 1, signal: null, stdout: '' });
    expect(exit.stderr).toContain('TypeError: my callback broke');
    expect(exit.stderr).toMatch(new RegExp(`at (Object\\.)?${name} \\(\\[eval\\]:\\d+:\\d+\\)`));
  });

  test('ends the process at once, though Python goes on', async () => {
    const started = Date.now();
    // Once a callback is called the submit has returned; the sleep holds the GIL.
    const script =
      'import ctypes; go = kept["go"] = threading.Event(); put("info", ""); go.wait(20); put("status", "x"); ' +
      'ctypes.PyDLL(None).sleep(60)';
    const exit = await runWith(
      `{
        onInfo() { session.call('execute', ['kept["go"].set()']).catch(() => {}); },
        onStatus() { throw new Error('mine'); },
      }`,
      { script },
    );
    expect(exit).toMatchObject({ code: 1, signal: null });
    expect(exit.stderr).toContain('Error: mine');
    expect(Date.now() - started).toBeLessThan(20_000);
  });

  const collect = `const caught = [];
process.on('uncaughtException', (error, origin) => caught.push([error?.message ?? error, origin]));`;
  const report = 'console.log(JSON.stringify(caught));';

  test('in every callback reaches an uncaughtException handler, and the job ends as it would have', async () => {
    const callbacks = `Object.fromEntries(names.map((name) => [name, () => { throw new Error(name); }]))`;
    const exit = await runWith(callbacks, { before: collect, after: report });
    expect(exit).toMatchObject({ code: 0, signal: null, stderr: '' });
    const [outcome, caught] = exit.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(outcome).toEqual(AS_EVER);
    const specific = ['onProgress', 'onPreview', 'onPreview', 'onStream', 'onStatus', 'onInfo', 'onOutput'];
    const called = [...specific, 'onError', 'onComplete'].flatMap((name) => [name, 'onEvent']);
    expect(caught).toEqual(called.map((name) => [name, 'uncaughtException']));
  });

  test('leaves the other callbacks called where there is an uncaughtException handler', async () => {
    const callbacks = `{ said: [], onStatus() { throw new Error('mine'); }, onInfo(text) { this.said.push(text); },
      onEvent({ kind }) { this.said.push(kind); }, onComplete() { console.log(this.said.join()); } }`;
    const exit = await runWith(callbacks, { before: collect });
    expect(exit.code).toBe(0);
    expect(exit.stdout).toContain('progress,preview,preview,stream,status,saved,info,output,error\n');
  });

  test('from a getter, or thrown as a value of any kind, reaches an uncaughtException handler', async () => {
    const callbacks = `{ get onStatus() { throw new Error('getter'); }, onInfo() { throw 'text'; },
      onOutput() { throw null; }, onError() { throw undefined; } }`;
    const exit = await runWith(callbacks, { before: collect, after: report });
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    const [outcome, caught] = exit.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(outcome).toEqual(AS_EVER);
    expect(caught).toEqual(['getter', 'text', null, null].map((thrown) => [thrown, 'uncaughtException']));
  });

  test('of an async method is an unhandled rejection', async () => {
    const callbacks = `{ async onStatus() { throw new RangeError('later'); } }`;
    const exit = await runWith(callbacks);
    expect(exit).toMatchObject({ code: 1, signal: null });
    expect(exit.stderr).toMatch(/RangeError: later\n\s+at (Object\.)?onStatus \(\[eval\]/);
    const before = `process.on('unhandledRejection', (reason) => console.error('unhandled', reason.message));`;
    const handled = await runWith(callbacks, { before });
    expect(handled).toMatchObject({ code: 0, stderr: 'unhandled later\n' });
    expect(JSON.parse(handled.stdout)).toEqual(AS_EVER);
  });
});
