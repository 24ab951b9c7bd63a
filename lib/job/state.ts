import { type Callbacks, callBack } from './callbacks';
import { EventQueue } from './event-queue';
import { Listeners } from './listeners';
import type { GenerationResult, SessionEvent } from './records';

/** What every job consists of, whatever runs it: what it has told, and who hears it. Out of reach of whoever has it. */
export abstract class JobState {
  readonly events = new EventQueue();
  readonly listeners = new Listeners();
  readonly completed: Promise<GenerationResult>;
  /** Resolves when the job has ended, or was not accepted: nothing more will come of it. */
  readonly ended: Promise<void>;

  #callbacks: Callbacks | undefined;
  readonly #report: (error: unknown) => void;
  #complete!: (result: GenerationResult) => void;
  #end!: () => void;
  #done = false;
  #cancelRequested = false;

  /** `report` takes what callbacks and listeners throw. */
  constructor(callbacks: Callbacks | undefined, report: (error: unknown) => void) {
    this.#callbacks = callbacks;
    this.#report = report;
    this.completed = new Promise((resolve) => (this.#complete = resolve));
    this.ended = new Promise((resolve) => (this.#end = resolve));
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
    if (!this.#done) this.stop();
  }

  /** It will never be accepted. */
  abandon(): void {
    this.#done = true;
    this.events.close();
    this.#end();
  }

  /** Takes the job's next event and tells it to whoever hears it; `completed` is the last one. */
  receive(event: SessionEvent): void {
    if (event.kind === 'completed') this.#done = true;
    this.events.push(event);
    if (event.kind === 'completed') {
      this.events.close();
      this.#end();
      this.#complete(event.data);
    }
    if (this.#callbacks !== undefined) callBack(this.#callbacks, event, this.#report);
    this.listeners.tell(event, this.#report);
  }

  /** Ends the job with a result that is not WanGP's: each error is told, then the result. */
  conclude(result: GenerationResult): void {
    const timestamp = Date.now() / 1000;
    for (const data of result.errors) this.receive({ kind: 'error', data, timestamp });
    this.receive({ kind: 'completed', data: result, timestamp });
  }

  /** Cancellation was requested in time. */
  protected abstract stop(): void;

  /** As far as its caller knows there is no job: no callback is called any more. */
  protected silence(): void {
    this.#callbacks = undefined;
  }
}
