import { beforeAll, expect, test } from 'vitest';
import type { WanGPSession } from 'wangp-node';
import { EVERY_KIND, EVERY_KIND_HEARD } from '../fixtures/every-kind.js';
import { initScripted } from '../tools.js';

// A `shared.api` without `bind_job`, whose job names no thread.
let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted({ cliArgs: ['--older'] });
});

async function heard(script: string): Promise<[string, unknown][]> {
  const job = await session.submitTask({ script });
  const events: [string, unknown][] = [];
  for await (const { kind, data } of job.events) events.push([kind, data]);
  expect(events.at(-1)![1]).toBe(await job.result());
  return events;
}

test('a WanGP without bind_job delivers every kind of event as a current one does', async () => {
  expect(await heard(EVERY_KIND)).toEqual(EVERY_KIND_HEARD);
});

test('a WanGP without bind_job loses none of its last events, and accepts the next submit', async () => {
  // The whole end of the job falls between a reader's wait that gave nothing and what it does next.
  const script = `def get(timeout=None, real=job.events.get, pause=kept.setdefault("pause", threading.Event()), sleep=time.sleep):
    event = real(timeout=timeout)
    if event is None:
        pause.set()
        sleep(0.05)
    return event
job.events.get = get
kept.pop("pause").wait(5)
put("status", "late")
put("output", "last")`;
  for (let round = 0; round < 3; round += 1) {
    expect((await heard(script)).map(([kind]) => kind)).toEqual(['started', 'status', 'output', 'completed']);
  }
  for (let round = 0; round < 50; round += 1) {
    expect(await heard('put("status", "quick")')).toHaveLength(3);
  }
});

test('a job of a WanGP without bind_job ends cancelled after cancel()', async () => {
  const job = await session.submitTask({ script: 'job.wait_for_cancel(20)' });
  job.cancel();
  const result = await job.result();
  expect(result).toMatchObject({ success: false, cancelled: true });
});

test('a failing job of a WanGP without bind_job delivers an error with its message, task and stage', async () => {
  const events = await heard('raise ValueError("it went wrong")');
  expect(events.map(([kind]) => kind)).toEqual(['started', 'error', 'completed']);
  expect(events[1]![1]).toMatchObject({ message: 'it went wrong', taskIndex: 1, stage: 'generation' });
});
