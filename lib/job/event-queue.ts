import type { SessionEvent } from './records';

/**
 * What a job keeps of its events at most, for all its readers together. Beyond either limit, the events that every
 * reader has read are forgotten first, oldest first. If that isn't enough, readers lose events that they haven't read:
 * of previews and of progress all but the latest, of console lines the oldest. Events of other kinds are never dropped.
 *
 * Of `queued` only the latest is kept in any case: a position that has changed is of no use. `dropped` doesn't count it.
 */
export const EVENT_LIMITS = Object.freeze({ events: 10_000, bytes: 64 << 20 } as const);

/** The kinds that give way: of some only the latest matters, of the others the oldest goes first. */
const OVERFLOW: ReadonlyMap<string, 'all' | 'oldest'> = new Map([
  ['preview', 'all'],
  ['progress', 'all'],
  ['stream', 'oldest'],
  ['queued', 'all'],
]);

interface Entry {
  readonly event: SessionEvent;
  /** Its place among all events of the job. */
  readonly number: number;
  readonly size: number;
  previous: Entry | undefined;
  next: Entry | undefined;
  /** The next one of the same kind, for kinds that give way. */
  newer: Entry | undefined;
}

function sizeOf(event: SessionEvent): number {
  if (event.kind === 'preview') return event.data.image?.data.byteLength ?? 0;
  return event.kind === 'stream' ? event.data.text.length * 2 : 0;
}

/** One reader's place in the events of a job. */
export interface Reader {
  /** Takes the next event; undefined where there is none yet, or none any more. */
  read(): SessionEvent | undefined;
  /** Calls `wake` once there is something to read, or the stream has closed. */
  onReady(wake: () => void): void;
  /** The reader wants no more: nothing is kept for it. */
  close(): void;
}

interface Place {
  next: Entry | undefined;
  wakes: (() => void)[];
}

/**
 * The events of a job in order, within {@link EVENT_LIMITS}, read by any number of readers, each of which sees all.
 * Every operation takes constant time, however many events there are.
 */
export class EventQueue {
  #first: Entry | undefined;
  #last: Entry | undefined;
  #length = 0;
  #bytes = 0;
  #count = 0;
  #closed = false;
  readonly #places = new Set<Place>();
  /** The number of the last event that any reader has had. */
  #had = 0;
  readonly #dropped: Record<string, number> = {};
  /** Of each kind that gives way. */
  readonly #oldest = new Map<string, Entry>();
  readonly #newest = new Map<string, Entry>();

  get closed(): boolean {
    return this.#closed;
  }

  /** How many events of each kind were dropped before every reader had read them. */
  get dropped(): Readonly<Record<string, number>> {
    return { ...this.#dropped };
  }

  /** How many events no reader has had. */
  get waiting(): number {
    let count = 0;
    for (let entry = this.#last; entry !== undefined && entry.number > this.#had; entry = entry.previous) count += 1;
    return count;
  }

  push(event: SessionEvent): void {
    const size = sizeOf(event);
    if (event.kind === 'queued') this.#removeOldest(event.kind);
    this.#makeRoom(event.kind, size);
    this.#count += 1;
    const entry: Entry = { event, number: this.#count, size, previous: this.#last, next: undefined, newer: undefined };
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#length += 1;
    this.#bytes += size;
    if (OVERFLOW.has(event.kind)) this.#appendToKind(entry);
    for (const place of this.#places) place.next ??= entry;
    this.#wake();
  }

  /** No event comes any more. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** Forgets all events, those that were not read included. */
  clear(): void {
    this.#first = this.#last = undefined;
    this.#length = this.#bytes = 0;
    this.#oldest.clear();
    this.#newest.clear();
    this.#had = this.#count;
    for (const place of this.#places) place.next = undefined;
  }

  countDropped(kind: string, count: number): void {
    if (count > 0) this.#dropped[kind] = (this.#dropped[kind] ?? 0) + count;
  }

  /** A reader that begins with the oldest event that is kept. */
  open(): Reader {
    const place: Place = { next: this.#first, wakes: [] };
    this.#places.add(place);
    return {
      read: () => {
        const entry = place.next;
        if (entry === undefined) return undefined;
        place.next = entry.next;
        this.#had = Math.max(this.#had, entry.number);
        return entry.event;
      },
      onReady: (wake) => {
        if (place.next !== undefined || this.#closed) wake();
        else place.wakes.push(wake);
      },
      close: () => void this.#places.delete(place),
    };
  }

  #wake(): void {
    for (const place of this.#places) {
      const wakes = place.wakes;
      if (wakes.length === 0) continue;
      place.wakes = [];
      for (const wake of wakes) wake();
    }
  }

  #makeRoom(kind: string, size: number): void {
    if (!this.#isFull(size)) return;
    const had = this.#hadByAll();
    while (this.#first !== undefined && this.#first.number <= had && this.#isFull(size)) this.#remove(this.#first);
    const overflow = OVERFLOW.get(kind);
    if (overflow === undefined || !this.#isFull(size)) return;
    while ((overflow === 'all' || this.#isFull(size)) && this.#removeOldest(kind)) this.countDropped(kind, 1);
  }

  /** Whether there was one, of a kind that gives way. */
  #removeOldest(kind: string): boolean {
    const oldest = this.#oldest.get(kind);
    if (oldest !== undefined) this.#remove(oldest);
    return oldest !== undefined;
  }

  #hadByAll(): number {
    let had = this.#had;
    for (const place of this.#places) if (place.next !== undefined) had = Math.min(had, place.next.number - 1);
    return had;
  }

  #isFull(size: number): boolean {
    return this.#length >= EVENT_LIMITS.events || this.#bytes + size > EVENT_LIMITS.bytes;
  }

  #appendToKind(entry: Entry): void {
    const { kind } = entry.event;
    const newest = this.#newest.get(kind);
    if (newest === undefined) this.#oldest.set(kind, entry);
    else newest.newer = entry;
    this.#newest.set(kind, entry);
  }

  /** Only the first entry of all, or the oldest of its kind, is ever removed. */
  #remove(entry: Entry): void {
    for (const place of this.#places) if (place.next === entry) place.next = entry.next;
    if (entry.previous === undefined) this.#first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.#last = entry.previous;
    else entry.next.previous = entry.previous;
    this.#length -= 1;
    this.#bytes -= entry.size;
    const { kind } = entry.event;
    if (this.#oldest.get(kind) !== entry) return;
    if (entry.newer === undefined) {
      this.#oldest.delete(kind);
      this.#newest.delete(kind);
    } else {
      this.#oldest.set(kind, entry.newer);
    }
  }
}
