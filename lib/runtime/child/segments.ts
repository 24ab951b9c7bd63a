/** Segments that this process has made for the other one, and those of the other one's that it has opened. */
import type { SegmentHandle, SharedMemoryAddon } from '../native';

/** What is kept of segments that nobody uses, for the next: fresh memory costs many times what touched memory does. */
export const KEPT_SEGMENTS = Object.freeze({ bytes: 2 * 2 ** 30, idleMs: 10_000 } as const);

/** Smaller memory goes through the pipe: a preview costs less there than a segment of its own. */
export const SMALLEST_SHARED = 1 << 20;

/** Sizes are rounded up to it: a page, and what a segment of its own is worth. */
const STEP = 1 << 20;

/** A segment that this process has made. */
export interface OwnSegment {
  readonly number: number;
  readonly name: string;
  readonly capacity: number;
  readonly handle: SegmentHandle;
}

/** Makes segments, and has those used again that the other process has let go of. */
export class SegmentPool {
  readonly #addon: SharedMemoryAddon;
  readonly #tellClosed: (number: number) => void;
  readonly #used = new Map<number, OwnSegment>();
  /** Those that were let go of last come last. */
  #free: OwnSegment[] = [];
  #count = 0;
  #idle: NodeJS.Timeout | undefined;

  /** `tellClosed` hears the number of a segment that the other process may close. */
  constructor(addon: SharedMemoryAddon, tellClosed: (number: number) => void) {
    this.#addon = addon;
    this.#tellClosed = tellClosed;
  }

  /** One of at least `size` bytes. Throws where there is no memory for it. */
  take(size: number): OwnSegment {
    const fitting = this.#free.filter(({ capacity }) => capacity >= size && capacity <= 2 * size + STEP);
    const [found] = fitting.sort((one, other) => one.capacity - other.capacity);
    const segment = found ?? this.#make(size);
    this.#free = this.#free.filter((each) => each !== segment);
    this.#used.set(segment.number, segment);
    return segment;
  }

  /** The other process needs it no more. */
  giveBack(number: number): void {
    const segment = this.#used.get(number);
    if (segment === undefined) return;
    this.#used.delete(number);
    this.#free.push(segment);
    let bytes = this.#free.reduce((sum, { capacity }) => sum + capacity, 0);
    while (bytes > KEPT_SEGMENTS.bytes) bytes -= this.#closeOldest();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#closeFree(), KEPT_SEGMENTS.idleMs).unref();
  }

  /** The other process has ended. */
  close(): void {
    clearTimeout(this.#idle);
    for (const { handle } of [...this.#free, ...this.#used.values()]) this.#addon.closeSegment(handle);
    this.#free = [];
    this.#used.clear();
  }

  #make(size: number): OwnSegment {
    const capacity = Math.max(1, Math.ceil(size / STEP)) * STEP;
    this.#count += 1;
    return { number: this.#count, capacity, ...this.#addon.createSegment(capacity) };
  }

  #closeFree(): void {
    while (this.#free.length > 0) this.#closeOldest();
  }

  #closeOldest(): number {
    const segment = this.#free.shift();
    if (segment === undefined) return 0;
    this.#addon.closeSegment(segment.handle);
    this.#tellClosed(segment.number);
    return segment.capacity;
  }
}

/** The other process's segments, open from their first use until it gives them up. */
export class OpenSegments {
  readonly #addon: SharedMemoryAddon;
  readonly #handles = new Map<number, SegmentHandle>();

  constructor(addon: SharedMemoryAddon) {
    this.#addon = addon;
  }

  /** Throws where the other process, and its segment with it, is gone. */
  open({ number, name, capacity }: { number: number; name: string; capacity: number }): SegmentHandle {
    const known = this.#handles.get(number);
    if (known !== undefined) return known;
    const handle = this.#addon.openSegment(name, capacity);
    this.#handles.set(number, handle);
    return handle;
  }

  /** Its tensors keep its bytes. */
  close(number: number): void {
    const handle = this.#handles.get(number);
    if (handle === undefined) return;
    this.#handles.delete(number);
    this.#addon.closeSegment(handle);
  }

  closeAll(): void {
    for (const number of [...this.#handles.keys()]) this.close(number);
  }
}
