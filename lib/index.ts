/** WanGP inside a Node process. This file shows what there is; each module says how. */

// A session: start Python, import WanGP, submit jobs.
export { init, type SessionInfo, type TaskList, WanGPSession } from './session/session';
export type { Callbacks, InitOptions, SubmitOptions, WaitOptions } from './session/options';
export type { Attachment, Settings } from './session/settings';
export type {
  AudioPostprocessingOptions,
  AudioRemuxOptions,
  MediaPostprocessingOptions,
  PostprocessingOptions,
} from './session/postprocessing';

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
export { SessionJob } from './job/job';
export { EVENT_LIMITS, JobEvents } from './job/events';
export type {
  CallbackEvent,
  EventData,
  GeneratedArtifact,
  GenerationError,
  GenerationResult,
  PreviewImage,
  PreviewUpdate,
  ProgressUpdate,
  SessionEvent,
  StreamMessage,
  UnknownEvent,
} from './job/records';

// Memory: Python's own, seen from JavaScript.
export { AudioTensor, type Dtype, HdrVideoTensor, Tensor, type TensorData, VideoTensor } from './memory/tensor';
export { openTensor, type SharedTensor } from './memory/shared-tensor';

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
