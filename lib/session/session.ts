import { inspect, type InspectOptions } from 'node:util';
import { workingDirectory } from '../directory';
import { abortError, makeAbortError, WanGPError } from '../errors';
import type { Callbacks } from '../job/callbacks';
import { JobControl } from '../job/control';
import { SessionJob } from '../job/job';
import type { GenerationResult } from '../job/records';
import type { VideoTensor } from '../memory/tensor';
import { checkUnbundled } from '../runtime/package';
import type { ChildExit, Place, Runtime } from '../runtime/runtime';
import { show } from '../show';
import { uncloneable } from '../uncloneable';
import { camelCase, describe, invalid } from '../validate';
import { Connection, type InitAnswer, type PythonOptions } from './connection';
import { checkCall, hasMethod } from './arguments';
import {
  type RawImage,
  type RawVideo,
  registerImage,
  type RegisteredInput,
  registerVideo,
  type RegisterVideoOptions,
} from './inputs';
import { ModelLibrary } from './models';
import {
  type CheckedInitOptions,
  checkInitOptions,
  checkSubmitOptions,
  type InitOptions,
  type SubmitOptions,
} from './options';
import { ExitListeners } from './exit-listeners';
import { findRuntime } from './places';
import {
  type AudioPostprocessingOptions,
  type AudioRemuxOptions,
  type MediaPostprocessingOptions,
  postprocessingCall,
  type PostprocessingMethod,
  type PostprocessingOptions,
} from './postprocessing';
import { toPythonOptions } from './python-options';
import { manifestRequest, type Source, sourceRequest, type SubmitRequest, taskRequest } from './requests';
import { SAMPLE_ROOT, tellAboutSample } from './root';
import type { SettingsInput } from './settings';

/** What a session runs on. */
export interface SessionInfo {
  /** WanGP's version; null where it tells none. */
  readonly wangpVersion: string | null;
  readonly pythonVersion: string;
  /** The interpreter: `sys.executable`. */
  readonly python: string;
  readonly root: string;
  /** Where Python runs. */
  readonly place: Place;
  /** The GPU's name as torch gives it, `cuda`, or `cpu`. */
  readonly device: string;
  /** True for the embedded sample root: no AI, no weights, no WanGP. */
  readonly isSample: boolean;
  readonly isolation: {
    /** `thread`: jobs have working directories of their own. `absolute-paths`: the system allows none. */
    readonly workingDirectory: 'thread' | 'absolute-paths';
  };
}

/**
 * Starts Python, in this process or in a child (`place`), imports WanGP and makes a session.
 *
 * Rejects with a {@link WanGPError}: no suitable interpreter (`ERR_WANGP_PYTHON_…`), no core for it, no WanGP in
 * `root`, a missing package, an import that failed, or other options than those that WanGP was initialised with.
 */
export async function init(given?: InitOptions | null): Promise<WanGPSession> {
  checkUnbundled();
  const options = checkInitOptions(given);
  const pythonOptions = toPythonOptions(options);
  const runtime = await findRuntime(options, pythonOptions, false);
  return startSession(runtime, options, pythonOptions);
}

/** A session on a Python that {@link findRuntime} found for its options. */
export async function startSession(
  runtime: Runtime,
  options: CheckedInitOptions,
  pythonOptions: PythonOptions,
): Promise<WanGPSession> {
  const connection = new Connection(runtime, pythonOptions);
  const answer = await connection.open();
  if (!options.root) tellAboutSample(pythonOptions.root);
  return makeSession(connection, answer, options.callbacks ?? undefined);
}

const UNCLONEABLE = uncloneable(
  'a session stays in the thread that made it: call init() in the Worker too, both then use the same WanGP; it',
);

let makeSession: (connection: Connection, answer: InitAnswer, callbacks: Callbacks | undefined) => WanGPSession;

