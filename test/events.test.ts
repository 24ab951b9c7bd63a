import { describe, expect, test } from 'vitest';
import { EVENT_LIMITS, JobEvents } from '../lib/job/events.js';
import type { SessionEvent } from '../lib/job/records.js';

function event(kind: string, data: unknown = null): SessionEvent {
  return { kind, data, timestamp: 0 } as SessionEvent;
}

function line(text: string): SessionEvent {
  return event('stream', { stream: 'stdout', text });
}

function preview(progress: number, bytes = 1000): SessionEvent {
  return event('preview', { image: { data: Buffer.alloc(bytes) }, progress });
}

/** What can be read without waiting. */
async function readAll(events: JobEvents): Promise<SessionEvent[]> {
  const read: SessionEvent[] = [];
  for (;;) {
    const next = await events.get({ timeoutMs: 0 });
    if (next === null) return read;
    read.push(next);
  }
}

function countOf(read: readonly SessionEvent[], kind: string): number {
  return read.filter((each) => each.kind === kind).length;
}

describe('an unread stream', () => {
  test('keeps everything up to its limit', async () => {
    const events = new JobEvents();
    for (let count = 0; count < EVENT_LIMITS.events; count += 1) events.push(line(`${count}`));
    expect(events.dropped).toEqual({});
    expect(await readAll(events)).toHaveLength(EVENT_LIMITS.events);
  });

  test('loses its oldest lines', async () => {
    const events = new JobEvents();
    for (let count = 0; count < 3 * EVENT_LIMITS.events; count += 1) events.push(line(`${count}`));
    const read = await readAll(events);
    expect(read.length).toBeLessThanOrEqual(EVENT_LIMITS.events);
    expect(read.length).toBeGreaterThan(EVENT_LIMITS.events / 2);
    expect(events.dropped).toEqual({ stream: 3 * EVENT_LIMITS.events - read.length });
    const first = 3 * EVENT_LIMITS.events - read.length;
    expect(read.map((each) => (each.data as { text: string }).text)).toEqual(
      Array.from({ length: read.length }, (_, index) => `${first + index}`),
    );
  });

  test('keeps the latest preview and progress once it is full', async () => {
    const events = new JobEvents();
    for (let count = 0; count < EVENT_LIMITS.events / 2; count += 1) {
      events.push(preview(count));
      events.push(event('progress', { progress: count }));
    }
    for (let count = 0; count < 5; count += 1) {
      events.push(preview(90 + count));
      events.push(event('progress', { progress: 90 + count }));
    }
    const read = await readAll(events);
    const last = (kind: string): unknown => read.findLast((each) => each.kind === kind)?.data;
    expect(last('preview')).toMatchObject({ progress: 94 });
    expect(last('progress')).toMatchObject({ progress: 94 });
    for (const kind of ['preview', 'progress']) {
      expect(countOf(read, kind) + (events.dropped[kind] ?? 0)).toBe(EVENT_LIMITS.events / 2 + 5);
    }
  });

  test('holds no more bytes of previews than its limit', async () => {
    const events = new JobEvents();
    const bytes = EVENT_LIMITS.bytes / 8;
    for (let count = 0; count < 20; count += 1) events.push(preview(count, bytes));
    const read = await readAll(events);
    expect(countOf(read, 'preview')).toBeLessThanOrEqual(8);
    expect(read.at(-1)!.data).toMatchObject({ progress: 19 });
    expect(events.dropped).toEqual({ preview: 20 - read.length });
  });

  test('holds no more bytes of lines than its limit, long lines included', async () => {
    const events = new JobEvents();
    const text = 'x'.repeat(EVENT_LIMITS.bytes / 8);
    for (let count = 0; count < 9; count += 1) events.push(line(`${count}${text}`));
    const read = await readAll(events);
    expect(read.length).toBeLessThanOrEqual(4);
    expect((read.at(-1)!.data as { text: string }).text[0]).toBe('8');
    expect(read.length + events.dropped['stream']!).toBe(9);
  });

  test('never drops what else there is, before, between or after', async () => {
    const events = new JobEvents();
    const kinds = ['started', 'status', 'info', 'output', 'refresh_models', 'error', 'celebration'];
    for (let count = 0; count < 2 * EVENT_LIMITS.events; count += 1) {
      for (const kind of kinds) events.push(event(kind, count));
      if (count < 100) events.push(line(`${count}`));
    }
    events.push(event('completed'));
    const read = await readAll(events);
    for (const kind of kinds) expect(countOf(read, kind), kind).toBe(2 * EVENT_LIMITS.events);
    expect(read.at(-1)!.kind).toBe('completed');
    expect(Object.keys(events.dropped)).toEqual([]);
  });

  test('stays quick when it is full of what is never dropped', () => {
    const events = new JobEvents();
    for (let count = 0; count < 5 * EVENT_LIMITS.events; count += 1) events.push(event('status', count));
    const begin = process.cpuUsage();
    for (let count = 0; count < 50_000; count += 1) events.push(count % 10 === 0 ? preview(count) : line(`${count}`));
    const took = process.cpuUsage(begin).user / 1000;
    console.log(`50,000 events pushed to a full stream in ${took.toFixed(0)} ms`);
    expect(took).toBeLessThan(2000);
  });

  test('counts again from nothing once it was read or cleared', async () => {
    const events = new JobEvents();
    const bytes = EVENT_LIMITS.bytes / 4;
    for (let round = 0; round < 3; round += 1) {
      for (let count = 0; count < 4; count += 1) events.push(preview(count, bytes));
      if (round === 1) events.clear();
      else expect(await readAll(events)).toHaveLength(4);
    }
    expect(events.dropped).toEqual({});
  });

  test('counts a preview without a picture as nothing but an event', async () => {
    const events = new JobEvents();
    events.push(event('preview', { image: null }));
    events.push(event('preview', { image: undefined }));
    for (let count = 0; count < 3 * EVENT_LIMITS.events; count += 1) events.push(line('x'.repeat(1000)));
    const read = await readAll(events);
    expect(read.length).toBeLessThanOrEqual(EVENT_LIMITS.events);
    expect(read.length + events.dropped['stream']!).toBe(3 * EVENT_LIMITS.events + 2);
  });
});

describe('what was counted as dropped elsewhere', () => {
  test('is added', () => {
    const events = new JobEvents();
    events.countDropped('stream', 3);
    events.countDropped('stream', 4);
    events.countDropped('preview', 0);
    expect(events.dropped).toEqual({ stream: 7 });
    // A copy: nobody changes the counts from outside.
    (events.dropped as Record<string, number>)['stream'] = 0;
    expect(events.dropped).toEqual({ stream: 7 });
  });
});

describe('waiting readers', () => {
  test('each event goes to one of them, in the order in which they came', async () => {
    const events = new JobEvents();
    const readers = [events.get(), events.get(), events.get()];
    events.push(event('status', 1));
    events.push(event('status', 2));
    events.close();
    expect((await Promise.all(readers)).map((each) => each?.data ?? null)).toEqual([1, 2, null]);
  });

  test('a reader that gave up takes nothing', async () => {
    const events = new JobEvents();
    const impatient = events.get({ timeoutMs: 5 });
    expect(await impatient).toBeNull();
    events.push(event('status', 1));
    expect((await events.get())?.data).toBe(1);
  });

  test('an unlimited timeout is none', async () => {
    const events = new JobEvents();
    const reader = events.get({ timeoutMs: Infinity });
    setTimeout(() => events.push(event('status', 1)), 10);
    expect((await reader)?.data).toBe(1);
  });
});
