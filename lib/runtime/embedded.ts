import { isMainThread } from 'node:worker_threads';
import { isSamePath } from '../directory';
import { joinCore, loadCore, spent } from './addon';
import { WanGPError } from '../errors';
import { toJson } from './json';
import type { CoreAddon, InterpreterInfo, LiveCounts, MemoryAddon, NativeMemory } from './native';
import { toWanGPError } from './native-error';
import { PYTHON_FOLDER } from './package';
import type { PythonEnvironment } from '../python/find';
import { Channel, type ChannelListener, type Runtime, type RuntimeCallOptions } from './runtime';

/** What Python's memory becomes, wherever it is in a value. The layer above decides. */
export type MemoryFactory = (addon: MemoryAddon, memory: NativeMemory) => unknown;

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

/**
 * The embedded interpreter as this Node environment (main thread or Worker) uses it: calls, channels of events, and
 * the event loop kept alive while either is awaited. One for each environment; all share the process's interpreter.
 */
export class EmbeddedRuntime implements Runtime {
  readonly place = 'here';
  readonly pid = process.pid;
  readonly incarnation = 1;
  readonly python: PythonEnvironment;
  readonly interpreter: InterpreterInfo;
  /** Whether Python is bound to its own libraries, and not to those of the same name that this process exports. */
  readonly deepBind: boolean;
  /** For a child's program. */
  readonly core: CoreAddon;
  readonly #listeners = new Map<number, ChannelListener>();
  #awaited = 0;

  private constructor(python: PythonEnvironment, core: CoreAddon, interpreter: InterpreterInfo, deepBind: boolean) {
    this.python = python;
    this.interpreter = interpreter;
    this.deepBind = deepBind;
    this.core = core;
    core.setEventHandler((channel, kind, data, timestamp, dropped) => {
      this.#listeners.get(channel)?.hear(kind, data, timestamp, dropped);
    });
    // Node runs no cleanup hook on `process.exit()`; a Worker's exit is not the process's.
    if (isMainThread) process.on('exit', () => core.onProcessExit());
  }

  /**
   * Starts the interpreter, or joins the one that another environment started. `explain` adds to an error of a time when
   * the process had loaded the interpreter's library.
   */
  static async start(
    python: PythonEnvironment,
    fromMemory: MemoryFactory,
    explain: (error: unknown, python: PythonEnvironment) => unknown = spent,
  ): Promise<EmbeddedRuntime> {
    const { core, deepBind } = loadCore(python, explain);
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
            "One process holds one Python: use the same interpreter, or run this one in a process of its own, place: 'child'",
        );
      }
      return new EmbeddedRuntime(python, core, interpreter, deepBind);
    } catch (error) {
      const known = toWanGPError(error);
      const isSpent = known instanceof WanGPError && known.code === 'ERR_WANGP_PYTHON_START';
      throw isSpent ? explain(known, python) : known;
    } finally {
      core.setKeepAlive(false);
    }
  }

  /** It runs for as long as this process. */
  ready(): Promise<void> {
    return Promise.resolve();
  }

  get client(): number {
    return this.core.client;
  }

  async call(command: string, args: readonly unknown[], options: RuntimeCallOptions): Promise<unknown> {
    this.#hold();
    try {
      const plain = args.map((arg) => (arg instanceof Channel ? arg.number : arg));
      const { channel, ...others } = options;
      const native = channel === undefined ? others : { ...others, channel: channel.number };
      return await this.core.call(command, toJson(plain) ?? plain, native);
    } catch (error) {
      throw toWanGPError(error);
    } finally {
      this.#letGo();
    }
  }

  openChannel(listener: ChannelListener): Channel {
    const channel = new Channel(this.core.createChannel());
    this.#listeners.set(channel.number, listener);
    this.#hold();
    return channel;
  }

  closeChannel({ number }: Channel): void {
    if (!this.#listeners.delete(number)) return;
    this.core.closeChannel(number);
    this.#letGo();
  }

  retain(): void {
    // Python is never finalised, and ends with the process: nobody would be left to hear of it.
  }

  release(): void {
    // The same.
  }

  kill(): void {
    // It is this process.
  }

  reportUncaught(error: unknown): void {
    this.core.reportUncaught(error);
  }

  #hold(): void {
    this.#awaited += 1;
    if (this.#awaited === 1) this.core.setKeepAlive(true);
  }

  #letGo(): void {
    this.#awaited -= 1;
    if (this.#awaited === 0) this.core.setKeepAlive(false);
  }
}
