import { abortError, WanGPError } from '../errors';
import { JobEvents } from './events';
import { type Callbacks, checkTimeout, type WaitOptions } from '../session/options';
import { type CallbackEvent, type GenerationResult, isLost, type SessionEvent, toEventData } from './records';
import type { Runtime } from '../runtime/embedded';

/** The kinds of event that have a callback, and the names that upstream gives them in `onEvent`. */
const CALLBACKS = {
  progress: ['onProgress', 'progress'],
  preview: ['onPreview', 'preview'],
  stream: ['onStream', 'stream'],
  status: ['onStatus', 'status'],
  info: ['onInfo', 'info'],
  output: ['onOutput', 'output'],
  completed: ['onComplete', 'complete'],
  error: ['onError', 'error'],
} as const satisfies Record<string, readonly [keyof Callbacks, CallbackEvent['kind']]>;

/** A generation under way. */
export class SessionJob {
  /** Everything the job tells, to be read once. */
  readonly events = new JobEvents();
  /** @internal */
  readonly channel: number;

  readonly #runtime: Runtime;
  #callbacks: Callbacks | undefined;
  readonly #completed: Promise<GenerationResult>;
  #complete!: (result: GenerationResult) => void;
  #end!: () => void;
  #submission: 'ahead' | 'under way' | 'over' = 'ahead';
  #done = false;
  #cancelRequested = false;
  #requestCancel!: () => void;

  /** @internal Resolves when the job has ended, or was not accepted: nothing more will come of it. */
  readonly ended: Promise<void>;
  /** @internal Resolves when cancellation is requested. */
  readonly cancellation: Promise<void>;

  /** @internal */
  constructor(runtime: Runtime, callbacks: Callbacks | undefined) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
    this.#completed = new Promise((resolve) => (this.#complete = resolve));
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.cancellation = new Promise((resolve) => (this.#requestCancel = resolve));
    this.channel = runtime.openChannel((kind, data, timestamp, dropped) => {
      this.events.countDropped(kind, dropped + (isLost(kind, data) ? 1 : 0));
      if (isLost(kind, data)) return;
      this.#receive({ kind, data: toEventData(kind, data), timestamp } as SessionEvent);
    });
  }

  /** Whether the job has ended. The session accepts the next one from then on. */
  get done(): boolean {
    return this.#done;
  }

  /** Whether `cancel()` was called, or the submit's signal aborted. */
  get cancelRequested(): boolean {
    return this.#cancelRequested;
  }

  /**
   * How the job ended. Never rejects for a failed generation: look at `success` and `errors`.
   * Rejects with `ERR_WANGP_TIMEOUT` after `timeoutMs`, with the signal's reason when it aborts; the job goes on.
   */
  async result(options: WaitOptions = {}): Promise<GenerationResult> {
    const { signal } = options;
    const timeoutMs = checkTimeout(options.timeoutMs);
    if (this.#done || (timeoutMs === undefined && signal === undefined)) return this.#completed;
    if (signal?.aborted) throw abortError(signal);
    const waits: Promise<GenerationResult>[] = [this.#completed];
    const ends: (() => void)[] = [];
    if (timeoutMs !== undefined) {
      waits.push(
        new Promise((_, reject) => {
          const timer = setTimeout(() => reject(timeoutError(timeoutMs)), timeoutMs);
          ends.push(() => clearTimeout(timer));
        }),
      );
    }
    if (signal !== undefined) {
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
  join(options: WaitOptions = {}): Promise<GenerationResult> {
    return this.result(options);
  }

  /** Requests cancellation and returns at once; the result then says `cancelled`. A job that has ended stays as it is. */
  cancel(): void {
    if (this.#done || this.#cancelRequested) return;
    this.#cancelRequested = true;
    this.#requestCancel();
    if (this.#submission === 'ahead') return;
    const submitting = this.#submission === 'under way';
    // The submit rejects: as far as its caller knows there is no job.
    if (submitting) this.#callbacks = undefined;
    this.#runtime.call('cancel', [this.channel, submitting], { lane: 'control' }).catch((error: unknown) => {
      this.#runtime.reportUncaught(error);
    });
  }

  /** @internal Runs the submit; the job is done when that is refused, for no event will come. */
  async submitBy(submit: () => Promise<unknown>): Promise<void> {
    this.#submission = 'under way';
    try {
      await submit();
    } catch (error) {
      this.abandon();
      throw error;
    } finally {
      this.#submission = 'over';
    }
  }

  /** @internal It will never be accepted. */
  abandon(): void {
    this.#done = true;
    this.#runtime.closeChannel(this.channel);
    this.events.close();
    this.#end();
  }

  #receive(event: SessionEvent): void {
    if (event.kind === 'completed') {
      this.#done = true;
      this.#runtime.closeChannel(this.channel);
    }
    this.events.push(event);
    if (event.kind === 'completed') {
      this.events.close();
      this.#end();
      this.#complete(event.data);
    }
    this.#callBack(event);
  }

  #callBack(event: SessionEvent): void {
    if (this.#callbacks === undefined || !Object.hasOwn(CALLBACKS, event.kind)) return;
    const [name, kind] = CALLBACKS[event.kind as keyof typeof CALLBACKS];
    this.#callMethod(name, event.data);
    this.#callMethod('onEvent', { ...event, kind });
  }

  #callMethod(name: keyof Callbacks, argument: unknown): void {
    try {
      const callbacks = this.#callbacks ?? {};
      const method: unknown = Reflect.get(callbacks, name);
      if (typeof method === 'function') Reflect.apply(method, callbacks, [argument]);
    } catch (error) {
      this.#runtime.reportUncaught(error);
    }
  }
}

function timeoutError(timeoutMs: number): WanGPError {
  return new WanGPError(
    'ERR_WANGP_TIMEOUT',
    `the job has not ended within ${timeoutMs} ms; it goes on: wait again, or cancel() it`,
  );
}
