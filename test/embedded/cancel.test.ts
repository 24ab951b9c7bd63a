import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, test } from 'vitest';
import type { SessionJob, WanGPSession } from 'wangp-node';
import { IN_CHILD, initScripted } from '../tools.js';

let session: WanGPSession;

beforeEach(async () => {
  session = await initScripted();
});

/** Runs until it is cancelled, and counts how often it was. */
const UNTIL_CANCELLED = `kept["running"] = True
def cancel(real=job.cancel, kept=kept):
    kept["cancels"] = kept.get("cancels", 0) + 1
    real()
job.cancel = cancel
put("status", "waiting")
job.wait_for_cancel(20)
kept["running"] = False`;

const CANCELLED = { success: false, cancelled: true, errors: [{ stage: 'cancelled', cancelled: true }] };

async function kept(name: string): Promise<unknown> {
  return session.call('evaluate', [`kept.get(${JSON.stringify(name)})`]);
}

async function running(job: SessionJob): Promise<void> {
  for await (const event of job.events) if (event.kind === 'status') return;
}

/** `kept["gate"].wait(20)` in Python waits for `openGate()`. */
const closeGate = (): Promise<unknown> =>
  session.call('execute', ['import threading; kept["gate"] = threading.Event()']);
const openGate = (): Promise<unknown> => session.call('execute', ['kept["gate"].set()']);

/** From now on submits wait for `openGate()`, before (`'before'`) or after their job was started. */
async function holdSubmits(when: 'before' | 'after'): Promise<void> {
  await closeGate();
  await session.call('execute', [
    `def held(tasks, callbacks, start=session._start, kept=kept):
    def hold():
        kept["held"] = True
        kept["passed"] = kept["gate"].wait(20)
    ${when === 'before' ? 'hold()' : ''}
    job = start(tasks, callbacks)
    ${when === 'after' ? 'hold()' : ''}
    return job
session._start = held`,
  ]);
}

const submitIsHeld = (): Promise<void> => expect.poll(() => kept('held'), { timeout: 20_000 }).toBe(true);

describe('job.cancel()', () => {
  test('right after the submit makes the result say cancelled', async () => {
    const job = await session.submitTask({ script: UNTIL_CANCELLED });
    job.cancel();
    expect([job.cancelRequested, job.done]).toEqual([true, false]);
    expect(await job.result()).toMatchObject(CANCELLED);
    expect([job.cancelRequested, job.done]).toEqual([true, true]);
  });

  test('called five times midway cancels the job once, and the result says cancelled', async () => {
    const job = await session.submitTask({ script: UNTIL_CANCELLED });
    await running(job);
    expect(job.cancelRequested).toBe(false);
    for (let count = 0; count < 5; count += 1) job.cancel();
    expect(await job.result()).toMatchObject(CANCELLED);
    expect(await kept('cancels')).toBe(1);
  });

  test('after the end sets cancelRequested, and changes neither the result nor the next job', async () => {
    const job = await session.submitTask({ script: 'pass' });
    const result = await job.result();
    job.cancel();
    expect(job.cancelRequested).toBe(true);
    expect(await job.result()).toBe(result);
    expect(result.success).toBe(true);
    expect(await session.runTask({ script: 'job.wait_for_cancel(0.05)' })).toMatchObject({ success: true });
  });

  test('ends the job while a call of the session is still under way', async () => {
    const job = await session.submitTask({ script: UNTIL_CANCELLED });
    await running(job);
    let called = false;
    await closeGate();
    const call = session.call('execute', ['kept["gate"].wait(20)']).then(() => (called = true));
    job.cancel();
    await job.result();
    expect(called).toBe(false);
    await session.runTask({ script: 'kept["gate"].set()' });
    await call;
  });

  test('makes the events of the job end with error and completed', async () => {
    const job = await session.submitTask({ script: UNTIL_CANCELLED });
    job.cancel();
    const kinds: string[] = [];
    for await (const event of job.events) kinds.push(event.kind);
    expect(kinds).toEqual(['started', 'status', 'error', 'completed']);
  });
});

describe('session.cancel()', () => {
  test('cancels the running job', async () => {
    const job = await session.submitTask({ script: UNTIL_CANCELLED });
    session.cancel();
    expect(job.cancelRequested).toBe(true);
    expect(await job.result()).toMatchObject(CANCELLED);
  });

  test('does nothing where nothing runs', async () => {
    session.cancel();
    expect(await session.runTask({ script: 'job.wait_for_cancel(0.05)' })).toMatchObject({ success: true });
    session.cancel();
  });

  test('rejects a submit under way with an AbortError, however far it is, and the next one is accepted', async () => {
    for (let round = 0; round < 100; round += 1) {
      const called: string[] = [];
      const callbacks = { onEvent: ({ kind }: { kind: string }) => called.push(kind) };
      const submitting = session.submitTask({ script: UNTIL_CANCELLED }, { callbacks });
      const refused = expect(submitting).rejects.toMatchObject({ name: 'AbortError' });
      // Before Python hears of it, and at later and later times.
      if (round >= 20) {
        const end = performance.now() + (round - 20) * 0.01;
        while (performance.now() < end);
      }
      session.cancel();
      await refused;
      const job = await session.submitTask({ script: 'pass' });
      expect(await job.result()).toMatchObject({ success: true });
      expect(called).toEqual([]);
    }
    expect(await kept('running')).not.toBe(true);
  });
});

