import type { EventQueue, Reader } from './event-queue';
import type { SessionEvent } from './records';

/** One reader of a job's events, for a loop. */
export interface EventIterator extends AsyncIterableIterator<SessionEvent> {
  next(): Promise<IteratorResult<SessionEvent, undefined>>;
  /** Ends this reader; a `next()` that still waits is told so. */
  return(): Promise<IteratorResult<SessionEvent, undefined>>;
  [Symbol.asyncIterator](): EventIterator;
}

const END = { done: true, value: undefined } as const;

/** Written by hand: a generator's `return()` would wait for the `next()` that is pending, and that for an event. */
export class QueueIterator implements EventIterator {
  readonly #queue: EventQueue;
  #reader: Reader | undefined;
  #ended = false;
  readonly #pending: ((result: IteratorResult<SessionEvent, undefined>) => void)[] = [];

  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  next(): Promise<IteratorResult<SessionEvent, undefined>> {
    if (this.#ended) return Promise.resolve(END);
    const reader = (this.#reader ??= this.#queue.open());
    return new Promise((resolve) => {
      this.#pending.push(resolve);
      if (this.#pending.length === 1) this.#serve(reader);
    });
  }

  return(): Promise<IteratorResult<SessionEvent, undefined>> {
    this.#end();
    return Promise.resolve(END);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Each `next()` gets an event of its own, in their order. */
  #serve(reader: Reader): void {
    while (this.#pending.length > 0) {
      const event = reader.read();
      if (event !== undefined) this.#pending.shift()?.({ done: false, value: event });
      else if (this.#queue.closed) this.#end();
      else {
        reader.onReady(() => this.#serve(reader));
        return;
      }
    }
  }

  #end(): void {
    this.#ended = true;
    this.#reader?.close();
    for (const resolve of this.#pending.splice(0)) resolve(END);
  }
}
