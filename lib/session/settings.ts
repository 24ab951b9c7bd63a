/** Files that a setting names: paths relative to the working directory at the time of the submit. */
export type Attachment = string | readonly string[] | null | undefined;

/** The settings that most models share, by WanGP's own keys. */
export interface KnownSettings {
  readonly model_type?: string | undefined;
  readonly prompt?: string | undefined;
  readonly negative_prompt?: string | undefined;
  /** Width and height, `"1280x704"`. */
  readonly resolution?: string | undefined;
  /** In frames, or `"10s"`. */
  readonly video_length?: number | string | undefined;
  readonly duration_seconds?: number | undefined;
  readonly force_fps?: number | string | undefined;
  readonly num_inference_steps?: number | undefined;
  /** -1 draws one. */
  readonly seed?: number | undefined;
  readonly guidance_scale?: number | undefined;
  readonly flow_shift?: number | undefined;
  /** How often to generate. */
  readonly repeat_generation?: number | undefined;
  /** How many pictures at once. */
  readonly batch_size?: number | undefined;
  /** 1 for an image. */
  readonly image_mode?: number | undefined;
  /** `edit_postprocessing`, `edit_remux`, `edit_audio`; generation where it is missing. */
  readonly mode?: string | undefined;

  /** Letters that say which images count: `S` (start), `E` (end), `V` (continue the source video), … */
  readonly image_prompt_type?: string | undefined;
  readonly image_start?: Attachment;
  readonly image_end?: Attachment;
  readonly image_refs?: Attachment;
  readonly image_guide?: Attachment;
  readonly image_mask?: Attachment;
  /** Letters that say how guide, mask and reference images count: `VG`, `I`, `KI`, … */
  readonly video_prompt_type?: string | undefined;
  readonly video_source?: Attachment;
  readonly video_guide?: Attachment;
  readonly video_guide2?: Attachment;
  readonly video_mask?: Attachment;
  /** Letters that say which sounds count: `A`, `B`, … */
  readonly audio_prompt_type?: string | undefined;
  readonly audio_source?: Attachment;
  readonly audio_guide?: Attachment;
  readonly audio_guide2?: Attachment;

  readonly activated_loras?: readonly string[] | undefined;
  /** Separated by spaces, in the order of `activated_loras`. */
  readonly loras_multipliers?: string | undefined;

  /** `""`, `rife2`, `rife4`, … */
  readonly temporal_upsampling?: string | undefined;
  /** `""`, `lanczos2`, … */
  readonly spatial_upsampling?: string | undefined;
  readonly film_grain_intensity?: number | undefined;
  readonly film_grain_saturation?: number | undefined;

  /** Returned with the task's artifacts. */
  readonly client_id?: string | undefined;
  readonly _api?: { readonly return_media?: boolean; readonly [option: string]: unknown } | undefined;
}

/** Those of several words: JavaScript would spell them otherwise. */
type OfWords = Extract<keyof KnownSettings, `${string}_${string}`>;

export const KNOWN_SETTINGS_OF_WORDS: Readonly<Record<OfWords, true>> = {
  model_type: true,
  negative_prompt: true,
  video_length: true,
  duration_seconds: true,
  force_fps: true,
  num_inference_steps: true,
  guidance_scale: true,
  flow_shift: true,
  repeat_generation: true,
  batch_size: true,
  image_mode: true,
  image_prompt_type: true,
  image_start: true,
  image_end: true,
  image_refs: true,
  image_guide: true,
  image_mask: true,
  video_prompt_type: true,
  video_source: true,
  video_guide: true,
  video_guide2: true,
  video_mask: true,
  audio_prompt_type: true,
  audio_source: true,
  audio_guide: true,
  audio_guide2: true,
  activated_loras: true,
  loras_multipliers: true,
  temporal_upsampling: true,
  spatial_upsampling: true,
  film_grain_intensity: true,
  film_grain_saturation: true,
  client_id: true,
  _api: true,
};

/**
 * WanGP's settings, as its web interface exports them. The keys are WanGP's own, and pass unchecked. Those that most
 * models share have types; every other one is `unknown` until you narrow it (docs/settings.md). `undefined` keys are
 * left out; functions, symbols, Dates, NaN and circular structures are refused.
 */
// eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- an alias of Record would take no keys of KnownSettings
export interface Settings extends KnownSettings {
  readonly [setting: string]: unknown;
}

/** Settings to be given to WanGP: an object literal with any keys, or what an interface of your own describes. */
export type SettingsInput = Settings | KnownSettings;

/** One task of a queue file of WanGP's. */
export interface Task {
  /** Returned as `taskId` with the task's errors. */
  readonly id?: unknown;
  readonly params: SettingsInput;
  readonly [key: string]: unknown;
}

/** A list of tasks, as a queue file of WanGP's has it. */
export interface TaskList {
  readonly tasks: readonly (SettingsInput | Task)[];
}