describe('the signal of a submit', () => {
  test('rejects the submit with its reason where it was aborted before, and nothing starts', async () => {
    const script = 'kept["started"] = True';
    await expect(session.submitTask({ script }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
    const reason = new Error('changed my mind');
    await expect(session.submitTask({ script }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await kept('started')).toBeNull();
  });

  test.each(['before', 'after'] as const)('rejects a submit %s its job exists; the next is accepted', async (when) => {
    await holdSubmits(when);
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const submitting = session.submitTask({ script: UNTIL_CANCELLED }, { signal: controller.signal });
    await submitIsHeld();
    controller.abort(reason);
    await expect(submitting).rejects.toBe(reason);
    expect(await kept('passed')).toBeNull();
    await openGate();
    // The next one waits for what is left of it, and is not refused.
    expect(await session.runTask({ script: 'pass' })).toMatchObject({ success: true });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    expect(await kept('running')).not.toBe(true);
  });

  test('rejects a submit that waits for a withdrawn one, and its job never starts', async () => {
    await holdSubmits('before');
    const first = session.submitTask({ script: UNTIL_CANCELLED });
    await submitIsHeld();
    session.cancel();
    await expect(first).rejects.toMatchObject({ name: 'AbortError' });
    const controller = new AbortController();
    const second = session.submitTask({ script: 'kept["second"] = True' }, { signal: controller.signal });
    controller.abort();
    await expect(second).rejects.toBe(controller.signal.reason);
    await openGate();
    expect(await session.runTask({ script: 'pass' })).toMatchObject({ success: true });
    expect(await kept('second')).toBeNull();
  });

  test('cancels the running job when it aborts, and has no listener left afterwards', async () => {
    const controller = new AbortController();
    const job = await session.submitTask({ script: UNTIL_CANCELLED }, { signal: controller.signal });
    await running(job);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort();
    expect(job.cancelRequested).toBe(true);
    expect(await job.result()).toMatchObject(CANCELLED);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  test('has no listener left after success, failure and refusal', async () => {
    const { signal } = new AbortController();
    for (let count = 0; count < 20; count += 1) await session.runTask({ script: 'pass' }, { signal });
    await session.runTask({ script: 'raise ValueError()' }, { signal });
    await expect(session.submitTask({ refuse: 'no' }, { signal })).rejects.toThrow('no');
    await expect(session.submitTask({ bad: () => {} }, { signal })).rejects.toMatchObject({ code: 'ERR_WANGP_VALUE' });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('changes nothing when it aborts after the end', async () => {
    const controller = new AbortController();
    const job = await session.submitTask({ script: 'pass' }, { signal: controller.signal });
    await job.result();
    controller.abort();
    expect(job.cancelRequested).toBe(false);
  });
});

describe('waiting for a result', () => {
  test('ends with ERR_WANGP_TIMEOUT after timeoutMs; the job goes on', async () => {
    await closeGate();
    const job = await session.submitTask({ script: 'kept["gate"].wait(20); put("info", "went on")' });
    const begin = performance.now();
    await expect(job.result({ timeoutMs: 30 })).rejects.toMatchObject({
      name: 'WanGPError',
      code: 'ERR_WANGP_TIMEOUT',
      message: expect.stringContaining('30 ms') as string,
    });
    expect(performance.now() - begin).toBeLessThan(15_000);
    await expect(job.join({ timeoutMs: 0 })).rejects.toMatchObject({ code: 'ERR_WANGP_TIMEOUT' });
    expect([job.done, job.cancelRequested]).toEqual([false, false]);
    await openGate();
    const result = await job.result({ timeoutMs: 20_000 });
    expect(result.success).toBe(true);
    expect(await job.result({ timeoutMs: 0 })).toBe(result);
    expect(await job.join()).toBe(result);
  });

  test('ends with the reason of a signal that aborts; the job goes on', async () => {
    await closeGate();
    const job = await session.submitTask({ script: 'kept["gate"].wait(20)' });
    const controller = new AbortController();
    const waiting = job.result({ signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(job.result({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect([job.done, job.cancelRequested]).toEqual([false, false]);
    await openGate();
    const { signal } = new AbortController();
    const result = await job.result({ signal, timeoutMs: 20_000 });
    expect(result.success).toBe(true);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(await job.result({ signal: AbortSignal.abort() })).toBe(result);
  });
});

describe('leaving a session', () => {
  test('cancels the running job, and closes the session', async () => {
    const job = await session.submitTask({ script: UNTIL_CANCELLED });
    await running(job);
    await session[Symbol.asyncDispose]();
    expect(job.done).toBe(true);
    expect(await job.result()).toMatchObject(CANCELLED);
    // A child has ended with its last session.
    expect(await session.call('evaluate', ['session.closed'])).toBe(IN_CHILD ? 0 : 1);
  });

  test.each(['accepted', 'refused'])('withdraws a submit that would be %s, and closes the session', async (outcome) => {
    await holdSubmits('before');
    const settings = outcome === 'refused' ? { refuse: 'no' } : { script: UNTIL_CANCELLED };
    const submitting = expect(session.submitTask(settings)).rejects.toMatchObject({ name: 'AbortError' });
    await submitIsHeld();
    const left = session[Symbol.asyncDispose]();
    await openGate();
    await left;
    await submitting;
    expect(await session.call('evaluate', ['[session.closed, session._active_job is None]'])).toEqual([
      IN_CHILD ? 0 : 1,
      true,
    ]);
  });
});
