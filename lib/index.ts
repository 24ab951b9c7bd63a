/** WanGP inside a Node process. This file shows what there is; each module says how. */

// A session: start Python, import WanGP, submit jobs.
export { init, type SessionInfo, type TaskList, WanGPSession } from './session';
export type { Callbacks, InitOptions, SubmitOptions, WaitOptions } from './options';
export type { Attachment, Settings } from './settings';
export type {
  AudioPostprocessingOptions,
  AudioRemuxOptions,
  MediaPostprocessingOptions,
  PostprocessingOptions,
} from './postprocessing';

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
} from './models';

// A job: its events, its result.
export { SessionJob } from './job';
export { EVENT_LIMITS, JobEvents } from './events';
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
} from './records';

// Memory: Python's own, seen from JavaScript.
export { AudioTensor, type Dtype, HdrVideoTensor, Tensor, type TensorData, VideoTensor } from './tensor';
export { openTensor, type SharedTensor } from './shared-tensor';

// Inputs.
export type { RawImage, RawVideo, RegisteredInput, RegisterVideoOptions } from './inputs';
export {
  buildVirtualMediaPath,
  parseVirtualMediaPath,
  type VirtualMediaExtra,
  type VirtualMediaOptions,
  type VirtualMediaPath,
} from './virtual-media';

// Errors, all of one class with a stable code.
export { ERROR_CODES, WanGPError, type WanGPErrorCode } from './errors';
