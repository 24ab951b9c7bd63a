/**
 * The types of everything that the two binaries export. Native code knows nothing of WanGP: it starts an
 * interpreter, calls Python functions with plain values, delivers events and hands over memory.
 */

/** `loader.node`: has no Python in it and opens libpython the right way. */
export interface LoaderAddon {
  /** Whether Python is to be bound to its own libraries (`deepBind`): Linux, and no sanitizer's build. */
  readonly deepBinds: boolean;
  /**
   * Opens libpython for the whole process; a second call with the same path does nothing.
   * Throws an Error whose `code` is `ERR_WANGP_PYTHON_IN_USE` or `ERR_WANGP_ADDON_LOAD`.
   */
  openPython(libraryPath: string, options: { readonly deepBind: boolean }): void;
}

/** How the interpreter is to be started; all paths as the interpreter itself reported them. */
export interface InterpreterConfig {
  readonly executable: string;
  /** Folder that holds the Python side of the bridge; appended to `sys.path`. */
  readonly bridgePath: string;
  readonly bridgeModule: string;
  readonly deepBind: boolean;
}

export interface InterpreterInfo {
  readonly version: string;
  readonly executable: string;
  /** Whether a Python thread tree can have its own working directory here. */
  readonly ownWorkingDirectory: boolean;
}

/**
 * `command`: the permanent Python thread, one short call after another. `control`: never behind a command.
 * `thread`: a Python thread of its own, with its own working directory where the system allows it.
 */
export type Lane = 'command' | 'control' | 'thread';

export interface CallOptions {
  readonly lane: Lane;
  /** Working directory of a `thread` call and of every thread that it starts. */
  readonly cwd?: string;
  /** A channel whose events are held back until this call's promise has settled. */
  readonly channel?: number;
  /** What messages call each argument, where one holds a value that can't be handed over. */
  readonly names?: readonly string[];
}

/** Python's memory as JavaScript receives it: one external ArrayBuffer and the handle that releases it. */
export interface NativeMemory {
  /** Null where it is too large for one of this runtime (4 GiB on Node 20). */
  readonly buffer: ArrayBuffer | null;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly zeroCopy: boolean;
  /** Whose memory it is: Python's, or shared with a child; where the runtime made a copy, its own. */
  readonly place: MemoryPlace;
  readonly handle: MemoryHandle;
}

export type MemoryPlace = 'python' | 'shared' | 'own';

declare const memoryHandle: unique symbol;
export interface MemoryHandle {
  readonly [memoryHandle]: true;
}

/** `dropped` counts the events of this kind that were given up before this one because JavaScript fell behind. */
export type EventHandler = (channel: number, kind: string, data: unknown, timestamp: number, dropped: number) => void;

/** What a rejected native call carries. */
export interface NativeError extends Error {
  readonly code?: string;
  readonly pythonType?: string;
  /** The exception's own text. */
  readonly pythonMessage?: string;
  readonly pythonTraceback?: string;
}

/** How much of the addon is alive in this process, in all its environments. */
export interface LiveCounts {
  readonly environments: number;
  /** Python's memory that JavaScript, a message or a token holds. */
  readonly memories: number;
  readonly pendingMessages: number;
  readonly channels: number;
}

/** What keeps memory for JavaScript: a core, or `shared_memory.node`. */
export interface MemoryAddon {
  /** The minor version of the Python whose memory it keeps; none for shared memory. */
  readonly pythonVersion?: string;
  /** What memory becomes, wherever it stands in a value. */
  setMemoryFactory(factory: (memory: NativeMemory) => unknown): void;
  /** Detaches the ArrayBuffer and lets go of the memory; the last one to do so gives it back. Idempotent. */
  release(handle: MemoryHandle, buffer: ArrayBuffer | null): void;
  /** A token for the memory, with a hold of its own; 0 where there is none to share (disposed, or a copy). */
  share(handle: MemoryHandle): number;
  /** What the memory factory makes of a token's memory, once; undefined where the token is void. */
  openShared(token: number): unknown;
  /** Ends in `uncaughtException`, with the place where `error` was made. */
  reportUncaught(error: unknown): void;
}

declare const segmentHandle: unique symbol;
export interface SegmentHandle {
  readonly [segmentHandle]: true;
}

/** What a segment's bytes are. */
export interface TensorLayout {
  /** In bytes. */
  readonly size: number;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** `shared_memory.node`: memory that a process and its child both map. Has no Python in it. */
export interface SharedMemoryAddon extends MemoryAddon {
  /** A new segment; another process opens it by its name. Throws where there is no memory for it. */
  createSegment(size: number): { readonly handle: SegmentHandle; readonly name: string };
  /** Another process's segment. Throws where that is gone. */
  openSegment(name: string, size: number): SegmentHandle;
  /** Tensors and views keep its bytes. */
  closeSegment(handle: SegmentHandle): void;
  /** Copies bytes to its beginning, on other threads; they may neither change nor go meanwhile. */
  fillSegment(handle: SegmentHandle, bytes: Uint8Array): Promise<void>;
  /** Its first bytes. */
  viewOfSegment(handle: SegmentHandle, size: number): ArrayBuffer;
  /** What the memory factory makes of its first bytes. One call at a time. `number` is told once nobody has them. */
  tensorOf(handle: SegmentHandle, layout: TensorLayout, number: number): Promise<unknown>;
  /** Hears the number of each tensor whose bytes are nobody's any more, in a turn of its own. */
  setFreeListener(listener: (number: number) => void): void;
  /** Has this process end after its parent, however that ends. False where `pid` is not its parent (any more). */
  endAfterParent(pid: number): boolean;
  /** A child of a Worker's, until `removeChild`: if the Worker ends first, its end is awaited all the same. */
  addChild(pid: number): void;
  removeChild(pid: number): void;
  /** Whether a child has ended, or is stopped, even if this process has not been told of it yet. */
  isAtRest(pid: number): boolean;
  liveCounts(): { readonly memories: number; readonly segments: number };
}

/** `core.cp3XX.node`: compiled for one Python minor version, loaded after libpython. */
export interface CoreAddon extends MemoryAddon {
  /** Minor version that this core was compiled for, e.g. `3.11`. */
  readonly pythonVersion: string;
  /** This environment's number. The bridge's `abandon` hears it, and frees what it holds for it, when it ends. */
  readonly client: number;
  /** Starts the interpreter once a process; later calls give the running one's info. */
  start(config: InterpreterConfig): Promise<InterpreterInfo>;
  /** Calls `function` of the bridge module with plain values: an array, or the text of one in JSON. */
  call(functionName: string, args: readonly unknown[] | string, options: CallOptions): Promise<unknown>;
  /** Where all events of this environment arrive, each in a turn of its own. */
  setEventHandler(handler: EventHandler): void;
  createChannel(): number;
  closeChannel(channel: number): void;
  /** Delivers nothing until it is called with false; events that come meanwhile give way as ever. */
  setPaused(paused: boolean): void;
  /** Keeps the event loop alive, or lets it end. */
  setKeepAlive(alive: boolean): void;
  /** For the main thread's `exit` listener: writes what Python printed, where no native handler does that later. */
  onProcessExit(): void;
  liveCounts(): LiveCounts;
}
