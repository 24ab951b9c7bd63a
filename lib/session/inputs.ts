import { WanGPError } from '../errors';
import type { Runtime } from '../runtime/runtime';
import { VideoTensor } from '../memory/tensor';
import { checkOptions, describe, invalid, isGiven, isObject, suggestion } from '../validate';

/** RGB frames one after another, each row by row, each pixel three bytes. */
export interface RawVideo {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** @default 3 */
  readonly channels?: 3 | undefined;
}

/** RGB or RGBA pixels, row by row; a preview's `image` is one. */
export interface RawImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

export interface RegisterVideoOptions {
  /**
   * Frames per second, 1 or more.
   * @default the tensor's own
   */
  readonly fps?: number | null | undefined;
}

/** A video or a picture that WanGP keeps in memory, until it is disposed. */
export interface RegisteredInput {
  /** What to put into settings, in place of a file's path. */
  readonly path: string;
  /**
   * Frees the memory. Wait for the jobs that use it first: a job that names `path` afterwards fails. Calling it again
   * does nothing, except after a failure: then it tries again.
   */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Pixels in Python's order: channels first where `planar`, else last. `bytes` fails once they are gone. */
interface Pixels {
  readonly bytes: () => Uint8Array;
  readonly length: number;
  readonly size: readonly [frames: number, height: number, width: number];
  readonly channels: number;
  readonly planar: boolean;
}

/** Bytes that are handed over in one turn: 16 MiB take the JS thread a few milliseconds. */
const PIECE = 16 * 1024 * 1024;

/** Names become part of a path: of a virtual one, whose suffix begins at the first `|`. */
function checkName(name: unknown): asserts name is string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (typeof name !== 'string' || name.trim() === '' || name.length > 100 || /[|/\\\u0000-\u001f]/u.test(name)) {
    throw invalid(
      `name must be a string of 1 to 100 characters without '|', '/', '\\' and control characters, ` +
        `not ${describe(name)}`,
    );
  }
}

function checkExtent(value: unknown, name: string): asserts value is number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw invalid(`${name} must be a whole number, 1 or more, not ${describe(value)}`);
  }
}

function fromTensor(tensor: VideoTensor, name: string): Pixels {
  const { shape, dtype } = tensor;
  const bytes = (): Uint8Array => {
    if (tensor.disposed) throw new WanGPError('ERR_WANGP_DISPOSED', `${name} has been disposed: its pixels are gone`);
    return tensor.data;
  };
  const { length } = bytes();
  const [channels, frames = 0, height = 0, width = 0] = shape;
  if (dtype !== 'uint8' || shape.length !== 4 || channels !== 3 || length === 0) {
    throw invalid(`${name} must be a uint8 tensor [3, F, H, W] with pixels, not ${dtype} [${shape.join(', ')}]`);
  }
  return { bytes, length, size: [frames, height, width], channels, planar: true };
}

function fromRaw(raw: RawVideo | RawImage, frames: number, name: string): Pixels {
  const { data, width, height, channels = 3 } = raw;
  if (!(data instanceof Uint8Array)) throw invalid(`${name}.data must be a Uint8Array or a Buffer`);
  checkExtent(width, `${name}.width`);
  checkExtent(height, `${name}.height`);
  checkExtent(frames, `${name}.frames`);
  const { length } = data;
  const wanted = frames * height * width * channels;
  if (length !== wanted) {
    throw invalid(
      `${name}.data has ${length} bytes, but ${frames > 1 ? `${frames} frames of ` : ''}${width}x${height} pixels ` +
        `with ${channels} channels are ${wanted}`,
    );
  }
  return { bytes: () => data, length, size: [frames, height, width], channels, planar: false };
}

/** What raw pixels may say of themselves; a preview's image also whether it is a copy. */
const RAW_NAMES: readonly string[] = ['data', 'width', 'height', 'frames', 'channels', 'zeroCopy'];

function checkRawNames(raw: object, name: string): void {
  const unknown = Object.keys(raw).find((each) => !RAW_NAMES.includes(each));
  if (unknown === undefined) return;
  const hint =
    name === 'video' && unknown === 'fps'
      ? `give it as registerVideo(name, video, { fps: ${describe(Reflect.get(raw, 'fps'))} })`
      : suggestion(unknown, RAW_NAMES);
  throw invalid(`${name} has no ${unknown}: ${hint}`);
}