/** What a pool does with its sessions, beside what everybody may. */
export let forPool: {
  /** Starts a job as a submit does; `cwd` is what relative paths in its settings are relative to. */
  submit(session: WanGPSession, request: SubmitRequest, cwd: string, signal: AbortSignal): Promise<SessionJob>;
  /** Starts the session's child anew where that has ended. */
  reopen(session: WanGPSession): Promise<unknown>;
};

/** A reusable session of WanGP: one job at a time, with the model kept loaded from job to job. */
export class WanGPSession extends ModelLibrary {
  readonly info: SessionInfo;

  /** @internal */
  readonly uncloneable = UNCLONEABLE;
  readonly #connection: Connection;
  readonly #callbacks: Callbacks | undefined;
  readonly #exitListeners = new ExitListeners();
  /** Jobs that have not ended: accepted ones, and those that are about to be. */
  readonly #jobs = new Set<JobControl>();
  /** Those of them whose submit was withdrawn too late to be refused: the next submit waits for their end. */
  readonly #withdrawn = new Set<JobControl>();

  static {
    makeSession = (connection, answer, callbacks) => new WanGPSession(connection, answer, callbacks);
    forPool = {
      submit: (session, request, cwd, signal) => session.#start(request, cwd, signal, undefined),
      reopen: (session) => session.#connection.open(),
    };
  }

  private constructor(connection: Connection, answer: InitAnswer, callbacks: Callbacks | undefined) {
    super();
    if (!(connection instanceof Connection)) throw invalid('a session is made by init()');
    const { info } = answer;
    const { runtime } = connection;
    this.#connection = connection;
    connection.deathListener = (exit) => this.#exitListeners.tell(exit, (error) => runtime.reportUncaught(error));
    this.#callbacks = callbacks;
    this.info = {
      wangpVersion: info.wangp_version,
      pythonVersion: info.python_version,
      python: info.executable,
      root: info.root,
      place: runtime.place,
      device: info.device,
      isSample: info.root === SAMPLE_ROOT,
      isolation: { workingDirectory: info.own_working_directory ? 'thread' : 'absolute-paths' },
    };
  }

  /** The process that Python runs in; null while there is none, because the child has ended or was closed. */
  get pid(): number | null {
    return this.#connection.runtime.pid;
  }

  /**
   * Starts a job from a settings object, a list of them, `{ tasks }`, or a saved `.json` or `.zip` file.
   *
   * Rejects when the submission is refused: `ERR_WANGP_BUSY`, `ERR_WANGP_FILE`, `ERR_WANGP_SETTINGS_FILE`,
   * `ERR_WANGP_VALUE`, `ERR_WANGP_ARGUMENT`, or an AbortError. If the job fails later, its result says so.
   */
  async submit(source: Source, options?: SubmitOptions | null): Promise<SessionJob> {
    return this.#submit(sourceRequest(source), options);
  }

  /** Starts a job of one task. Rejects as {@link submit} does. */
  async submitTask(settings: SettingsInput, options?: SubmitOptions | null): Promise<SessionJob> {
    return this.#submit(taskRequest(settings), options);
  }

  /** Starts a job of several tasks, one after another. Rejects as {@link submit} does. */
  async submitManifest(list: readonly SettingsInput[], options?: SubmitOptions | null): Promise<SessionJob> {
    return this.#submit(manifestRequest(list), options);
  }

  /** {@link submit}, then the result. */
  async run(...args: Parameters<WanGPSession['submit']>): Promise<GenerationResult> {
    return (await this.submit(...args)).result();
  }

  /** {@link submitTask}, then the result. */
  async runTask(settings: SettingsInput, options?: SubmitOptions | null): Promise<GenerationResult> {
    return (await this.submitTask(settings, options)).result();
  }

  /** {@link submitManifest}, then the result. */
  async runManifest(list: readonly SettingsInput[], options?: SubmitOptions | null): Promise<GenerationResult> {
    return (await this.submitManifest(list, options)).result();
  }

