import { inspect, type InspectOptions } from 'node:util';
import { abortError, WanGPError } from '../errors';
import { show } from '../show';
import { uncloneable } from '../uncloneable';
import { checkOptions, checkSignal, checkTimeout, invalid, isGiven } from '../validate';
import { JobControl } from './control';
import { JobEvents } from './events';
import { checkKind, type EventListener } from './listeners';
import type { EventData, GenerationResult } from './records';
import type { JobState } from './state';
import { WAIT_OPTIONS, type WaitOptions } from './wait-options';

const UNCLONEABLE = uncloneable(
  'a job stays in the thread that submitted it: post what its events and its result say, and tensors by share(); it',
);

/** A job, whatever runs it: its events, its result. */
export abstract class Job {
  /** @internal */
  readonly uncloneable = UNCLONEABLE;
  /** The job's events. */
  readonly events: JobEvents;

  readonly #control: JobState;

  /** @internal */
  constructor(control: JobState) {
    this.#control = control;
    this.events = new JobEvents(control.events);
  }

  /** Whether the job has ended. A session accepts the next one from then on. */
  get done(): boolean {
    return this.#control.done;
  }

  /** Whether `cancel()` was called, even if that was too late, or the submit's signal aborted while the job ran. */
  get cancelRequested(): boolean {
    return this.#control.cancelRequested;
  }

  /**
   * How the job ended. Never rejects for a failed generation: look at `success` and `errors`.
   * Rejects with `ERR_WANGP_TIMEOUT` after `timeoutMs`, with the signal's reason when it aborts; the job goes on.
   */
  async result(options?: WaitOptions | null): Promise<GenerationResult> {
    const { timeoutMs, signal } = checkOptions(options, WAIT_OPTIONS, 'result()');
    const limit = checkTimeout(timeoutMs);
    if (isGiven(signal)) checkSignal(signal);
    const { completed, done } = this.#control;
    if (done || (limit === undefined && !isGiven(signal))) return completed;
    if (signal?.aborted) throw abortError(signal);
    const waits: Promise<GenerationResult>[] = [completed];
    const ends: (() => void)[] = [];
    if (limit !== undefined) {
      waits.push(
        new Promise((_, reject) => {
          const timer = setTimeout(() => reject(timeoutError(limit)), limit);
          ends.push(() => clearTimeout(timer));
        }),
      );
    }
    if (isGiven(signal)) {
      waits.push(
        new Promise((_, reject) => {
          const onAbort = (): void => reject(abortError(signal));
          signal.addEventListener('abort', onAbort, { once: true });
          ends.push(() => signal.removeEventListener('abort', onAbort));
        }),
      );
    }
    try {
      return await Promise.race(waits);
    } finally {
      for (const end of ends) end();
    }
  }

  /** The same as `result()`. */
  join(options?: WaitOptions | null): Promise<GenerationResult> {
    return this.result(options);
  }

  /**
   * Requests cancellation and returns at once. The result is then `cancelled`. A job that has ended stays as it is.
   */
  cancel(): void {
    this.#control.cancel();
  }

  /**
   * Calls `listener` with each event of `kind` from now on; `*` stands for every kind. Added as soon as the submit has
   * given the job, it misses nothing. What a listener throws is an uncaught exception, as in any event listener; the job goes on.
   */
  on<Kind extends keyof EventData | '*' | (string & {})>(kind: Kind, listener: EventListener<Kind>): this {
    this.#control.listeners.add(kind, listener, false);
    return this;
  }

  /** Calls `listener` with the next event of `kind`, as {@link on} does, and then no more. */
  once<Kind extends keyof EventData | '*' | (string & {})>(kind: Kind, listener: EventListener<Kind>): this {
    this.#control.listeners.add(kind, listener, true);
    return this;
  }

  /** Removes a listener that {@link on} or {@link once} added. */
  off<Kind extends keyof EventData | '*' | (string & {})>(kind: Kind, listener: EventListener<Kind>): this {
    checkKind(kind);
    this.#control.listeners.remove(kind, listener);
    return this;
  }

  /** For `JSON.stringify`: what is plain of it. */
  toJSON(): object {
    const { done, cancelRequested } = this;
    return { done, cancelRequested };
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return show(this.constructor.name, this.shown(), depth, options);
  }

  /** @internal What a person wants to see of it. */
  protected shown(): object {
    const { done, cancelRequested, events } = this;
    return { done, cancelRequested, events };
  }
}

/** A generation under way. */
export class SessionJob extends Job {
  /** @internal Made by a session. */
  constructor(control: JobControl) {
    if (!(control instanceof JobControl)) throw invalid('a job is made by session.submit() and its like');
    super(control);
  }
}

function timeoutError(timeoutMs: number): WanGPError {
  return new WanGPError(
    'ERR_WANGP_TIMEOUT',
    `the job has not ended within ${timeoutMs} ms; it goes on: wait again, or cancel() it`,
  );
}
