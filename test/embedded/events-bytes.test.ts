// The limit of bytes holds for events of any size, and for those that wait for their submit to settle.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SessionEvent, SessionJob, WanGPSession } from 'wangp-node';
import { initScripted } from '../tools.js';

const MIB = 2 ** 20;
// A sanitizer's own memory grows with what it watches: there the counts and the order are what is tested.
const LIMIT = process.env['WANGP_TEST_SANITIZER'] === undefined ? 200 * MIB : Infinity;
const folder = mkdtempSync(path.join(tmpdir(), 'wangp-bytes-'));
let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function linesOf(job: SessionJob): Promise<string[]> {
  const heard: SessionEvent[] = [];
  for await (const event of job.events) heard.push(event);
  return heard.flatMap((event) => (event.kind === 'stream' ? [event.data.text] : []));
}

/** JavaScript does nothing at all until Python has made that file. */
function blockUntil(file: string): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(file)) Atomics.wait(sleeper, 0, 0, 10);
}

test('small lines give way to large ones until there is room: 1,500 MiB of lines take less than 200 MiB', async () => {
  const finished = path.join(folder, 'finished');
  const job = await session.submitTask({
    script: `from pathlib import Path
for count in range(6000): put("stream", StreamMessage("stdout", f"{count:06}" + "s" * 10_000))
for count in range(6000, 7500): put("stream", StreamMessage("stdout", f"{count:06}" + "l" * 1_048_576))
Path(${JSON.stringify(finished)}).touch()`,
  });
  globalThis.gc!();
  const before = process.memoryUsage().rss;
  blockUntil(finished);
  const grown = process.memoryUsage().rss - before;
  const lines = await linesOf(job);
  expect(grown).toBeLessThan(LIMIT);
  expect(lines.length + job.events.dropped['stream']!).toBe(7500);
  const numbers = lines.map((line) => Number(line.slice(0, 6)));
  expect(numbers).toEqual(Array.from(numbers, (_, index) => 7500 - numbers.length + index));
});

test('events that wait for their submit to settle take less than 200 MiB, and every output is kept in order', async () => {
  // The submit returns only once its job has said all that it has to say.
  await session.call('execute', [
    `original = session.submit_task
def submit_task(settings, callbacks=None):
    job = original(settings, callbacks=callbacks)
    job._done.wait()
    from pathlib import Path
    kept["rss"] = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    return job
session.submit_task = submit_task`,
  ]);
  globalThis.gc!();
  const before = process.memoryUsage().rss;
  const job = await session.submitTask({
    script: `for count in range(2000):
    put("stream", StreamMessage("stdout", f"{count:06}" + "l" * 1_048_576))
    if count % 100 == 0: put("output", count)`,
  });
  const outputs: unknown[] = [];
  const lines: number[] = [];
  for await (const event of job.events) {
    if (event.kind === 'output') outputs.push(event.data);
    if (event.kind === 'stream') lines.push(Number(event.data.text.slice(0, 6)));
  }
  await session.call('execute', ['del session.submit_task']);
  if (process.platform === 'linux') {
    expect(((await session.call('evaluate', ['kept["rss"]'])) as number) - before).toBeLessThan(LIMIT);
  }
  expect(outputs).toEqual(Array.from({ length: 20 }, (_, index) => index * 100));
  expect(lines.length + job.events.dropped['stream']!).toBe(2000);
  expect(lines).toEqual(Array.from(lines, (_, index) => 2000 - lines.length + index));
});