  /**
   * Starts a job that upsamples an image or a video, or grains it. `source`, here and below, is a file or a part of one
   * ({@link buildVirtualMediaPath}). Rejects as {@link submit} does, and with `ERR_WANGP_UNSUPPORTED`.
   */
  async submitMediaPostprocessing(source: string | URL, options: MediaPostprocessingOptions): Promise<SessionJob> {
    return this.#postprocess('submit_media_postprocessing', source, options);
  }

  /** Starts a job that gives a video another soundtrack. Rejects as {@link submitMediaPostprocessing} does. */
  async submitAudioRemux(source: string | URL, options: AudioRemuxOptions): Promise<SessionJob> {
    return this.#postprocess('submit_audio_remux', source, options);
  }

  /** Starts a job that edits an audio file. Rejects as {@link submitMediaPostprocessing} does. */
  async submitAudioPostprocessing(source: string | URL, options: AudioPostprocessingOptions): Promise<SessionJob> {
    return this.#postprocess('submit_audio_postprocessing', source, options);
  }

  /** {@link submitMediaPostprocessing}, then the result. */
  async runMediaPostprocessing(
    ...args: Parameters<WanGPSession['submitMediaPostprocessing']>
  ): Promise<GenerationResult> {
    return (await this.submitMediaPostprocessing(...args)).result();
  }

  /** {@link submitAudioRemux}, then the result. */
  async runAudioRemux(...args: Parameters<WanGPSession['submitAudioRemux']>): Promise<GenerationResult> {
    return (await this.submitAudioRemux(...args)).result();
  }

  /** {@link submitAudioPostprocessing}, then the result. */
  async runAudioPostprocessing(
    ...args: Parameters<WanGPSession['submitAudioPostprocessing']>
  ): Promise<GenerationResult> {
    return (await this.submitAudioPostprocessing(...args)).result();
  }

