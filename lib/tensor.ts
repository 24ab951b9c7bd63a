import type { CoreAddon, NativeMemory } from './native';

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

/**
 * Memory of Python's, C-contiguous, seen from JavaScript: all views share one ArrayBuffer at Python's own address.
 *
 * Python keeps the memory until `dispose()` or until the last view is garbage-collected. Large tensors are worth
 * disposing early: the collector learns of them late. Don't dispose while an asynchronous write of `data` is under way.
 */
export class Tensor<Data extends ArrayBufferView = TensorData> {
  /** The elements in C order. Has length 0 after `dispose()`. */
  readonly data: Data;
  /** The extent of each axis, in elements. */
  readonly shape: readonly number[];
  /** The elements' type, by NumPy's name. */
  readonly dtype: Dtype;
  /** False where the elements had to be copied on their way (GPU memory, strided, half floats, Electron). */
  readonly zeroCopy: boolean;

  readonly #memory: NativeMemory;
  readonly #core: CoreAddon;
  #disposed = false;

  constructor(core: CoreAddon, memory: NativeMemory, data?: Data) {
    this.#core = core;
    this.#memory = memory;
    this.dtype = memory.dtype as Dtype;
    this.shape = memory.shape;
    this.zeroCopy = memory.zeroCopy;
    this.data = data ?? (new ARRAY_TYPES[this.dtype](memory.buffer) as unknown as Data);
  }

  /** Whether `dispose()` was called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Gives the memory back to Python, as soon as it next runs. Every view has length 0 afterwards. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#core.release(this.#memory.handle, this.#memory.buffer);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The same memory as another kind of tensor. */
  protected static memoryOf(tensor: Tensor): readonly [CoreAddon, NativeMemory] {
    return [tensor.#core, tensor.#memory];
  }
}

/** A generated video or image: `uint8`, shape `[C, F, H, W]` (channel, frame, height, width). */
export class VideoTensor extends Tensor<Buffer> {
  /** Frames per second of the output; null for an image. */
  readonly fps: number | null;

  constructor(tensor: Tensor, fps: number | null) {
    const [core, memory] = Tensor.memoryOf(tensor);
    super(core, memory, Buffer.from(memory.buffer));
    this.fps = fps;
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
}

/** Generated sound: `float32`, shape `[samples, channels]` or as WanGP's model gave it. */
export class AudioTensor extends Tensor<Float32Array> {
  /** Samples per second and channel; null where WanGP doesn't say. */
  readonly samplingRate: number | null;

  constructor(tensor: Tensor, samplingRate: number | null) {
    super(...Tensor.memoryOf(tensor));
    this.samplingRate = samplingRate;
  }
}
