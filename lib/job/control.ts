import { WanGPError } from '../errors';
import type { Channel, Runtime } from '../runtime/runtime';
import type { Callbacks } from './callbacks';
import { failedResult, type GenerationError, isLost, type SessionEvent, toEventData } from './records';
import { JobState } from './state';

const deaths = new WeakSet<GenerationError>();

/** Whether the Python that ran a job has died, and this error tells it. */
export function tellsDeath(error: GenerationError): boolean {
  return deaths.has(error);
}

/** What a session does with a job that a runtime runs. */
export class JobControl extends JobState {
  readonly channel: Channel;
  /** Resolves when cancellation is requested in time. */
  readonly cancellation: Promise<void>;

  readonly #runtime: Runtime;
  #requestCancel!: () => void;
  #submission: 'ahead' | 'under way' | 'over' = 'ahead';
  #tasks = 1;

  constructor(runtime: Runtime, callbacks: Callbacks | undefined) {
    super(callbacks, (error) => runtime.reportUncaught(error));
    this.#runtime = runtime;
    this.cancellation = new Promise((resolve) => (this.#requestCancel = resolve));
    this.channel = runtime.openChannel({
      hear: (kind, data, timestamp, dropped) => {
        this.events.countDropped(kind, dropped + (isLost(kind, data) ? 1 : 0));
        if (isLost(kind, data)) return;
        this.receive({ kind, data: toEventData(kind, data), timestamp } as SessionEvent);
      },
      lose: ({ message }) => {
        const result = failedResult(message, this.#tasks);
        for (const error of result.errors) deaths.add(error);
        this.conclude(result);
      },
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

  override abandon(): void {
    this.#runtime.closeChannel(this.channel);
    super.abandon();
  }

  override receive(event: SessionEvent): void {
    if (event.kind === 'started') this.#tasks = event.data.tasks;
    if (event.kind === 'completed') this.#runtime.closeChannel(this.channel);
    super.receive(event);
  }

  protected override stop(): void {
    this.#requestCancel();
    if (this.#submission === 'ahead') return;
    const submitting = this.#submission === 'under way';
    // The submit rejects: as far as its caller knows there is no job.
    if (submitting) this.silence();
    this.#runtime.call('cancel', [this.channel, submitting], { lane: 'control' }).catch((error: unknown) => {
      // A child that has ended runs nothing.
      if (error instanceof WanGPError && error.code === 'ERR_WANGP_CHILD_ENDED') return;
      this.#runtime.reportUncaught(error);
    });
  }
}
