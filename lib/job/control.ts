import { WanGPError } from '../errors';
import type { Channel, Runtime } from '../runtime/runtime';
import { type Callbacks, callBack } from './callbacks';
import { EventQueue } from './event-queue';
import { Listeners } from './listeners';
import { failedResult, type GenerationResult, isLost, type SessionEvent, toEventData } from './records';

/** What a session does with a job, and what the job itself consists of: out of reach of whoever has the job. */
export class JobControl {
  readonly events = new EventQueue();
  readonly listeners = new Listeners();
  readonly channel: Channel;
  readonly completed: Promise<GenerationResult>;
  /** Resolves when the job has ended, or was not accepted: nothing more will come of it. */
  readonly ended: Promise<void>;
  /** Resolves when cancellation is requested in time. */
  readonly cancellation: Promise<void>;

  readonly #runtime: Runtime;
  #callbacks: Callbacks | undefined;
  #complete!: (result: GenerationResult) => void;
  #end!: () => void;
  #requestCancel!: () => void;
  #submission: 'ahead' | 'under way' | 'over' = 'ahead';
  #done = false;
  #cancelRequested = false;
  #tasks = 1;

  constructor(runtime: Runtime, callbacks: Callbacks | undefined) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
    this.completed = new Promise((resolve) => (this.#complete = resolve));
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.cancellation = new Promise((resolve) => (this.#requestCancel = resolve));
    this.channel = runtime.openChannel({
      hear: (kind, data, timestamp, dropped) => {
        this.events.countDropped(kind, dropped + (isLost(kind, data) ? 1 : 0));
        if (isLost(kind, data)) return;
        this.#receive({ kind, data: toEventData(kind, data), timestamp } as SessionEvent);
      },
      lose: (error) => this.#fail(error),
    });
  }

  get done(): boolean {
    return this.#done;
  }

  get cancelRequested(): boolean {
    return this.#cancelRequested;
  }

  /** A job that has ended stays as it is, but `cancelRequested` becomes true, as in upstream. */
  cancel(): void {
    if (this.#cancelRequested) return;
    this.#cancelRequested = true;
    if (this.#done) return;
    this.#requestCancel();
    if (this.#submission === 'ahead') return;
    const submitting = this.#submission === 'under way';
    // The submit rejects: as far as its caller knows there is no job.
    if (submitting) this.#callbacks = undefined;
    this.#runtime.call('cancel', [this.channel, submitting], { lane: 'control' }).catch((error: unknown) => {
      // A child that has ended runs nothing.
      if (error instanceof WanGPError && error.code === 'ERR_WANGP_CHILD_ENDED') return;
      this.#runtime.reportUncaught(error);
    });
  }

  /** Runs the submit; the job is done when that is refused, for no event will come. */
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

  /** It will never be accepted. */
  abandon(): void {
    this.#done = true;
    this.#runtime.closeChannel(this.channel);
    this.events.close();
    this.#end();
  }

  /** The Python that ran it has died. */
  #fail({ message }: WanGPError): void {
    const result = failedResult(message, this.#tasks);
    const timestamp = Date.now() / 1000;
    for (const data of result.errors) this.#receive({ kind: 'error', data, timestamp });
    this.#receive({ kind: 'completed', data: result, timestamp });
  }

  #receive(event: SessionEvent): void {
    if (event.kind === 'started') this.#tasks = event.data.tasks;
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
    const report = (error: unknown): void => this.#runtime.reportUncaught(error);
    if (this.#callbacks !== undefined) callBack(this.#callbacks, event, report);
    this.listeners.tell(event, report);
  }
}
