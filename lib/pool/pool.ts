import { inspect, type InspectOptions } from 'node:util';
import { workingDirectory } from '../directory';
import { abortError, WanGPError } from '../errors';
import { failedResult, type GenerationResult } from '../job/records';
import { checkUnbundled } from '../runtime/package';
import { manifestRequest, type Source, sourceRequest, type SubmitRequest, taskRequest } from '../session/requests';
import type { SettingsInput } from '../session/settings';
import { show } from '../show';
import { uncloneable } from '../uncloneable';
import { camelCase, invalid } from '../validate';
import { contentOf } from './content';
import { type Interruption, type PoolJob, PoolJobControl } from './job';
import { Line } from './line';
import {
  type CheckedPoolOptions,
  checkPoolOptions,
  checkPoolSubmitOptions,
  type PoolOptions,
  type PoolSubmitOptions,
} from './options';
import { type PoolWorker, Worker } from './worker';

const UNCLONEABLE = uncloneable('a pool stays in the thread that made it: post what its jobs say; it');

/**
 * Makes a pool: a line of jobs, and workers that run them. Nothing is started before there is a job.
 *
 * Throws a {@link WanGPError} for options that can't be used: `ERR_WANGP_ARGUMENT`, `ERR_WANGP_ROOT`, `ERR_WANGP_FILE`.
 *
 * @example
 * const pool = createPool({ root: '/home/me/Wan2GP', gpus: [0, 1], maxQueued: 100 });
 * const job = pool.submitTask({ model_type: 't2v', prompt: 'a lighthouse' });
 * job.on('queued', ({ data }) => console.log(`position ${data.position}`));
 * const { generatedFiles } = await job.result();
 * await pool.close();
 */
export function createPool(options?: PoolOptions | null): WanGPPool {
  checkUnbundled();
  return makePool(checkPoolOptions(options));
}

let makePool: (options: CheckedPoolOptions) => WanGPPool;

/**
 * Jobs that wait for their turn, and workers that run them: several children, each with a WanGP of its own, or the
 * session of this process. First in, first out within a priority; a job whose model a free worker has loaded may overtake
 * others (`maxOvertaken`).
 *
 * Workers are started when there is a job for them, and stay. A worker that has died is replaced.
 */
