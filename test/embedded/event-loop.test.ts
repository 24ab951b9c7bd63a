import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import type { WanGPSession } from 'wangp-node';
import { initScripted } from '../tools.js';

const SECONDS = 2;

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

interface Delay {
  readonly p99: number;
  readonly longest: number;
}

/** The event loop's delay in ms while `work` runs, beyond the 1 ms of the timer that measures it. */
async function delayDuring(work: () => Promise<unknown>): Promise<Delay> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  globalThis.gc!();
  histogram.enable();
  await work();
  histogram.disable();
  return { p99: histogram.percentile(99) / 1e6, longest: histogram.max / 1e6 };
}

const BUSY = {
  'runs a pure-Python loop': `import time
kept["go"].wait(20)
end = time.monotonic() + ${SECONDS}
while time.monotonic() < end:
    sum(range(1000))`,
  'sleeps in C holding the GIL': `import ctypes
kept["go"].wait(20)
ctypes.PyDLL(None).usleep(${SECONDS * 1_000_000})`,
};

describe.each(Object.entries(BUSY))('while Python %s', (name, script) => {
  test('the event loop is as free as an idle one', async () => {
    const idle = await delayDuring(() => sleep(SECONDS * 1000));
    const took: number[] = [];
    const busy = await delayDuring(async () => {
      // The submit needs the GIL to settle.
      await session.call('execute', ['import threading; kept["go"] = threading.Event()']);
      const job = await session.submitTask({ script });
      // What takes the GIL in other bridges: getters, cancel and release requests, calls.
      const calls: Promise<unknown>[] = [session.call('execute', ['kept["go"].set()'])];
      const timer = setInterval(() => {
        const begin = performance.now();
        expect(job.done).toBe(false);
        calls.push(session.call('echo', [{ nested: [1, 2, 3] }]));
        took.push(performance.now() - begin);
      }, 50);
      const ended = job.result();
      ended.finally(() => clearInterval(timer)).catch(() => {});
      const result = await ended;
      expect(result.success).toBe(true);
      await Promise.all(calls);
    });
    const again = await delayDuring(() => sleep(SECONDS * 1000));
    const report = ({ p99, longest }: Delay): string => `p99 ${p99.toFixed(2)} ms, longest ${longest.toFixed(2)} ms`;
    console.log(
      `Python ${name}: busy ${report(busy)}; idle before ${report(idle)}; idle after ${report(again)}; ` +
        `ratio of p99 ${(busy.p99 / Math.max(idle.p99, again.p99)).toFixed(2)}`,
    );
    // A bridge that waits for the GIL on the JS thread waits 5 ms in each call while Python runs a loop, and all of the
    // two seconds while C holds it. Other programs of a shared machine delay some calls, not every second one.
    expect(took.length).toBeGreaterThan(5);
    expect(took.sort((a, b) => a - b)[took.length >> 1]).toBeLessThan(3);
    expect(busy.longest).toBeLessThan(Math.max(SECONDS * 800, 3 * Math.max(idle.longest, again.longest)));
  });
});
