import { toKeywords } from './keywords';
import { camelCase, describe, invalid, isGiven, isObject } from '../validate';
import { checkForMisplacedCallbacks } from '../job/callbacks';
import { checkSettings, toFile } from './arguments';
import type { SubmitOptions } from './options';
import type { SettingsInput } from './settings';

/** What all kinds of postprocessing take beside the options of a submit. */
export interface PostprocessingOptions extends SubmitOptions {
  /** Whether the result's artifacts carry the media themselves. */
  readonly returnMedia?: boolean | null | undefined;
  /** WanGP's `_api` of the task. */
  readonly apiOptions?: Readonly<Record<string, unknown>> | null | undefined;
  /** Further settings of the task, with WanGP's own keys. Options win over settings of the same meaning. */
  readonly settings?: SettingsInput | null | undefined;
}

/** At least one operation has to be chosen. */
export interface MediaPostprocessingOptions extends PostprocessingOptions {
  /** For videos: `rife2`, `rife4`, … */
  readonly temporalUpsampling?: string | null | undefined;
  /** `lanczos2`, `flashvsr2`, … */
  readonly spatialUpsampling?: string | null | undefined;
  /**
   * Above 0 there is grain.
   * @default 0
   */
  readonly filmGrainIntensity?: number | null | undefined;
  /** @default 0.5 */
  readonly filmGrainSaturation?: number | null | undefined;
  /** @default -1 */
  readonly seed?: number | null | undefined;
}

interface VoiceOptions extends PostprocessingOptions {
  /** The voice that replaces the first speaker's. */
  readonly replaceVoiceSample?: string | URL | null | undefined;
  /** The voice that replaces the second speaker's. */
  readonly replaceVoiceSample2?: string | URL | null | undefined;
}

export interface AudioRemuxOptions extends VoiceOptions {
  /** `custom` takes `audioSource`; `mmaudio`, `prismaudio`, `seedvc_one_speaker`, … */
  readonly postprocessAudio: string;
  /** The soundtrack, for `custom`. */
  readonly audioSource?: string | URL | null | undefined;
  readonly postprocessAudioPrompt?: string | null | undefined;
  readonly postprocessAudioNegPrompt?: string | null | undefined;
  /** @default -1 */
  readonly seed?: number | null | undefined;
  /** @default 1 */
  readonly repeatGeneration?: number | null | undefined;
}

export interface AudioPostprocessingOptions extends VoiceOptions {
  /** `remove_background`, `seedvc_one_speaker`, … */
  readonly postprocessAudio: string;
}

type Table<Options extends PostprocessingOptions> = Readonly<
  Record<Exclude<keyof Options, keyof SubmitOptions | 'settings'>, readonly [string, 'string' | 'boolean' | 'integer' | 'number' | 'file' | 'object']> // prettier-ignore
>;

const COMMON = {
  returnMedia: ['return_media', 'boolean'],
  apiOptions: ['api_options', 'object'],
} as const satisfies Table<PostprocessingOptions>;

const VOICE = {
  replaceVoiceSample: ['replace_voice_sample', 'file'],
  replaceVoiceSample2: ['replace_voice_sample2', 'file'],
  ...COMMON,
} as const satisfies Table<VoiceOptions>;

/** What each method calls its source, and its options. */
const METHODS = {
  submit_media_postprocessing: {
    source: 'media_source',
    options: {
      temporalUpsampling: ['temporal_upsampling', 'string'],
      spatialUpsampling: ['spatial_upsampling', 'string'],
      filmGrainIntensity: ['film_grain_intensity', 'number'],
      filmGrainSaturation: ['film_grain_saturation', 'number'],
      seed: ['seed', 'integer'],
      ...COMMON,
    } satisfies Table<MediaPostprocessingOptions>,
  },
  submit_audio_remux: {
    source: 'video_source',
    options: {
      postprocessAudio: ['postprocess_audio', 'string'],
      audioSource: ['audio_source', 'file'],
      postprocessAudioPrompt: ['postprocess_audio_prompt', 'string'],
      postprocessAudioNegPrompt: ['postprocess_audio_neg_prompt', 'string'],
      seed: ['seed', 'integer'],
      repeatGeneration: ['repeat_generation', 'integer'],
      ...VOICE,
    } satisfies Table<AudioRemuxOptions>,
  },
  submit_audio_postprocessing: {
    source: 'audio_source',
    options: {
      postprocessAudio: ['postprocess_audio', 'string'],
      ...VOICE,
    } satisfies Table<AudioPostprocessingOptions>,
  },
} as const;

export type PostprocessingMethod = keyof typeof METHODS;

/** What goes to Python. */
export interface PostprocessingCall {
  readonly source: string;
  readonly keywords: Readonly<Record<string, unknown>>;
  readonly submit: SubmitOptions;
}

function checkOverrides(settings: SettingsInput, source: string): void {
  checkSettings(settings, 'settings');
  for (const name of [source, 'callbacks']) {
    if (Object.hasOwn(settings, name)) throw invalid(`settings may not have ${name}: it is an argument of its own`);
  }
}

/** Interprets the arguments of a postprocessing submit. Throws `ERR_WANGP_ARGUMENT` for what can't be used. */
export function postprocessingCall(
  method: PostprocessingMethod,
  source: string | URL,
  options: PostprocessingOptions | null | undefined,
): PostprocessingCall {
  const { source: theirs, options: table } = METHODS[method];
  const taker = `${camelCase(method)}()`;
  if (source === '' || !(typeof source === 'string' || source instanceof URL)) {
    throw invalid(`source must be the path of a file, not ${describe(source)}`);
  }
  if (isObject(options)) checkForMisplacedCallbacks(options, '{ callbacks: { onProgress() { … } } }');
  const keywords = toKeywords(options, table, taker, ['callbacks', 'signal', 'settings']);
  const { callbacks, signal, settings } = options ?? {};
  if (isGiven(settings)) checkOverrides(settings, theirs);
  if (method === 'submit_media_postprocessing' && !isGiven(options)) {
    throw invalid(`${taker} needs an operation: { spatialUpsampling: 'lanczos2' }`);
  }
  if ('postprocessAudio' in table && keywords['postprocess_audio'] === undefined) {
    throw invalid('postprocessAudio must name an audio processor: "custom", "remove_background", …');
  }
  for (const [name, value] of Object.entries(keywords)) {
    if (value instanceof URL) keywords[name] = toFile(value, name);
  }
  return {
    source: toFile(source, 'source'),
    keywords: { ...settings, ...keywords },
    submit: { callbacks, signal },
  };
}