function videoPixels(video: VideoTensor | RawVideo): Pixels {
  if (video instanceof VideoTensor) return fromTensor(video, 'video');
  if (!isObject(video) || !('data' in video)) {
    throw invalid('video must be a VideoTensor or { data, width, height, frames, channels: 3 }');
  }
  const { channels = 3 }: { channels?: unknown } = video;
  if (channels !== 3) throw invalid(`video.channels must be 3, not ${describe(channels)}`);
  checkRawNames(video, 'video');
  return fromRaw(video, video.frames, 'video');
}

function imagePixels(image: RawImage | VideoTensor): Pixels {
  if (image instanceof VideoTensor) {
    const pixels = fromTensor(image, 'image');
    if (pixels.size[0] !== 1) throw invalid(`image must have 1 frame, not ${pixels.size[0]}: register it as a video`);
    return pixels;
  }
  if (!isObject(image) || !('data' in image)) {
    throw invalid('image must be the bytes of a PNG or JPEG, a VideoTensor or { data, width, height, channels }');
  }
  const { channels }: { channels: unknown } = image;
  if (channels !== 3 && channels !== 4) throw invalid(`image.channels must be 3 or 4, not ${describe(channels)}`);
  checkRawNames(image, 'image');
  return fromRaw(image, 1, 'image');
}

/** Hands the bytes over, a piece in each turn, so that the event loop stays free; then has them registered. */
async function upload(
  runtime: Runtime,
  length: number,
  bytes: () => Uint8Array,
  register: (input: number) => Promise<unknown>,
): Promise<RegisteredInput> {
  const input = (await runtime.call('begin_input', [runtime.client, length], { lane: 'command' })) as number;
  let path: string;
  try {
    for (let offset = 0; offset < length; offset += PIECE) {
      const data = bytes();
      if (data.length !== length) throw invalid('the bytes of the input were detached while they were handed over');
      const piece = data.subarray(offset, offset + PIECE);
      await runtime.call('write_input', [input, offset, piece], { lane: 'command' });
    }
    path = (await register(input)) as string;
  } catch (error) {
    await runtime.call('discard_input', [input], { lane: 'command' });
    throw error;
  }
  let disposal: Promise<void> | undefined;
  const dispose = (): Promise<void> => {
    disposal ??= runtime.call('unregister', [path], { lane: 'thread' }).then(
      () => undefined,
      (error: unknown) => {
        disposal = undefined;
        throw error;
      },
    );
    return disposal;
  };
  return { path, dispose, [Symbol.asyncDispose]: dispose };
}

/** What other libraries take beside the frames. */
function refuseSound(options: object | null | undefined): void {
  if (!isGiven(options) || !['audio', 'samplingRate'].some((name) => isGiven(Reflect.get(Object(options), name))))
    return;
  throw new WanGPError(
    'ERR_WANGP_UNSUPPORTED',
    'WanGP takes no sound with a video in memory: leave audio out and name a sound file in the settings ' +
      '(audio_guide, audio_source), or name a video file',
  );
}

/** See `WanGPSession.registerVideo`. */
export async function registerVideo(
  runtime: Runtime,
  name: string,
  video: VideoTensor | RawVideo,
  given?: RegisterVideoOptions | null,
): Promise<RegisteredInput> {
  checkName(name);
  refuseSound(given);
  const options = checkOptions(given, ['fps'], 'registerVideo()');
  const { bytes, length, size, planar } = videoPixels(video);
  const fps = options.fps ?? (video instanceof VideoTensor ? video.fps : undefined);
  if (typeof fps !== 'number' || !Number.isFinite(fps) || fps < 1) {
    throw invalid(`fps must be a number of frames per second, 1 or more, not ${describe(fps)}`);
  }
  return upload(runtime, length, bytes, (input) =>
    runtime.call('register_video', [input, name.trim(), size, planar, fps], { lane: 'thread' }),
  );
}

/** See `WanGPSession.registerImage`. */
export async function registerImage(
  runtime: Runtime,
  name: string,
  image: Uint8Array | RawImage | VideoTensor,
): Promise<RegisteredInput> {
  checkName(name);
  const encoded = image instanceof Uint8Array;
  if (encoded && image.length === 0) throw invalid('image has no bytes');
  const pixels = encoded ? { bytes: () => image, length: image.length } : imagePixels(image);
  let raw: Record<string, unknown> | null = null;
  if ('size' in pixels) {
    const [, height, width] = pixels.size;
    raw = { width, height, channels: pixels.channels, planar: pixels.planar };
  }
  return upload(runtime, pixels.length, pixels.bytes, (input) =>
    runtime.call('register_image', [input, name.trim(), raw], { lane: 'thread' }),
  );
}
