import { WanGPError } from '../errors';
import { AudioTensor, HdrVideoTensor, Tensor, VideoTensor } from '../memory/tensor';
import { camelCase } from '../validate';

/** What a job is doing, by WanGP's normalised names. */
export type Phase =
  'loading_model' | 'encoding_text' | 'inference' | 'decoding' | 'downloading_output' | 'cancelled' | (string & {});

/** A structured progress update. */
export interface ProgressUpdate {
  /** What the job is doing, by a normalised name. */
  readonly phase: Phase;
  /** WanGP's own, human-readable status. */
  readonly status: string;
  /** Estimated percentage, 0 to 100. */
  readonly progress: number;
  readonly currentStep: number | null;
  readonly totalSteps: number | null;
  /** WanGP's phase label before normalisation. */
  readonly rawPhase: string | null;
  readonly unit: string | null;
}

/** RGB pixels, row by row: ready for `sharp(data, { raw: { width, height, channels } })`. */
export interface PreviewImage {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  /** Always false: Pillow has no memory to share. */
  readonly zeroCopy: boolean;
}

/** A preview of what is being generated. */
export interface PreviewUpdate {
  readonly image: PreviewImage | null;
  readonly phase: Phase;
  readonly status: string;
  readonly progress: number;
  readonly currentStep: number | null;
  readonly totalSteps: number | null;
}

/** One line that WanGP or a library printed. */
export interface StreamMessage {
  readonly stream: 'stdout' | 'stderr' | (string & {});
  readonly text: string;
}

/** What went wrong in a job. A failed generation doesn't reject: its errors are in the result. */
export interface GenerationError {
  readonly message: string;
  /** One-based; null where the error belongs to no task. */
  readonly taskIndex: number | null;
  readonly taskId: unknown;
  readonly stage: 'validation' | 'generation' | 'cancelled' | 'runtime' | (string & {}) | null;
  readonly cancelled: boolean;
}

/** Media in memory, of a task that asked for it with `_api: { return_media: true }`. */
export interface GeneratedArtifact {
  /** The file that WanGP saved; null where it saved none. */
  readonly path: string | null;
  readonly mediaType: 'video' | 'image' | 'audio' | (string & {});
  readonly clientId: string;
  readonly fps: number | null;
  readonly hdr: boolean;
  readonly video: VideoTensor | null;
  readonly videoHdr: HdrVideoTensor | null;
  readonly audio: AudioTensor | null;
  /** Samples per second and channel of `audio`; null where WanGP doesn't say. */
  readonly audioSamplingRate: number | null;
}

/** How a job ended. */
export interface GenerationResult {
  /** True only when every task completed without an error. */
  readonly success: boolean;
  /** True when cancellation is the only thing that went wrong. */
  readonly cancelled: boolean;
  /** Absolute paths of every file of the job, those of a partial success included. */
  readonly generatedFiles: readonly string[];
  readonly errors: readonly GenerationError[];
  readonly totalTasks: number;
  readonly successfulTasks: number;
  readonly failedTasks: number;
  /** In the order of the tasks that returned media. */
  readonly artifacts: readonly GeneratedArtifact[];
  /** Returns the result if it succeeded, and throws a {@link GenerationFailedError} if not. */
  throwIfFailed(): GenerationResult;
}

/** What {@link GenerationResult.throwIfFailed} throws: a job failed, or was cancelled. */
export class GenerationFailedError extends WanGPError {
  readonly result: GenerationResult;

  constructor(result: GenerationResult) {
    const { cancelled, errors, failedTasks, totalTasks } = result;
    const [first] = errors;
    const what = cancelled ? 'the job was cancelled' : `${failedTasks} of ${totalTasks} tasks failed`;
    const others = errors.length > 1 ? ` (and ${errors.length - 1} more errors)` : '';
    super('ERR_WANGP_GENERATION', first === undefined ? what : `${what}: ${first.message}${others}`);
    this.result = result;
  }

  /** The errors of the result. */
  get errors(): readonly GenerationError[] {
    return this.result.errors;
  }
}

interface EventOf<Kind extends string, Data> {
  readonly kind: Kind;
  readonly data: Data;
  /** Seconds since the epoch. */
  readonly timestamp: number;
}

/** The payload of each known kind of event. */
export interface EventData {
  /** A pool's jobs only: the place in its line has changed. 1 is the next to run. */
  queued: { readonly position: number };
  started: { readonly tasks: number };
  progress: ProgressUpdate;
  preview: PreviewUpdate;
  stream: StreamMessage;
  status: string;
  info: string;
  output: unknown;
  refresh_models: unknown;
  completed: GenerationResult;
  error: GenerationError;
}

/** An event of a kind that this package knows. */
export type KnownEvent = { [Kind in keyof EventData]: EventOf<Kind, EventData[Kind]> }[keyof EventData];

/** An event of a kind that this package doesn't know, from a newer WanGP. */
export type UnknownEvent = EventOf<string, unknown>;

/**
 * An event of a job. To compare `kind` with a known kind narrows `data`. Events of unknown kinds arrive too. Here their
 * `data` has the type `never`, because any other type would widen the `data` of known kinds. To read it, assign such an
 * event to a variable of the type {@link UnknownEvent}.
 */