  /** Cancels the running job, and withdraws a submit that is still under way: it rejects with an AbortError. */
  cancel(): void {
    for (const job of this.#jobs) job.cancel();
  }

  /**
   * Calls any other public method of the Python session with plain values, `keywords` as Python's keyword arguments.
   *
   * Rejects with `ERR_WANGP_ARGUMENT` for methods that submit, run, cancel or close: this class has methods for those.
   * Rejects with `ERR_WANGP_UNSUPPORTED` if the loaded WanGP has no such method, with `ERR_WANGP_PYTHON` if it raises.
   */
  async call(
    name: string,
    args?: readonly unknown[] | null,
    keywords?: Readonly<Record<string, unknown>> | null,
  ): Promise<unknown> {
    const [list, named] = [args ?? [], keywords ?? {}];
    checkCall(this, name, list, named);
    const options = { lane: 'command', names: ['session', 'name', 'args', 'keywords'] } as const;
    try {
      return await this.#connection.call('call', [name, list, named], options);
    } catch (error) {
      throw this.#refusal(error, name);
    }
  }

  /**
   * Makes a video in memory an input: put the answer's `path` into settings in place of a file's. WanGP gets every
   * pixel unchanged. Don't change the pixels before the promise settles.
   */
  async registerVideo(
    name: string,
    video: VideoTensor | RawVideo,
    options?: RegisterVideoOptions | null,
  ): Promise<RegisteredInput> {
    return registerVideo(await this.#runtime(), name, video, options);
  }

  /** Makes a picture in memory an input: bytes of a PNG or JPEG, raw pixels, or an image's tensor. */
  async registerImage(name: string, image: Uint8Array | RawImage | VideoTensor): Promise<RegisteredInput> {
    return registerImage(await this.#runtime(), name, image);
  }

  /** Releases the model, after the running job if there is one. A later job loads it again. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Cancels what runs, waits for its end, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    await Promise.all([...this.#jobs].map((job) => job.ended));
    await this.close();
  }

  /**
   * Calls `listener` each time the child that this session runs in has ended by a crash or by somebody's hand. The next
   * submit starts another one. Never called where Python runs in this process.
   *
   * @example
   * session.on('exit', ({ error }) => console.error(error.message));
   */
  on(kind: 'exit', listener: (exit: ChildExit) => void): this {
    this.#exitListeners.add(kind, listener, false);
    return this;
  }

  /** Calls `listener` with the next end of a child, as {@link on} does, and then no more. */
  once(kind: 'exit', listener: (exit: ChildExit) => void): this {
    this.#exitListeners.add(kind, listener, true);
    return this;
  }

  /** Removes a listener that {@link on} or {@link once} added. */
  off(kind: 'exit', listener: (exit: ChildExit) => void): this {
    this.#exitListeners.remove(kind, listener);
    return this;
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return show('WanGPSession', { info: this.info, pid: this.pid, jobs: this.#jobs.size }, depth, options);
  }

  /** Once there is a Python to talk to. */
  async #runtime(): Promise<Runtime> {
    if (!this.#connection.isOpen) await this.#connection.open();
    return this.#connection.runtime;
  }

  /** What a call of Python's `method` rejects with: where WanGP lacks it, by the name that it has here. */
  #refusal(error: unknown, method: string): unknown {
    if (!(error instanceof WanGPError && error.code === 'ERR_WANGP_UNSUPPORTED')) return error;
    const ours = camelCase(method);
    const name = hasMethod(this, ours) ? `${ours}()` : describe(method);
    const { isSample, wangpVersion } = this.info;
    const message = isSample
      ? `the embedded sample root has no ${name}: name a WanGP checkout with init({ root })`
      : `WanGP ${wangpVersion ?? '(of unknown version)'} has no method ${name}: update the checkout`;
    return new WanGPError('ERR_WANGP_UNSUPPORTED', message, { cause: error });
  }

  async #postprocess(method: PostprocessingMethod, file: string | URL, options: PostprocessingOptions) {
    const { source, keywords, submit } = postprocessingCall(method, file, options);
    return this.#submit({ method, name: 'source', source, keywords }, submit);
  }

  async #submit(request: SubmitRequest, options: SubmitOptions | null | undefined): Promise<SessionJob> {
    const { signal, callbacks } = checkSubmitOptions(options, `${camelCase(request.method)}()`);
    if (signal?.aborted) throw abortError(signal);
    const cwd = workingDirectory('relative paths in settings are relative to it');
    return this.#start(request, cwd, signal ?? undefined, callbacks ?? this.#callbacks);
  }

  async #start(
    { method, name, source, keywords = null }: SubmitRequest,
    cwd: string,
    signal: AbortSignal | undefined,
    callbacks: Callbacks | undefined,
  ): Promise<SessionJob> {
    const job = new JobControl(this.#connection.runtime, callbacks);
    const onAbort = (): void => job.cancel();
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#jobs.add(job);
    void job.ended.then(() => {
      signal?.removeEventListener('abort', onAbort);
      this.#jobs.delete(job);
      this.#withdrawn.delete(job);
    });
    try {
      while (this.#withdrawn.size > 0 && !job.cancelRequested) {
        await Promise.race([job.cancellation, ...[...this.#withdrawn].map((withdrawn) => withdrawn.ended)]);
      }
      if (job.cancelRequested) {
        job.abandon();
      } else {
        const submitting = job.submitBy(() =>
          this.#connection.call('submit', [method, source, job.channel, cwd, keywords], {
            lane: 'thread',
            cwd,
            channel: job.channel,
            names: ['session', 'method', name, 'channel', 'directory', 'settings'],
          }),
        );
        await Promise.race([job.cancellation, submitting]);
      }
    } catch (error) {
      if (!job.cancelRequested) throw this.#refusal(error, method);
    }
    if (!job.cancelRequested) return new SessionJob(job);
    if (!job.done) this.#withdrawn.add(job);
    throw signal?.aborted ? abortError(signal) : makeAbortError('The submit was withdrawn');
  }
}
