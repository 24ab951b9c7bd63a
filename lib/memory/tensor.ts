import { constants } from 'node:buffer';
import { inspect, type InspectOptions } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { WanGPError } from '../errors';
import type { CoreAddon, NativeMemory } from '../runtime/native';
import { show } from '../show';

const ARRAY_TYPES = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

export type Dtype = keyof typeof ARRAY_TYPES;
export type TensorData = InstanceType<(typeof ARRAY_TYPES)[Dtype]>;

/** What a token says of its tensor's class. */
export type TensorKind =
  | { readonly kind: 'tensor' }
  | { readonly kind: 'video' | 'hdr'; readonly fps: number | null }
  | { readonly kind: 'audio'; readonly samplingRate: number | null };

declare const tensorType: unique symbol;

/** What `tensor.share()` gives: a plain object that `postMessage` takes. It can be opened once. */
export type SharedTensor<Opened extends Tensor<ArrayBufferView> = Tensor> = TensorKind & {
  readonly token: number;
  /** The minor version of the Python that the memory belongs to. */
  readonly core: string;
  readonly pid: number;
  readonly [tensorType]?: Opened;
};

/**
 * Python's memory, C-contiguous, seen from JavaScript: all views share one ArrayBuffer at Python's own address.
 *
 * Python keeps the memory until `dispose()` or until the last view is garbage-collected. Dispose of large tensors early:
 * the collector learns of them late. Don't dispose while an asynchronous write of `data` is under way.
 */
export class Tensor<Data extends ArrayBufferView = TensorData> {
  /** The extent of each axis, in elements. */
  readonly shape: readonly number[];
  /** The elements' type, by NumPy's name. */
  readonly dtype: Dtype;
  /** False where the elements had to be copied on their way (GPU memory, strided, half floats, Electron). */
  readonly zeroCopy: boolean;

  readonly #memory: NativeMemory;
  readonly #core: CoreAddon;
  #data: Data | undefined;
  #disposed = false;

  constructor(core: CoreAddon, memory: NativeMemory) {
    this.#core = core;
    this.#memory = memory;
    this.dtype = memory.dtype as Dtype;
    this.shape = memory.shape;
    this.zeroCopy = memory.zeroCopy;
  }

