import { WanGPError } from '../errors';
import type { PythonOptions } from '../session/connection';
import type { CheckedInitOptions } from '../session/options';
import type { Runtime } from '../runtime/runtime';
import { findRuntime } from '../session/places';
import { forPool, startSession, type WanGPSession } from '../session/session';
import type { Interruption, PoolJob, PoolJobControl } from './job';
import type { Serving } from './line';
import { residentBytes } from './memory';

/** What a worker's session is made with. */
export interface WorkerPlan {
  readonly options: CheckedInitOptions;
  readonly pythonOptions: PythonOptions;
}

/**
 * What a worker does. `closed`: it has no Python, because there was no job for it yet, its Python has died or could not
 * be started, or the pool is closed. `starting`: its Python starts, and imports WanGP.
 */
export type WorkerState = 'closed' | 'starting' | 'idle' | 'running';

/** A worker of a pool, as it is at one moment. */
export interface PoolWorker {
  /** From 0; its place in `workers` or `gpus`. */
  readonly index: number;
  /** The process that its Python runs in; null where there is none. */
  readonly pid: number | null;
  /** The GPU's name as torch gives it, `cuda`, or `cpu`; null until it has started once. */
  readonly device: string | null;
  /** The model that its job uses, or its last one has left loaded; null where it has none, or that isn't known. */
  readonly model: string | null;
  readonly state: WorkerState;
  readonly job: PoolJob | null;
  /** What its process has in main memory, in bytes; null where the system doesn't tell (everywhere but on Linux). */
  readonly memory: number | null;
  /** Why it could not be started; null where it could. */
  readonly error: Error | null;
}

/** How long a worker that could not be started is left alone while others work, in milliseconds. */
const RETRY_MS = 30_000;

/** How often in a row it may die while it starts, before that counts as a worker that can't be started. */
const START_ATTEMPTS = 3;

/** One session of a pool. Its Python is started when it is needed, and started anew when it has died. */
export class Worker implements Serving {
  readonly index: number;
  state: WorkerState = 'closed';
  model: string | null = null;
  error: Error | null = null;
  /** When it was left without work. */
  idleSince = 0;
  readonly #plan: WorkerPlan;
  readonly #onChange: () => void;
  #runtime: Runtime | undefined;
  #session: WanGPSession | undefined;
  #job: PoolJobControl | undefined;
  #starting: Promise<void> | undefined;
  #mayStartAt = 0;
  #diedStarting = 0;
  #isClosed = false;

  /** `onChange` is called when it has become free, or has died. */
  constructor(index: number, plan: WorkerPlan, onChange: () => void) {
    this.index = index;
    this.#plan = plan;
    this.#onChange = onChange;
  }

  get mayStart(): boolean {
    return this.state === 'closed' && Date.now() >= this.#mayStartAt;
  }

  /** Lets a worker be tried again that could not be started. */
  forgive(): void {
    this.#mayStartAt = 0;
  }

  /** Starts its Python; resolves when that has succeeded or failed (`error`), or is worth another try (neither). */
  start(): Promise<void> {
    this.state = 'starting';
    this.error = null;
    this.#starting = this.#open().then(
      () => {
        this.state = 'idle';
        this.#diedStarting = 0;
      },
      (error: unknown) => this.#fail(error),
    );
    return this.#starting;
  }

  /** Runs a job to its end; resolves with what became of it instead, where that is something else. */
  async run(job: PoolJobControl): Promise<Interruption | undefined> {
    const session = this.#session;
    if (session === undefined) throw new Error('a worker that has not started was given a job');
    this.state = 'running';
    this.#job = job;
    try {
      const interruption = await job.runOn(session);
      if (interruption?.kind === 'refused') await this.#end();
      else if (job.isAccepted && interruption === undefined && session.pid !== null) this.model = job.content.lastModel;
      return interruption;
    } finally {
      this.#job = undefined;
      this.idleSince = performance.now();
      this.state = session.pid === null ? 'closed' : 'idle';
    }
  }

  /** Once no job runs: ends its Python, a child that is, also one that still starts. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.state === 'starting') this.#runtime?.kill();
    await this.#starting;
    const session = this.#session;
    this.#session = undefined;
    this.#runtime = undefined;
    this.state = 'closed';
    this.model = null;
    // It may die before it has closed.
    await session?.close().catch(() => undefined);
  }

  /** Ends a child that is of no use. */
  async #end(): Promise<void> {
    const session = this.#session;
    if (session === undefined || session.pid === null) return;
    await new Promise<void>((resolve) => {
      const onExit = (): void => {
        session.off('exit', onExit);
        resolve();
      };
      session.on('exit', onExit);
      this.#runtime?.kill();
    });
  }

  describe(): PoolWorker {
    const { index, error } = this;
    // It hears a little later than whoever awaits the result that its job has ended.
    const job = this.#job?.done === true ? undefined : this.#job;
    const state = this.#job !== undefined && job === undefined ? 'idle' : this.state;
    const model = job === undefined ? (this.#job?.content.lastModel ?? this.model) : job.firstModel;
    const pid = this.#runtime?.pid ?? null;
    const device = this.#session?.info.device ?? null;
    return { index, pid, device, model, state, job: job?.handle ?? null, memory: residentBytes(pid), error };
  }

  #fail(error: unknown): void {
    this.state = 'closed';
    if (this.#isClosed) return;
    const hasDied = error instanceof WanGPError && error.code === 'ERR_WANGP_CHILD_ENDED';
    this.#diedStarting += 1;
    if (hasDied && this.#diedStarting < START_ATTEMPTS) return;
    this.#diedStarting = 0;
    this.error = error instanceof Error ? error : new Error(String(error));
    this.#mayStartAt = Date.now() + RETRY_MS;
    setTimeout(this.#onChange, RETRY_MS + 1).unref();
  }

  async #open(): Promise<void> {
    if (this.#session !== undefined) {
      await forPool.reopen(this.#session);
      return;
    }
    const { options, pythonOptions } = this.#plan;
    this.#runtime ??= await findRuntime(options, pythonOptions, true);
    if (this.#isClosed) throw new WanGPError('ERR_WANGP_CLOSED', 'the pool has been closed');
    this.#session = await startSession(this.#runtime, options, pythonOptions);
    this.#session.on('exit', () => {
      this.model = null;
      if (this.state !== 'idle') return;
      this.state = 'closed';
      this.#onChange();
    });
  }
}
