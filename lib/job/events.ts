import { ReadableStream } from 'node:stream/web';
import { inspect, type InspectOptions } from 'node:util';
import { abortError } from '../errors';
import { show } from '../show';
import { uncloneable } from '../uncloneable';
import { checkOptions, checkSignal, checkTimeout, isGiven } from '../validate';
import { type EventIterator, QueueIterator } from './event-iterator';
import type { EventQueue, Reader } from './event-queue';
import type { SessionEvent } from './records';
import { WAIT_OPTIONS, type WaitOptions } from './wait-options';

export { EVENT_LIMITS } from './event-queue';

const UNCLONEABLE = uncloneable('the events of a job stay in the thread that submitted it: post each event; it');

/**
 * The events of one job, in order, for any number of readers. A reader is a `for await` loop, a stream, or all calls of
 * `get()` together. Each reader sees every event. It begins with the oldest event that is kept, even if others have
 * read that one or the job has ended.
 *
 * What is kept doesn't grow without limit, see {@link EVENT_LIMITS}. `dropped` counts what readers have lost.
 */
export class JobEvents implements AsyncIterable<SessionEvent> {
  /** @internal */
  readonly uncloneable = UNCLONEABLE;
  readonly #queue: EventQueue;
  /** The one reader that all calls of `get()` share. */
  #reader: Reader | undefined;
  #waiting = new Set<(event: SessionEvent | null) => void>();
  #isListening = false;

  /** @internal */
  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  /** Whether the job's last event has arrived. Events that were not read yet can still be read. */
  get closed(): boolean {
    return this.#queue.closed;
  }

  /** How many events of each kind were dropped before every reader had read them, or while there was no reader. */
  get dropped(): Readonly<Record<string, number>> {
    return this.#queue.dropped;
  }

  /**
   * The next event; null when none came within `timeoutMs`, or when the stream is closed and read to its end.
   * Without `timeoutMs` it waits for as long as it takes. Rejects with the signal's reason when that aborts.
   *
   * Calls that wait at the same time get the same event. So a call that was left in a `Promise.race` takes nothing from
   * the next one. If an event comes before anybody calls again, the call that was left takes it: end it by `timeoutMs`
   * or `signal`.
   */
  async get(options?: WaitOptions | null): Promise<SessionEvent | null> {
    const { timeoutMs, signal } = checkOptions(options, WAIT_OPTIONS, 'events.get()');
    const limit = checkTimeout(timeoutMs);
    if (isGiven(signal)) checkSignal(signal);
    if (signal?.aborted) throw abortError(signal);
    this.#reader ??= this.#queue.open();
    const event = this.#reader.read() ?? null;
    if (event !== null || this.closed || limit === 0) return event;
    return this.#wait(this.#reader, limit, signal ?? undefined);
  }

  /** Forgets all events so far, for every reader. */
  clear(): void {
    this.#queue.clear();
  }

  [Symbol.asyncIterator](): EventIterator {
    return new QueueIterator(this.#queue);
  }

  /**
   * A web stream of the events, which is one more reader. It takes an event when it is asked for one, and closes after
   * the last. `cancel()` ends this reader only, not the job.
   */
  toReadableStream(): ReadableStream<SessionEvent> {
    const iterator = this[Symbol.asyncIterator]();
    return new ReadableStream<SessionEvent>(
      {
        pull: async (controller) => {
          const { done, value } = await iterator.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: async () => {
          await iterator.return();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    const { closed, dropped } = this;
    return show('JobEvents', { waiting: this.#queue.waiting, closed, dropped }, depth, options);
  }

  #wait(reader: Reader, timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<SessionEvent | null> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(arrive);
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const arrive = (event: SessionEvent | null): void => {
        end();
        resolve(event);
      };
      const onAbort = (): void => {
        end();
        if (signal !== undefined) reject(abortError(signal));
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => arrive(null), timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(arrive);
      this.#listen(reader);
    });
  }

  #listen(reader: Reader): void {
    if (this.#isListening) return;
    this.#isListening = true;
    reader.onReady(() => {
      this.#isListening = false;
      // Who waited may have given up: then the event is the next call's.
      if (this.#waiting.size === 0) return;
      const event = reader.read() ?? null;
      for (const arrive of this.#waiting) arrive(event);
    });
  }
}
