import type { SessionEvent } from './records';

/** What an unread stream keeps at most; beyond either limit events give way by their kind. */
export const EVENT_LIMITS = { events: 10_000, bytes: 64 << 20 } as const;

/** The kinds that give way: of some only the latest matters, of the others the oldest goes first. */
const OVERFLOW: ReadonlyMap<string, 'all' | 'oldest'> = new Map([
  ['preview', 'all'],
  ['progress', 'all'],
  ['stream', 'oldest'],
]);

interface Entry {
  readonly event: SessionEvent;
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

/** Events in order, within {@link EVENT_LIMITS}. Every operation takes constant time, however many there are. */
export class EventQueue {
  #first: Entry | undefined;
  #last: Entry | undefined;
  #length = 0;
  #bytes = 0;
  /** Of each kind that gives way. */
  readonly #oldest = new Map<string, Entry>();
  readonly #newest = new Map<string, Entry>();

  /** Appends an event, and returns how many of its kind gave way to it. */
  push(event: SessionEvent): number {
    const size = sizeOf(event);
    const givenUp = this.#makeRoom(event.kind, size);
    const entry: Entry = { event, size, previous: this.#last, next: undefined, newer: undefined };
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#length += 1;
    this.#bytes += size;
    if (OVERFLOW.has(event.kind)) this.#appendToKind(entry);
    return givenUp;
  }

  /** Takes the first event. */
  shift(): SessionEvent | undefined {
    const entry = this.#first;
    if (entry !== undefined) this.#remove(entry);
    return entry?.event;
  }

  clear(): void {
    this.#first = this.#last = undefined;
    this.#length = this.#bytes = 0;
    this.#oldest.clear();
    this.#newest.clear();
  }

  #makeRoom(kind: string, size: number): number {
    const overflow = OVERFLOW.get(kind);
    if (overflow === undefined || !this.#isFull(size)) return 0;
    let count = 0;
    let oldest = this.#oldest.get(kind);
    while (oldest !== undefined && (overflow === 'all' || this.#isFull(size))) {
      this.#remove(oldest);
      count += 1;
      oldest = this.#oldest.get(kind);
    }
    return count;
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
