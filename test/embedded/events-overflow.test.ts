import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GenerationResult, PreviewUpdate, SessionEvent, WanGPSession } from 'wangp-node';
import { initScripted } from '../tools.js';

const LINES = 50_000;
const PREVIEWS = 2_000;
const OUTPUTS = 20;
const SIDE = 256;
const PREVIEW_BYTES = SIDE * SIDE * 3;

const folder = mkdtempSync(path.join(tmpdir(), 'wangp-overflow-'));
const finished = path.join(folder, 'finished');
let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Many more events than are kept, and six times the bytes.
const script = `from pathlib import Path
from PIL import Image
image = Image.new("RGB", (${SIDE}, ${SIDE}), (1, 2, 3))
for count in range(${LINES}):
    put("stream", StreamMessage("stdout", f"line {count}"))
    if count % ${LINES / PREVIEWS} == 0:
        put("progress", ProgressUpdate("inference", "Denoising", count))
        put("preview", PreviewUpdate(image, "inference", "Denoising", count))
    if count % ${LINES / OUTPUTS} == 0:
        put("output", count)
put("error", GenerationError("the last word"))
Path(${JSON.stringify(finished)}).touch()`;

/** JavaScript does nothing at all until Python is done. */
function blockUntilFinished(): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  const end = performance.now() + 40_000;
  while (!existsSync(finished) && performance.now() < end) Atomics.wait(sleeper, 0, 0, 10);
}

test('events that arrive while JavaScript is blocked take less than 200 MiB: only lines, previews and progress are dropped', async () => {
  const heard: SessionEvent[] = [];
  let completed: GenerationResult | undefined;
  const progress: number[] = [];
  const job = await session.submitTask(
    { script },
    {
      callbacks: {
        onProgress: (update) => progress.push(update.progress),
        onComplete: (result) => (completed = result),
      },
    },
  );
  globalThis.gc!();
  const before = process.memoryUsage().rss;
  blockUntilFinished();
  const grown = process.memoryUsage().rss - before;
  for await (const event of job.events) heard.push(event);

  const received = (kind: string): SessionEvent[] => heard.filter((event) => event.kind === kind);
  const { dropped } = job.events;
  console.log(
    `grown by ${(grown / 2 ** 20).toFixed(0)} MiB for ${((PREVIEWS * PREVIEW_BYTES) / 2 ** 20).toFixed(0)} MiB of ` +
      `previews; received ${received('stream').length} of ${LINES} lines, ${received('preview').length} of ${PREVIEWS} previews`,
  );
  // 64 MiB of events, and the same again for what the allocators have not given back.
  expect(grown).toBeLessThan(200 * 2 ** 20);

  // What counts is all there, in order.
  expect(received('output').map((event) => event.data)).toEqual(
    Array.from({ length: OUTPUTS }, (_, index) => (index * LINES) / OUTPUTS),
  );
  expect(received('error')).toHaveLength(1);
  expect(received('completed')).toHaveLength(1);
  expect(completed).toBe(received('completed')[0]!.data);
  expect(heard[0]!.kind).toBe('started');
  expect(heard.at(-1)!.kind).toBe('completed');

  // The rest gave way, and is counted.
  expect(received('stream').length + dropped['stream']!).toBe(LINES);
  expect(received('preview').length + dropped['preview']!).toBe(PREVIEWS);
  expect(received('progress').length + (dropped['progress'] ?? 0)).toBe(PREVIEWS);
  expect(Object.keys(dropped).filter((kind) => !['stream', 'preview', 'progress'].includes(kind))).toEqual([]);
  expect(received('stream').length).toBeLessThanOrEqual(10_100);

  // The newest is what is left.
  const lines = received('stream').map((event) => Number((event.data as { text: string }).text.slice(5)));
  expect(lines).toEqual(lines.toSorted((a, b) => a - b));
  expect(lines.at(-1)).toBe(LINES - 1);
  const last = LINES - LINES / PREVIEWS;
  expect((received('preview').at(-1)!.data as PreviewUpdate).progress).toBe(last);
  expect(progress.at(-1)).toBe(last);
});

test('a job whose events nobody reads ends, and keeps no more than its latest 10,000 lines', async () => {
  const job = await session.submitTask({
    script: `for count in range(25000): put("stream", StreamMessage("stdout", f"line {count}"))`,
  });
  await job.result();
  const heard: SessionEvent[] = [];
  for await (const event of job.events) heard.push(event);
  const lines = heard.filter((event) => event.kind === 'stream');
  expect(lines.length).toBeLessThanOrEqual(10_000);
  expect(lines.length + job.events.dropped['stream']!).toBe(25_000);
  expect(lines.at(-1)!.data).toMatchObject({ text: 'line 24999' });
  expect(heard[0]!.kind).toBe('started');
});