export class WanGPPool {
  /** @internal */
  readonly uncloneable = UNCLONEABLE;
  readonly #options: CheckedPoolOptions;
  readonly #line: Line<PoolJobControl>;
  readonly #workers: readonly Worker[];
  /** All that have not ended, those that wait included. */
  readonly #jobs = new Set<PoolJobControl>();
  #isTurnDue = false;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  static {
    makePool = (options) => new WanGPPool(options);
  }

  private constructor(options: CheckedPoolOptions) {
    if (!Array.isArray((options as Partial<CheckedPoolOptions> | undefined)?.plans))
      throw invalid('a pool is made by createPool()');
    this.#options = options;
    this.#line = new Line(options.maxOvertaken);
    this.#workers = options.plans.map((plan, index) => new Worker(index, plan, () => this.#schedule()));
  }

  /** The jobs that have not ended: those that run, then those that wait, in the order of the line. */
  get jobs(): readonly PoolJob[] {
    const waiting = new Set(this.#line.items);
    const running = [...this.#jobs].filter((job) => !waiting.has(job));
    return [...running, ...waiting].map(({ handle }) => handle);
  }

  /** The workers as they are now. */
  get workers(): readonly PoolWorker[] {
    return this.#workers.map((worker) => worker.describe());
  }

  /**
   * Lets a job wait for its turn: a settings object, a list of them, `{ tasks }`, or a saved `.json` or `.zip` file. It
   * is taken as it is now, but a file is read when its turn comes.
   *
   * Returns at once. Throws `ERR_WANGP_ARGUMENT`, `ERR_WANGP_VALUE`, `ERR_WANGP_QUEUE_FULL`, `ERR_WANGP_CLOSED`, and the
   * reason of a signal that has aborted. What goes wrong later, the job's result says.
   */
  submit(source: Source, options?: PoolSubmitOptions | null): PoolJob {
    return this.#submit(sourceRequest(source), options);
  }

  /** Lets a job of one task wait for its turn. Throws as {@link submit} does. */
  submitTask(settings: SettingsInput, options?: PoolSubmitOptions | null): PoolJob {
    return this.#submit(taskRequest(settings), options);
  }

  /** Lets a job of several tasks wait for its turn. Throws as {@link submit} does. */
  submitManifest(list: readonly SettingsInput[], options?: PoolSubmitOptions | null): PoolJob {
    return this.#submit(manifestRequest(list), options);
  }

  /** {@link submit}, then the result. */
  async run(source: Source, options?: PoolSubmitOptions | null): Promise<GenerationResult> {
    return this.submit(source, options).result();
  }

  /** {@link submitTask}, then the result. */
  async runTask(settings: SettingsInput, options?: PoolSubmitOptions | null): Promise<GenerationResult> {
    return this.submitTask(settings, options).result();
  }

  /** {@link submitManifest}, then the result. */
  async runManifest(list: readonly SettingsInput[], options?: PoolSubmitOptions | null): Promise<GenerationResult> {
    return this.submitManifest(list, options).result();
  }

  /** Resolves once no job waits or runs, those included that were submitted in the meantime. */
  async idle(): Promise<void> {
    while (this.#jobs.size > 0) await Promise.all([...this.#jobs].map(({ ended }) => ended));
  }

  /**
   * Cancels all jobs, waits for their end, and ends the workers. Jobs that wait end as cancelled and never reach WanGP.
   * To let them run first, wait for {@link idle}. A later submit throws `ERR_WANGP_CLOSED`.
   */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The same as {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    const workers = this.#workers.map(({ state }) => state);
    const waiting = this.#line.items.length;
    return show('WanGPPool', { workers, running: this.#jobs.size - waiting, waiting }, depth, options);
  }

  #submit(request: SubmitRequest, given: PoolSubmitOptions | null | undefined): PoolJob {
    const { callbacks, signal, priority } = checkPoolSubmitOptions(given, `${camelCase(request.method)}()`);
    if (signal?.aborted) throw abortError(signal);
    if (this.#isClosed) throw new WanGPError('ERR_WANGP_CLOSED', 'the pool has been closed: make another one');
    this.#checkRoom();
    const job = new PoolJobControl({
      content: contentOf(request),
      callbacks: callbacks ?? this.#options.callbacks,
      priority: priority ?? 0,
      cwd: workingDirectory('relative paths in settings are relative to it'),
      line: this.#line,
      onWithdrawn: () => this.#schedule(),
    });
    const onAbort = (): void => job.cancel();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#jobs.add(job);
    void job.ended.then(() => {
      signal?.removeEventListener('abort', onAbort);
      this.#jobs.delete(job);
    });
    // Where none works, those that could not be started are tried again for this job.
    if (this.#workers.every(({ state }) => state === 'closed')) for (const worker of this.#workers) worker.forgive();
    this.#line.add(job);
    this.#schedule();
    return job.handle;
  }

  #checkRoom(): void {
    const { maxQueued, plans } = this.#options;
    if (this.#jobs.size < plans.length + maxQueued) return;
    throw new WanGPError(
      'ERR_WANGP_QUEUE_FULL',
      `${this.#jobs.size} jobs have not ended, and no more than ${maxQueued} may wait (maxQueued): ` +
        'submit it again when pool.jobs has become shorter',
    );
  }

  /** What a turn does is done once for all that has happened before, and never within a caller's call. */
  #schedule(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(() => {
      this.#isTurnDue = false;
      this.#handOut();
      this.#startWorkers();
      for (const [index, job] of [...this.#line.items].entries()) job.tellPosition(index + 1);
    });
  }

  #handOut(): void {
    for (;;) {
      const free = this.#workers.filter(({ state }) => state === 'idle').sort((a, b) => a.idleSince - b.idleSince);
      const taken = this.#line.take(free);
      if (taken === undefined) return;
      void this.#run(...taken);
    }
  }

  async #run(job: PoolJobControl, worker: Worker): Promise<void> {
    const interruption = await worker.run(job);
    if (interruption !== undefined) this.#afterInterruption(job, interruption);
    this.#schedule();
  }

  #afterInterruption(job: PoolJobControl, { kind, message }: Interruption): void {
    const { attempts } = this.#options;
    if (kind === 'refused') {
      if (job.cancelRequested) job.concludeCancelled();
      else this.#line.putBack(job);
      return;
    }
    if (job.attempts >= attempts || job.cancelRequested) {
      job.conclude(failedResult(message, job.content.tasks));
      return;
    }
    const data = `attempt ${job.attempts} of ${attempts} has failed, the job waits for the next one: ${message}`;
    this.#line.putBack(job);
    job.receive({ kind: 'info', data, timestamp: Date.now() / 1000 });
  }

  /** As many as there is work for, which workers that start already will not take. */
  #startWorkers(): void {
    let lacking = this.#line.items.length;
    for (const { state } of this.#workers) if (state === 'starting') lacking -= 1;
    for (const worker of this.#workers) {
      if (lacking <= 0) return;
      if (!worker.mayStart) continue;
      lacking -= 1;
      void worker.start().then(() => {
        if (worker.error !== null) this.#afterFailedStart(worker.index, worker.error);
        this.#schedule();
      });
    }
  }

  /** Where no other worker is left that could take them or is worth a try, the jobs that wait end with the error. */
  #afterFailedStart(index: number, { message }: Error): void {
    if (this.#workers.some(({ state, mayStart }) => state !== 'closed' || mayStart)) {
      process.emitWarning(`worker ${index} of the pool could not be started: ${message}`, 'WanGPWarning');
      return;
    }
    for (const job of [...this.#line.items]) {
      if (!this.#line.remove(job)) continue;
      job.conclude(failedResult(`no worker of the pool could be started: ${message}`, job.content.tasks));
    }
  }

  async #close(): Promise<void> {
    for (const job of [...this.#jobs]) job.cancel();
    await this.idle();
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }
}
