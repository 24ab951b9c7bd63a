import { constants } from 'node:buffer';
import { inspect, type InspectOptions } from 'node:util';
import { WanGPError } from '../errors';
import type { MemoryAddon, MemoryPlace, NativeMemory } from '../runtime/native';
import { show } from '../show';
import { uncloneable } from '../uncloneable';
import { invalid } from '../validate';

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
  /** The minor version of the Python that the memory belongs to, or `shared`. */
  readonly core: string;
  readonly pid: number;
  readonly [tensorType]?: Opened;
};

/** What a token names in place of a Python's version, for memory that is shared with a child. */
export const SHARED = 'shared';

/** What a tensor is made of: out of reach of whoever has the tensor. */
class Origin {
  constructor(
    readonly addon: MemoryAddon,
    readonly memory: NativeMemory,
  ) {}
}

let originOf: (tensor: Tensor) => Origin;

const UNCLONEABLE = uncloneable(
  'a tensor would arrive without its memory: post tensor.share() instead, and open that there with openTensor(); it',
);

/**
 * Python's memory, C-contiguous, seen from JavaScript: all views share one ArrayBuffer at Python's own address. Where
 * Python runs in a child (`place: 'child'`) that is memory which both processes map, copied into once by the child.
 *
 * Python keeps the memory until `dispose()` or until the last view is garbage-collected. Dispose of large tensors early:
 * the collector learns of them late. Don't dispose while an asynchronous write of `data` is under way.
 */
export class Tensor<Data extends ArrayBufferView = TensorData> {
  /** The extent of each axis, in elements. */
  readonly shape: readonly number[];
  /** The elements' type, by NumPy's name. */
  readonly dtype: Dtype;
  /** False where the elements had to be copied on their way (GPU memory, strided, half floats, a child, Electron). */
  readonly zeroCopy: boolean;
  /**
   * Whose memory the elements lie in. `python`: Python's, in this process. `shared`: memory that this process shares with
   * a child, and keeps after the child's end. `own`: this runtime's own, a copy (Electron, less than 1 MiB from a child).
   */
  readonly memory: MemoryPlace;

  /** @internal */
  readonly uncloneable = UNCLONEABLE;
  readonly #origin: Origin;
  #data: Data | undefined;
  #disposed = false;

  static {
    originOf = (tensor) => {
      if (typeof (tensor as unknown) === 'object' && #origin in tensor) return tensor.#origin;
      throw invalid('a tensor comes with a result, or from openTensor()');
    };
  }

  /** @internal */
  constructor(origin: Origin) {
    if (!(origin instanceof Origin)) throw invalid('a tensor comes with a result, or from openTensor()');
    this.#origin = origin;
    const { memory } = origin;
    this.dtype = memory.dtype as Dtype;
    this.shape = memory.shape;
    this.zeroCopy = memory.zeroCopy;
    this.memory = memory.place;
  }

  /**
   * The elements in C order.
   * Throws `ERR_WANGP_DISPOSED` after `dispose()`, and `ERR_WANGP_TOO_LARGE` for more than a Buffer holds: 4 GiB
   * on Node 20, just under 2 GiB in Electron 22.
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
   * Where `data.buffer` has been transferred (`buffer.transfer()`), the new buffer has the memory: it stays valid, and
   * Python's memory is kept until it is collected. `disposed` is true then all the same. What a Worker has moved to
   * another thread outlives the Worker, and is kept for good.
   */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { addon, memory } = this.#origin;
    addon.release(memory.handle, memory.buffer);
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
    const { addon, memory } = this.#origin;
    const token = addon.share(memory.handle);
    if (token === 0) {
      throw new WanGPError(
        'ERR_WANGP_UNSUPPORTED',
        'this tensor has no memory to share (it is empty, or a copy of this runtime’s own): post its data',
      );
    }
    return { ...this.kind(), token, core: addon.pythonVersion ?? SHARED, pid: process.pid };
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    // A Proxy of a tensor has its methods, and none of its state.
    if (!(#origin in this)) return '[Proxy of a tensor]';
    const { shape, dtype, zeroCopy, memory, disposed } = this;
    const more = Object.fromEntries(Object.entries(this.kind()).filter(([name]) => name !== 'kind'));
    return show(this.constructor.name, { shape, dtype, ...more, zeroCopy, memory, disposed }, depth, options);
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
    const { buffer } = this.#origin.memory;
    if (buffer !== null) return buffer;
    const { electron } = process.versions;
    const limit =
      electron === undefined
        ? `a Buffer of Node ${process.versions.node} can be (${constants.MAX_LENGTH} bytes): use Node 22 or newer, or`
        : `an ArrayBuffer of Electron ${electron} can be (in Electron 22 just under 2 GiB): use`;
    throw new WanGPError(
      'ERR_WANGP_TOO_LARGE',
      `a tensor of the shape [${this.shape.join(', ')}] is larger than ${limit} the file that the artifact names`,
    );
  }
}

function disposedError(use: string): WanGPError {
  return new WanGPError('ERR_WANGP_DISPOSED', `the tensor has been disposed: ${use} before dispose()`);
}

/** A generated video or image: `uint8`, shape `[C, F, H, W]` (channel, frame, height, width). */
export class VideoTensor extends Tensor<Buffer> {
  /** Frames per second of the output; null for an image. */
  readonly fps: number | null;

  /** @internal */
  constructor(tensor: Tensor, fps: number | null) {
    super(originOf(tensor));
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

  /** @internal */
  constructor(tensor: Tensor, fps: number | null) {
    super(originOf(tensor));
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

  /** @internal */
  constructor(tensor: Tensor, samplingRate: number | null) {
    super(originOf(tensor));
    this.samplingRate = samplingRate;
  }

  /** @internal */
  protected override kind(): TensorKind {
    return { kind: 'audio', samplingRate: this.samplingRate };
  }
}

/** What Python's memory becomes in JavaScript. */
export function toTensor(addon: MemoryAddon, memory: NativeMemory): Tensor {
  return new Tensor(new Origin(addon, memory));
}