export type SessionEvent = KnownEvent | EventOf<string, never>;

/** An event of one kind. */
export type EventOfKind<Kind extends string> = Kind extends keyof EventData
  ? EventOf<Kind, EventData[Kind]>
  : EventOf<Kind, unknown>;

/** What `onEvent` receives: the kinds that have a callback, by upstream's names (`complete`, not `completed`). */
export type CallbackEvent =
  | Exclude<KnownEvent, { kind: 'completed' | 'queued' | 'started' | 'refresh_models' }>
  | EventOf<'complete', GenerationResult>;

// Records as the Python bridge sends them: upstream's field names.
type Plain = Readonly<Record<string, unknown>>;

function camelCased(plain: Plain): Record<string, unknown> {
  return Object.fromEntries(Object.entries(plain).map(([name, value]) => [camelCase(name), value]));
}

function toPreview(plain: Plain): PreviewUpdate {
  const image = plain['image'] as { data: unknown; width: number; height: number } | null;
  const pixels = image && toTensor(image.data);
  return {
    ...(camelCased(plain) as unknown as PreviewUpdate),
    image: pixels && {
      data: Buffer.from(pixels.data.buffer),
      width: image.width,
      height: image.height,
      channels: 3,
      zeroCopy: pixels.zeroCopy,
    },
  };
}

function toError(plain: Plain): GenerationError {
  // An older WanGP says it by the stage alone.
  const cancelled = typeof plain['cancelled'] === 'boolean' ? plain['cancelled'] : plain['stage'] === 'cancelled';
  return { ...(camelCased(plain) as unknown as GenerationError), cancelled };
}

/** Null for what is no tensor, whatever it is instead. */
function toTensor(value: unknown): Tensor | null {
  return value instanceof Tensor ? value : null;
}

function toNumber(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function toArtifact(plain: Plain): GeneratedArtifact {
  const fps = toNumber(plain['fps']);
  const video = toTensor(plain['video']);
  const videoHdr = toTensor(plain['video_hdr']);
  const audio = toTensor(plain['audio']);
  const audioSamplingRate = toNumber(plain['audio_sampling_rate']);
  return {
    path: typeof plain['path'] === 'string' ? plain['path'] : null,
    mediaType: plain['media_type'] as string,
    clientId: (plain['client_id'] as string | null) ?? '',
    fps,
    hdr: plain['hdr'] === true,
    video: video && new VideoTensor(video, fps),
    videoHdr: videoHdr && new HdrVideoTensor(videoHdr, fps),
    audio: audio && new AudioTensor(audio, audioSamplingRate),
    audioSamplingRate,
  };
}

/** The method isn't enumerable: whoever compares, copies or prints a result sees what it tells. */
function withMethod(fields: Omit<GenerationResult, 'throwIfFailed'>): GenerationResult {
  return Object.defineProperty(fields as GenerationResult, 'throwIfFailed', {
    value: function throwIfFailed(this: GenerationResult): GenerationResult {
      if (!this.success) throw new GenerationFailedError(this);
      return this;
    },
  });
}

function toResult(plain: Plain): GenerationResult {
  const errors = (plain['errors'] as Plain[]).map(toError);
  return withMethod({
    ...(camelCased(plain) as unknown as GenerationResult),
    // An older WanGP has no such property.
    cancelled: typeof plain['cancelled'] === 'boolean' ? plain['cancelled'] : everyOneCancelled(errors),
    errors,
    artifacts: (plain['artifacts'] as Plain[]).map(toArtifact),
  });
}

function everyOneCancelled(errors: readonly GenerationError[]): boolean {
  return errors.length > 0 && errors.every((error) => error.cancelled);
}

/** How a job of so many tasks ended that has no result of WanGP's; `stage` is that of its one error. */
export function failedResult(
  message: string,
  tasks = 1,
  stage: 'runtime' | 'validation' | 'cancelled' = 'runtime',
): GenerationResult {
  const cancelled = stage === 'cancelled';
  return withMethod({
    success: false,
    cancelled,
    totalTasks: tasks,
    successfulTasks: 0,
    failedTasks: tasks,
    generatedFiles: [],
    errors: [{ message, taskIndex: null, taskId: null, stage, cancelled }],
    artifacts: [],
  });
}

/** It is longer than a string can be, or there was no memory. */
const LOST_RESULT = failedResult(
  'the result of the job is too large for JavaScript; its files are in the output folder',
);

/** Whether an event lost its payload on the way, which has no form in JavaScript: too large, or there was no memory. */
export function isLost(kind: string, plain: unknown): boolean {
  return plain === null && ['progress', 'preview', 'stream', 'error'].includes(kind);
}

/** The payload of an event of `kind`, from what the Python bridge sent. */
export function toEventData(kind: string, plain: unknown): unknown {
  switch (kind) {
    case 'progress':
      return camelCased(plain as Plain);
    case 'preview':
      return toPreview(plain as Plain);
    case 'error':
      return toError(plain as Plain);
    case 'completed':
      return plain === null ? LOST_RESULT : toResult(plain as Plain);
    default:
      return plain;
  }
}
