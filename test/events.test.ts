import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../lib/errors.js';
import { EVENT_LIMITS, EventQueue } from '../lib/job/event-queue.js';
import { JobEvents } from '../lib/job/events.js';
import { Listeners } from '../lib/job/listeners.js';
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

function makeEvents(): { events: JobEvents; queue: EventQueue } {
  const queue = new EventQueue();
  return { events: new JobEvents(queue), queue };
}

function dataOf(read: readonly (SessionEvent | null)[]): unknown[] {
  return read.map((each) => each?.data);
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
    const { events, queue } = makeEvents();
    for (let count = 0; count < EVENT_LIMITS.events; count += 1) queue.push(line(`${count}`));
    expect(events.dropped).toEqual({});
    expect(await readAll(events)).toHaveLength(EVENT_LIMITS.events);
  });

  test('keeps the latest position in a line only, and counts no other one as dropped', async () => {
    const { events, queue } = makeEvents();
    const reader = events[Symbol.asyncIterator]();
    const heard = [reader.next()];
    for (const position of [3, 2]) {
      queue.push(event('queued', { position }));
      heard.push(reader.next());
    }
    queue.push(event('started'));
    queue.push(event('queued', { position: 1 }));
    expect(dataOf((await Promise.all(heard)).map(({ value }) => value ?? null))).toEqual([
      { position: 3 },
      { position: 2 },
      null,
    ]);
    expect((await readAll(events)).map(({ kind, data }) => [kind, data])).toEqual([
      ['started', null],
      ['queued', { position: 1 }],
    ]);
    expect(events.dropped).toEqual({});
  });

  test('loses its oldest lines', async () => {
    const { events, queue } = makeEvents();
    for (let count = 0; count < 3 * EVENT_LIMITS.events; count += 1) queue.push(line(`${count}`));
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
    const { events, queue } = makeEvents();
    for (let count = 0; count < EVENT_LIMITS.events / 2; count += 1) {
      queue.push(preview(count));
      queue.push(event('progress', { progress: count }));
    }
    for (let count = 0; count < 5; count += 1) {
      queue.push(preview(90 + count));
      queue.push(event('progress', { progress: 90 + count }));
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
    const { events, queue } = makeEvents();
    const bytes = EVENT_LIMITS.bytes / 8;
    for (let count = 0; count < 20; count += 1) queue.push(preview(count, bytes));
    const read = await readAll(events);
    expect(countOf(read, 'preview')).toBeLessThanOrEqual(8);
    expect(read.at(-1)!.data).toMatchObject({ progress: 19 });
    expect(events.dropped).toEqual({ preview: 20 - read.length });
  });

  test('holds no more bytes of lines than its limit, long lines included', async () => {
    const { events, queue } = makeEvents();
    const text = 'x'.repeat(EVENT_LIMITS.bytes / 8);
    for (let count = 0; count < 9; count += 1) queue.push(line(`${count}${text}`));
    const read = await readAll(events);
    expect(read.length).toBeLessThanOrEqual(4);
    expect((read.at(-1)!.data as { text: string }).text[0]).toBe('8');
    expect(read.length + events.dropped['stream']!).toBe(9);
  });

  test('never drops an event that is no line, preview or progress', async () => {
    const { events, queue } = makeEvents();
    const kinds = ['started', 'status', 'info', 'output', 'refresh_models', 'error', 'celebration'];
    for (let count = 0; count < 2 * EVENT_LIMITS.events; count += 1) {
      for (const kind of kinds) queue.push(event(kind, count));
      if (count < 100) queue.push(line(`${count}`));
    }
    queue.push(event('completed'));
    const read = await readAll(events);
    for (const kind of kinds) expect(countOf(read, kind), kind).toBe(2 * EVENT_LIMITS.events);
    expect(read.at(-1)!.kind).toBe('completed');
    expect(Object.keys(events.dropped)).toEqual([]);
  });

  test('takes 50,000 events within 2 s when it is full of what is never dropped', () => {
    const { queue } = makeEvents();
    for (let count = 0; count < 5 * EVENT_LIMITS.events; count += 1) queue.push(event('status', count));
    const begin = process.cpuUsage();
    for (let count = 0; count < 50_000; count += 1) queue.push(count % 10 === 0 ? preview(count) : line(`${count}`));
    const took = process.cpuUsage(begin).user / 1000;
    console.log(`50,000 events pushed to a full stream in ${took.toFixed(0)} ms`);
    expect(took).toBeLessThan(2000);
  });

  test('has room for its whole limit again once it was read or cleared', async () => {
    const { events, queue } = makeEvents();
    const bytes = EVENT_LIMITS.bytes / 4;
    for (let round = 0; round < 3; round += 1) {
      for (let count = 0; count < 4; count += 1) queue.push(preview(count, bytes));
      if (round === 1) events.clear();
      else expect(await readAll(events)).toHaveLength(4);
    }
    expect(events.dropped).toEqual({});
  });

  test('counts a preview without a picture as nothing but an event', async () => {
    const { events, queue } = makeEvents();
    queue.push(event('preview', { image: null }));
    queue.push(event('preview', { image: undefined }));
    for (let count = 0; count < 3 * EVENT_LIMITS.events; count += 1) queue.push(line('x'.repeat(1000)));
    const read = await readAll(events);
    expect(read.length).toBeLessThanOrEqual(EVENT_LIMITS.events);
    expect(read.length + events.dropped['stream']!).toBe(3 * EVENT_LIMITS.events + 2);
  });
});

