import type { Callbacks } from '../job/callbacks';
import { tellsDeath } from '../job/control';
import { Job, type SessionJob } from '../job/job';
import { failedResult, type GenerationResult, type SessionEvent } from '../job/records';
import { JobState } from '../job/state';
import { forPool, type WanGPSession } from '../session/session';
import { invalid } from '../validate';
import type { Content } from './content';
import type { Line, Waiting } from './line';

export interface PoolJobOptions {
  readonly content: Content;
  readonly callbacks: Callbacks | undefined;
  readonly priority: number;
  /** What relative paths in its settings are relative to. */
  readonly cwd: string;
  readonly line: Line<PoolJobControl>;
  /** Called when the job has left the line by its cancellation. */
  readonly onWithdrawn: () => void;
}

/** Why a job has not ended on a worker. `died`: its Python has. `refused`: it is of no use any more, and has not run this job. */
export interface Interruption {
  readonly kind: 'died' | 'refused';
  readonly message: string;
}

/** What a pool does with a job: it lets it wait, and hands it to one worker after another until that is its end. */
export class PoolJobControl extends JobState implements Waiting {
  readonly handle: PoolJob;
  readonly priority: number;
  readonly content: Content;
  overtaken = 0;
  /** How often a worker was handed it. */
  attempts = 0;
  /** Whether WanGP has accepted it, so that its models were loaded. */
  isAccepted = false;
  readonly #options: PoolJobOptions;
  readonly #cancellation = new AbortController();
  #toldPosition = 0;

  constructor(options: PoolJobOptions) {
    // What callbacks and listeners throw is nobody's to catch, as in any event listener.
    super(options.callbacks, (error) => {
      queueMicrotask(() => {
        throw error;
      });
    });
    this.#options = options;
    this.priority = options.priority;
    this.content = options.content;
    this.handle = new PoolJob(this);
  }

  get firstModel(): string | null {
    return this.content.firstModel;
  }

  get position(): number {
    return this.#options.line.positionOf(this);
  }

  /** Tells its position where that has changed. */
  tellPosition(position: number): void {
    if (position === this.#toldPosition) return;
    this.#toldPosition = position;
    this.receive({ kind: 'queued', data: { position }, timestamp: Date.now() / 1000 });
  }

  /**
   * Runs it on a session. Resolves when it has ended, or was interrupted. That is not told to anybody yet: the pool may
   * run it again.
   */
  async runOn(session: WanGPSession): Promise<Interruption | undefined> {
    this.attempts += 1;
    this.isAccepted = false;
    this.#toldPosition = 0;
    const { content, cwd } = this.#options;
    let job: SessionJob;
    try {
      job = await forPool.submit(session, content.request, cwd, this.#cancellation.signal);
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string };
      if (code === 'ERR_WANGP_CHILD_ENDED') return { kind: 'died', message };
      // It is no pool's session that others use: WanGP has lost a job. A child can be replaced.
      if (code === 'ERR_WANGP_BUSY' && session.info.place === 'child') {
        this.attempts -= 1;
        return { kind: 'refused', message };
      }
      if (this.cancelRequested) this.concludeCancelled();
      else this.conclude(failedResult(messageOf(error), content.tasks, 'validation'));
      return undefined;
    }
    this.isAccepted = true;
    return new Promise((resolve) => {
      const dropped = new Map<string, number>();
      job.on('*', (event) => {
        // They are kept by this job.
        job.events.clear();
        for (const [kind, count] of Object.entries(job.events.dropped)) {
          this.events.countDropped(kind, count - (dropped.get(kind) ?? 0));
          dropped.set(kind, count);
        }
        this.#hear(event, resolve);
      });
    });
  }

  concludeCancelled(): void {
    this.conclude(failedResult('the job was cancelled before it began', this.content.tasks, 'cancelled'));
  }

  #hear(event: SessionEvent, end: (interruption: Interruption | undefined) => void): void {
    if (event.kind === 'error' && tellsDeath(event.data)) return;
    if (event.kind === 'completed') {
      const death = deathOf(event.data);
      if (death !== undefined) {
        end({ kind: 'died', message: death });
        return;
      }
    }
    this.receive(event);
    if (event.kind === 'completed') end(undefined);
  }

  protected override stop(): void {
    const { line, onWithdrawn } = this.#options;
    if (line.remove(this)) {
      // Nobody hears of it within `cancel()` itself.
      setImmediate(() => this.concludeCancelled());
      onWithdrawn();
    } else {
      this.#cancellation.abort();
    }
  }
}

function deathOf({ errors }: GenerationResult): string | undefined {
  return errors.find(tellsDeath)?.message;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * A job of a pool: it waits for its turn, runs on a worker, and ends. All that a session's job has, it has too.
 *
 * @example
 * const job = pool.submitTask({ prompt: 'a lighthouse' }, { priority: 1 });
 * job.on('queued', ({ data }) => console.log(`position ${data.position}`));
 * const result = await job.result();
 */
export class PoolJob extends Job {
  readonly #control: PoolJobControl;

  /** @internal Made by a pool. */
  constructor(control: PoolJobControl) {
    if (!(control instanceof PoolJobControl)) throw invalid('a job is made by pool.submit() and its like');
    super(control);
    this.#control = control;
  }

  /**
   * Its place in the line: 1 is the next to run. 0 once it runs, and when it has ended. Each change while it waits is an
   * event `queued` too.
   */
  get position(): number {
    return this.#control.position;
  }

  /** What it was submitted with. Jobs of a higher priority run first. */
  get priority(): number {
    return this.#control.priority;
  }

  /** How often a worker has taken it: 0 while it waits for the first time, more than 1 if a worker has died with it. */
  get attempts(): number {
    return this.#control.attempts;
  }

  override toJSON(): object {
    const { position, priority, attempts } = this;
    return { position, priority, attempts, ...super.toJSON() };
  }

  /** @internal */
  protected override shown(): object {
    const { position, priority } = this;
    return { position, priority, ...super.shown() };
  }
}