  /**
   * The elements in C order.
   * Throws `ERR_WANGP_DISPOSED` after `dispose()`, and `ERR_WANGP_TOO_LARGE` for more than a Buffer of this Node holds:
   * 4 GiB on Node 20.
   */
  get data(): Data {
    if (this.#disposed) throw disposedError('read data');
    this.#data ??= this.view(this.#buffer());
    return this.#data;
  }

  /** Whether `dispose()` was called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * Gives the memory back to Python, as soon as it next runs. Every view has length 0 afterwards. Idempotent.
   *
   * Where `data.buffer` has been transferred (`buffer.transfer()`, `structuredClone` with a transfer list), the new
   * buffer has the memory: it stays valid, and Python's memory is kept until it is collected. `disposed` is true then
   * all the same. In a Worker `transfer()` is refused (`ERR_WANGP_UNSUPPORTED`): the memory would not outlive it.
   */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#core.release(this.#memory.handle, this.#memory.buffer);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * A token for the same memory. Post it to a Worker of this process, which opens it with {@link openTensor}, once. The
   * token keeps the memory until then, or until the thread that made it ends; you may dispose of this tensor meanwhile.
   * Both sides may write: nothing orders their accesses but your own messages.
   *
   * Throws `ERR_WANGP_DISPOSED`, and `ERR_WANGP_UNSUPPORTED` where the runtime made a copy (Electron): post `data`.
   */
  share(): SharedTensor<this> {
    if (this.#disposed) throw disposedError('share()');
    const token = this.#core.share(this.#memory.handle);
    if (token === 0) {
      throw new WanGPError(
        'ERR_WANGP_UNSUPPORTED',
        'this tensor has no memory of Python’s to share (it is empty, or this runtime made a copy): post its data',
      );
    }
    return { ...this.kind(), token, core: this.#core.pythonVersion, pid: process.pid };
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    const { shape, dtype, zeroCopy, disposed } = this;
    const more = Object.fromEntries(Object.entries(this.kind()).filter(([name]) => name !== 'kind'));
    return show(this.constructor.name, { shape, dtype, ...more, zeroCopy, disposed }, depth, options);
  }

  /** @internal What makes a tensor of this class of a plain one. */
  protected kind(): TensorKind {
    return { kind: 'tensor' };
  }

  /** @internal */
  protected view(buffer: ArrayBuffer): Data {
    return new ARRAY_TYPES[this.dtype](buffer) as unknown as Data;
  }

  #buffer(): ArrayBuffer {
    const { buffer } = this.#memory;
    if (buffer !== null) return buffer;
    throw new WanGPError(
      'ERR_WANGP_TOO_LARGE',
      `a tensor of the shape [${this.shape.join(', ')}] is larger than a Buffer of Node ${process.versions.node} ` +
        `can be (${constants.MAX_LENGTH} bytes): use Node 22 or newer, or the file that the artifact names`,
    );
  }

  /** @internal The same memory as another kind of tensor. */
  protected static memoryOf(tensor: Tensor): readonly [CoreAddon, NativeMemory] {
    return [tensor.#core, tensor.#memory];
  }
}

function disposedError(use: string): WanGPError {
  return new WanGPError('ERR_WANGP_DISPOSED', `the tensor has been disposed: ${use} before dispose()`);
}

/** A generated video or image: `uint8`, shape `[C, F, H, W]` (channel, frame, height, width). */
export class VideoTensor extends Tensor<Buffer> {
  /** Frames per second of the output; null for an image. */
  readonly fps: number | null;

  constructor(tensor: Tensor, fps: number | null) {
    super(...Tensor.memoryOf(tensor));
    this.fps = fps;
  }

  /** @internal */
  protected override kind(): TensorKind {
    return { kind: 'video', fps: this.fps };
  }

  /** @internal */
  protected override view(buffer: ArrayBuffer): Buffer {
    return Buffer.from(buffer);
  }
}

/** A generated HDR video: `float32`, shape `[C, F, H, W]`. */
export class HdrVideoTensor extends Tensor<Float32Array> {
  /** Frames per second of the output. */
  readonly fps: number | null;

  constructor(tensor: Tensor, fps: number | null) {
    super(...Tensor.memoryOf(tensor));
    this.fps = fps;
  }

  /** @internal */
  protected override kind(): TensorKind {
    return { kind: 'hdr', fps: this.fps };
  }
}

/** Generated sound: `float32`, shape `[samples, channels]` or as WanGP's model gave it. */
export class AudioTensor extends Tensor<Float32Array> {
  /** Samples per second and channel; null where WanGP doesn't say. */
  readonly samplingRate: number | null;

  constructor(tensor: Tensor, samplingRate: number | null) {
    super(...Tensor.memoryOf(tensor));
    this.samplingRate = samplingRate;
  }

  /** @internal */
  protected override kind(): TensorKind {
    return { kind: 'audio', samplingRate: this.samplingRate };
  }
}

function refuseTransfer(): never {
  throw new WanGPError(
    'ERR_WANGP_UNSUPPORTED',
    'this ArrayBuffer is memory of Python’s, which a Worker can’t give away: it would be gone when the Worker ends. ' +
      'Post tensor.share() and open it there with openTensor(), or post a copy: data.slice()',
  );
}

const NOT_TRANSFERABLE = Object.fromEntries(
  ['transfer', 'transferToFixedLength'].map((name) => [name, { value: refuseTransfer }]),
);

/**
 * What Python's memory becomes in JavaScript. Node calls the finalizers of a Worker's ArrayBuffers when the Worker
 * ends. It can't know that the bytes were moved into another ArrayBuffer, and that one to another thread.
 */
export function toTensor(core: CoreAddon, memory: NativeMemory): Tensor {
  if (!isMainThread && memory.buffer !== null) Object.defineProperties(memory.buffer, NOT_TRANSFERABLE);
  return new Tensor(core, memory);
}
