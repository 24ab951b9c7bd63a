import { EventQueue } from './event-queue';
import { checkTimeout } from '../session/options';
import type { SessionEvent } from './records';

export { EVENT_LIMITS } from './event-queue';

/**
 * The events of one job, in order, each to be read once: by `for await`, by `get()`, or by both.
 *
 * An unread stream doesn't grow without limit: beyond {@link EVENT_LIMITS} previews and progress keep the latest,
 * console lines lose their oldest; other events are never dropped. `dropped` counts what was given up, per kind.
 */
export class JobEvents implements AsyncIterable<SessionEvent> {
  readonly #queue = new EventQueue();
  #closed = false;
  #waiting = new Set<() => void>();
  readonly #dropped: Record<string, number> = {};

  /** Whether the job's last event has arrived. Events that were not read yet can still be read. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How many events of each kind were given up because nobody read them in time. */
  get dropped(): Readonly<Record<string, number>> {
    return { ...this.#dropped };
  }

  /**
   * The next event; null when none came within `timeoutMs`, or when the stream is closed and read to its end.
   * Without `timeoutMs` it waits for as long as it takes.
   */
  async get(options: { readonly timeoutMs?: number } = {}): Promise<SessionEvent | null> {
    const timeoutMs = checkTimeout(options.timeoutMs);
    const deadline = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    for (;;) {
      const event = this.#queue.shift();
      if (event !== undefined || this.#closed) return event ?? null;
      const left = deadline === undefined ? undefined : deadline - performance.now();
      if (left !== undefined && left <= 0) return null;
      await this.#wait(left);
    }
  }

  /** Forgets the events that were not read yet. */
  clear(): void {
    this.#queue.clear();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SessionEvent, void, undefined> {
    for (;;) {
      const event = await this.get();
      if (event === null) return;
      yield event;
    }
  }

  /** @internal */
  push(event: SessionEvent): void {
    this.countDropped(event.kind, this.#queue.push(event));
    this.#wake();
  }

  /** @internal */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** @internal */
  countDropped(kind: string, count: number): void {
    if (count > 0) this.#dropped[kind] = (this.#dropped[kind] ?? 0) + count;
  }

  #wait(timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => wake(), timeoutMs);
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
