/// <reference types="node" preserve="true" />
/** The public API. Each module has the details. */

// A session: start Python, import WanGP, submit jobs.
export { init, type SessionInfo, WanGPSession } from './session/session';
export type { InitOptions, SubmitOptions } from './session/options';
export type { MemoryPlace } from './runtime/native';
export type { ChildExit, Place } from './runtime/runtime';
export type { Source } from './session/requests';
export type { Attachment, KnownSettings, Settings, SettingsInput, Task, TaskList } from './session/settings';
export type {
  AudioPostprocessingOptions,
  AudioRemuxOptions,
  MediaPostprocessingOptions,
  PostprocessingOptions,
} from './session/postprocessing';

// A pool: jobs wait for their turn, on several workers.
export { createPool, WanGPPool } from './pool/pool';
export { PoolJob } from './pool/job';
export type { PoolOptions, PoolSubmitOptions, WorkerOptions } from './pool/options';
export type { PoolWorker, WorkerState } from './pool/worker';

// Models: what there is, what they take.
export {
  type LoraList,
  type MetadataOptions,
  type ModelAvailability,
  type ModelDef,
  type ModelFilters,
  ModelLibrary,
  type ModelMetadata,
  type ModelSchema,
} from './session/models';

// A job: its events, its result.
export { type Job, SessionJob } from './job/job';
export { EVENT_LIMITS, JobEvents } from './job/events';
export type { Callbacks } from './job/callbacks';
export type { EventIterator } from './job/event-iterator';
export type { EventListener } from './job/listeners';
export type { WaitOptions } from './job/wait-options';
export {
  type CallbackEvent,
  type EventData,
  type EventOfKind,
  type GeneratedArtifact,
  type GenerationError,
  GenerationFailedError,
  type GenerationResult,
  type KnownEvent,
  type Phase,
  type PreviewImage,
  type PreviewUpdate,
  type ProgressUpdate,
  type SessionEvent,
  type StreamMessage,
  type UnknownEvent,
} from './job/records';

// Memory: Python's own, seen from JavaScript.
export {
  AudioTensor,
  type Dtype,
  HdrVideoTensor,
  type SharedTensor,
  Tensor,
  type TensorData,
  VideoTensor,
} from './memory/tensor';
export { openTensor } from './memory/shared-tensor';

// Inputs.
export type { RawImage, RawVideo, RegisteredInput, RegisterVideoOptions } from './session/inputs';
export {
  buildVirtualMediaPath,
  parseVirtualMediaPath,
  type VirtualMediaExtra,
  type VirtualMediaOptions,
  type VirtualMediaPath,
} from './session/virtual-media';

// Errors, all of one class with a stable code.
export { ERROR_CODES, WanGPError, type WanGPErrorCode } from './errors';