describe('events that were dropped elsewhere', () => {
  test('are added to `dropped`, which nobody can change from outside', () => {
    const { events, queue } = makeEvents();
    queue.countDropped('stream', 3);
    queue.countDropped('stream', 4);
    queue.countDropped('preview', 0);
    expect(events.dropped).toEqual({ stream: 7 });
    // A copy: nobody changes the counts from outside.
    (events.dropped as Record<string, number>)['stream'] = 0;
    expect(events.dropped).toEqual({ stream: 7 });
  });
});

describe('waiting readers', () => {
  test('calls of get() that wait at the same time get the same event, and the next call the next', async () => {
    const { events, queue } = makeEvents();
    const readers = [events.get(), events.get(), events.get()];
    queue.push(event('status', 1));
    queue.push(event('status', 2));
    queue.close();
    expect(dataOf(await Promise.all(readers))).toEqual([1, 1, 1]);
    expect(dataOf([await events.get(), await events.get()])).toEqual([2, undefined]);
  });

  test('a get() that was left in a Promise.race takes nothing from the get() after it', async () => {
    const { events, queue } = makeEvents();
    for (let count = 0; count < 3; count += 1) await Promise.race([events.get(), Promise.resolve('something else')]);
    const next = events.get();
    queue.push(event('status', 1));
    expect((await next)?.data).toBe(1);
  });

  test('a get() that its signal ended takes nothing, also when the event comes in the same turn', async () => {
    const { events, queue } = makeEvents();
    const controller = new AbortController();
    const given = events.get({ signal: controller.signal });
    controller.abort(new Error('enough'));
    queue.push(event('status', 1));
    await expect(given).rejects.toThrow('enough');
    await expect(events.get({ signal: controller.signal })).rejects.toThrow('enough');
    expect((await events.get())?.data).toBe(1);
  });

  test('a get() leaves no listener on its signal', async () => {
    const { events, queue } = makeEvents();
    const { signal } = new AbortController();
    const waiting = events.get({ signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    queue.push(event('status', 1));
    await waiting;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('a get() that timed out takes nothing from the get() after it', async () => {
    const { events, queue } = makeEvents();
    const impatient = events.get({ timeoutMs: 5 });
    expect(await impatient).toBeNull();
    queue.push(event('status', 1));
    expect((await events.get())?.data).toBe(1);
  });

  test('a get() with a timeout of Infinity waits until an event comes', async () => {
    const { events, queue } = makeEvents();
    const reader = events.get({ timeoutMs: Infinity });
    setTimeout(() => queue.push(event('status', 1)), 10);
    expect((await reader)?.data).toBe(1);
  });
});

describe('several readers', () => {
  /** What a loop over events that have ended sees. */
  async function loop(events: AsyncIterable<SessionEvent>): Promise<unknown[]> {
    const seen: unknown[] = [];
    for await (const { data } of events) seen.push(data);
    return seen;
  }

  test('a loop, a second one beside it, a stream and get() each see every event', async () => {
    const { events, queue } = makeEvents();
    const loops = [loop(events), loop(events), loop(events.toReadableStream())];
    queue.push(event('status', 1));
    await events.get();
    queue.push(event('status', 2));
    queue.close();
    expect(await Promise.all(loops)).toEqual([[1, 2], [1, 2], [1, 2]]); // prettier-ignore
    expect(dataOf(await readAll(events))).toEqual([2]);
  });

  test('a loop that begins late sees what others have read already', async () => {
    const { events, queue } = makeEvents();
    for (const count of [1, 2, 3]) queue.push(event('status', count));
    expect(await readAll(events)).toHaveLength(3);
    queue.close();
    expect(await loop(events)).toEqual([1, 2, 3]);
    expect(await loop(events)).toEqual([1, 2, 3]);
  });

  test('together they keep no more than the limits: what all have had goes first, of every kind', async () => {
    const { events, queue } = makeEvents();
    for (let count = 0; count < 3 * EVENT_LIMITS.events; count += 1) {
      queue.push(event('status', count));
      await events.get();
    }
    queue.push(event('progress', { progress: 1 }));
    queue.close();
    expect(events.dropped).toEqual({});
    const kept = await loop(events);
    expect(kept).toHaveLength(EVENT_LIMITS.events);
    expect(kept.slice(0, 2)).toEqual([2 * EVENT_LIMITS.events + 1, 2 * EVENT_LIMITS.events + 2]);
    expect(kept.at(-1)).toEqual({ progress: 1 });
  });

  test('what a slow one still lacks is kept for it, or is counted as dropped, though another has read it', async () => {
    const { events, queue } = makeEvents();
    const slow = events[Symbol.asyncIterator]();
    queue.push(event('started'));
    await slow.next();
    for (let count = 0; count < 2 * EVENT_LIMITS.events; count += 1) {
      queue.push(count % 2 === 0 ? event('status', count) : line(`${count}`));
      await events.get();
    }
    queue.close();
    const seen = await loop(slow);
    const statuses = seen.filter((data) => typeof data === 'number');
    expect(statuses).toEqual(Array.from({ length: EVENT_LIMITS.events }, (_, index) => 2 * index));
    expect(seen.length - statuses.length + events.dropped['stream']!).toBe(EVENT_LIMITS.events);
  });

  test('clear() forgets what any of them still lacks', async () => {
    const { events, queue } = makeEvents();
    const iterator = events[Symbol.asyncIterator]();
    queue.push(event('status', 1));
    queue.push(event('status', 2));
    await iterator.next();
    events.clear();
    queue.push(event('status', 3));
    queue.close();
    expect(await loop(iterator)).toEqual([3]);
    expect(dataOf(await readAll(events))).toEqual([3]);
  });
});

describe('an iterator', () => {
  test('return() beside a pending next() ends both at once', async () => {
    const { events, queue } = makeEvents();
    const iterator = events[Symbol.asyncIterator]();
    const pending = iterator.next();
    expect(await iterator.return()).toEqual({ done: true, value: undefined });
    expect(await pending).toEqual({ done: true, value: undefined });
    queue.push(event('status', 1));
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect((await events.get())?.data).toBe(1);
  });

  test('several next() that are pending get an event each, in their order, and the end', async () => {
    const { events, queue } = makeEvents();
    const iterator = events[Symbol.asyncIterator]();
    const pending = [iterator.next(), iterator.next(), iterator.next()];
    queue.push(event('status', 1));
    queue.push(event('status', 2));
    queue.close();
    expect((await Promise.all(pending)).map(({ value }) => value?.data)).toEqual([1, 2, undefined]);
  });
});

test('a listener that was added by once() and by on() is forgotten once, and stays', () => {
  const listeners = new Listeners();
  const heard: unknown[] = [];
  const listener = ({ data }: SessionEvent): void => void heard.push(data);
  listeners.add('info', listener, true);
  listeners.add('info', listener, false);
  for (const data of [0, 1, 2]) listeners.tell(event('info', data), () => {});
  expect(heard).toEqual([0, 0, 1, 2]);
});

test('EVENT_LIMITS and ERROR_CODES are nobody’s to change', () => {
  expect(Object.isFrozen(EVENT_LIMITS) && Object.isFrozen(ERROR_CODES)).toBe(true);
});

describe('a readable stream of events', () => {
  test('takes an event when it is asked for one, and cancel() ends this reader only', async () => {
    const { events, queue } = makeEvents();
    const reader = events.toReadableStream().getReader();
    queue.push(event('status', 1));
    queue.push(event('status', 2));
    expect((await reader.read()).value?.data).toBe(1);
    const pending = reader.read();
    expect((await pending).value?.data).toBe(2);
    const waiting = reader.read();
    await reader.cancel();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(dataOf(await readAll(events))).toEqual([1, 2]);
  });

  test('applies back-pressure: an unread stream takes nothing out of the queue', async () => {
    const { events, queue } = makeEvents();
    const stream = events.toReadableStream();
    for (let count = 0; count < 5; count += 1) queue.push(event('status', count));
    await new Promise(setImmediate);
    events.clear();
    queue.push(event('status', 'after'));
    queue.close();
    expect((await stream.getReader().read()).value?.data).toBe('after');
  });
});
