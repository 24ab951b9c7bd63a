import { isMainThread } from 'node:worker_threads';
import { isSamePath } from '../directory';
import { joinCore, loadCore, spent } from './addon';
import { ERROR_CODES, WanGPError, type WanGPErrorCode } from '../errors';
import { toJson } from './json';
import type { CallOptions, CoreAddon, InterpreterInfo, LiveCounts, NativeError, NativeMemory } from './native';
import { PYTHON_FOLDER } from './package';
import type { PythonEnvironment } from '../python/find';

/** Hears the events of one channel, each in a turn of its own. */
export type ChannelListener = (kind: string, data: unknown, timestamp: number, dropped: number) => void;

/** What Python's memory becomes, wherever it is in a value. The layer above decides. */
export type MemoryFactory = (core: CoreAddon, memory: NativeMemory) => unknown;

/** The core as this environment has loaded it: it may have opened a tensor without a session of its own. */
let adopted: CoreAddon | undefined;

/** Teaches a core what memory becomes; once for each environment. */
function adopt(core: CoreAddon, fromMemory: MemoryFactory): CoreAddon {
  core.setMemoryFactory((memory) => fromMemory(core, memory));
  return (adopted = core);
}

/** The core that runs in this process, in an environment that need not have started it. */
export function joinRuntime(minor: string, fromMemory: MemoryFactory): CoreAddon {
  return adopted ?? adopt(joinCore(minor), fromMemory);
}

/** How much of the addon is alive in this process: for tests and for finding leaks. */
export function liveCounts(): LiveCounts {
  return adopted?.liveCounts() ?? { environments: 0, memories: 0, pendingMessages: 0, channels: 0 };
}

/** Python's exception as JavaScript's `cause`: its type, its message, and its traceback where others have a stack. */
function pythonCause({ pythonType, pythonMessage = '', pythonTraceback }: NativeError): Error | undefined {
  if (pythonType === undefined) return undefined;
  const cause = new Error(pythonMessage);
  cause.name = pythonType;
  cause.stack = pythonTraceback?.trimEnd() ?? `${pythonType}: ${pythonMessage}`;
  return cause;
}

function toWanGPError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const native = error as NativeError;
  if (native.code === undefined || !Object.hasOwn(ERROR_CODES, native.code)) return error;
  const { pythonType, pythonTraceback } = native;
  const details = { cause: pythonCause(native), pythonType, pythonTraceback };
  return new WanGPError(native.code as WanGPErrorCode, native.message, details);
}

/**
 * The embedded interpreter as this Node environment (main thread or Worker) uses it: calls, channels of events, and
 * the event loop kept alive while either is awaited. One for each environment; all share the process's interpreter.
 */
export class Runtime {
  readonly python: PythonEnvironment;
  readonly interpreter: InterpreterInfo;
  /** Whether Python is bound to its own libraries, and not to those of the same name that this process exports. */
  readonly deepBind: boolean;
  readonly #core: CoreAddon;
  readonly #listeners = new Map<number, ChannelListener>();
  #awaited = 0;

  private constructor(python: PythonEnvironment, core: CoreAddon, interpreter: InterpreterInfo, deepBind: boolean) {
    this.python = python;
    this.interpreter = interpreter;
    this.deepBind = deepBind;
    this.#core = core;
    core.setEventHandler((channel, kind, data, timestamp, dropped) => {
      this.#listeners.get(channel)?.(kind, data, timestamp, dropped);
    });
    // Node runs no cleanup hook on `process.exit()`; a Worker's exit is not the process's.
    if (isMainThread) process.on('exit', () => core.onProcessExit());
  }

  /** Starts the interpreter, or joins the one that another environment started. */
  static async start(python: PythonEnvironment, fromMemory: MemoryFactory): Promise<Runtime> {
    const { core, deepBind } = loadCore(python);
    adopt(core, fromMemory);
    core.setKeepAlive(true);
    try {
      const interpreter = await core.start({
        executable: python.executable,
        bridgePath: PYTHON_FOLDER,
        bridgeModule: 'wangp_bridge',
        deepBind,
      });
      if (!isSamePath(interpreter.executable, python.executable)) {
        throw new WanGPError(
          'ERR_WANGP_ALREADY_INITIALIZED',
          `this process already runs ${interpreter.executable}; ${python.executable} cannot run beside it. ` +
            'One process holds one Python: use the same interpreter, or another process',
        );
      }
      return new Runtime(python, core, interpreter, deepBind);
    } catch (error) {
      const known = toWanGPError(error);
      const isSpent = known instanceof WanGPError && known.code === 'ERR_WANGP_PYTHON_START';
      throw isSpent ? spent(known, python) : known;
    } finally {
      core.setKeepAlive(false);
    }
  }

  /** Whose things Python keeps for this environment, until it ends. */
  get client(): number {
    return this.#core.client;
  }

  /** Calls a command of the Python bridge. Rejects with a {@link WanGPError}. */
  async call(command: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    this.#hold();
    try {
      return await this.#core.call(command, toJson(args) ?? args, options);
    } catch (error) {
      throw toWanGPError(error);
    } finally {
      this.#letGo();
    }
  }

  /** A new channel; its events keep the event loop alive until `closeChannel`. */
  openChannel(listener: ChannelListener): number {
    const channel = this.#core.createChannel();
    this.#listeners.set(channel, listener);
    this.#hold();
    return channel;
  }

  closeChannel(channel: number): void {
    if (!this.#listeners.delete(channel)) return;
    this.#core.closeChannel(channel);
    this.#letGo();
  }

  /** Reports an exception that is nobody's to catch, as Node does with one in an event listener. */
  reportUncaught(error: unknown): void {
    this.#core.reportUncaught(error);
  }

  #hold(): void {
    this.#awaited += 1;
    if (this.#awaited === 1) this.#core.setKeepAlive(true);
  }

  #letGo(): void {
    this.#awaited -= 1;
    if (this.#awaited === 0) this.#core.setKeepAlive(false);
  }
}
