import { toKeywords } from './keywords';
import { checkString, isGiven } from '../validate';
import { checkSettings } from './arguments';
import type { Settings, SettingsInput } from './settings';

/** Which models to list. Strings may hold `*` and `?` and ignore case; of a list any may match. */
export interface ModelFilters {
  readonly family?: string | readonly string[] | null | undefined;
  readonly baseModelType?: string | readonly string[] | null | undefined;
  /** True lists only finetunes, false lists none of them. */
  readonly finetune?: boolean | null | undefined;
  readonly modelType?: string | readonly string[] | null | undefined;
  /** What the model makes first of all: `video`, `image`, `audio`. */
  readonly mainOutput?: string | readonly string[] | null | undefined;
  /** What it takes: `text`, `image`, `video`, `audio`. */
  readonly inputs?: string | readonly string[] | null | undefined;
  readonly name?: string | readonly string[] | null | undefined;
  /** Part of the name, type, family or description. */
  readonly query?: string | null | undefined;
  /**
   * 1 to 500.
   * @default all
   */
  readonly limit?: number | null | undefined;
  /** @default 0 */
  readonly offset?: number | null | undefined;
}

export interface MetadataOptions {
  /**
   * Whether to look which of the models' files are on this machine.
   * @default false
   */
  readonly includeAvailability?: boolean | null | undefined;
}

/** A model's definition, with WanGP's own keys. */
export interface ModelDef {
  readonly model_type: string;
  readonly name?: string;
  readonly architecture?: string;
  readonly description?: string;
  readonly metadata?: ModelMetadata;
  readonly [key: string]: unknown;
}

/** What a model takes, makes and can do, with WanGP's own keys. */
export interface ModelMetadata {
  readonly model_type: string;
  readonly name: string;
  readonly family?: string;
  readonly family_label?: string;
  readonly base_model_type?: string;
  readonly finetune?: boolean;
  readonly main_output?: readonly string[];
  readonly outputs?: readonly string[];
  readonly inputs?: readonly string[];
  readonly media_inputs?: {
    readonly image?: Readonly<Record<string, boolean>>;
    readonly video?: Readonly<Record<string, boolean>>;
    readonly audio?: Readonly<Record<string, boolean>>;
  };
  /** `text_to_video`, `image_to_video`, `audio_output`, `lora`, … */
  readonly capabilities?: Readonly<Record<string, boolean>>;
  /** The values that settings like `image_prompt_type` may have. */
  readonly setting_values?: Readonly<Record<string, unknown>>;
  readonly availability?: ModelAvailability;
  readonly [key: string]: unknown;
}

/** A model's metadata with its limits, but without `setting_values`. */
export interface ModelSchema {
  readonly metadata: ModelMetadata & {
    readonly description: string;
    readonly fps: number | null;
    readonly frames_minimum: number | null;
    readonly frames_steps: number | null;
    /** Of models that make videos. */
    readonly frames_maximum?: number;
    readonly infos?: string;
    readonly prompt_infos?: string;
    readonly sliding_window: boolean;
  };
}

/** Whether a model's files are on this machine. */
export interface ModelAvailability {
  readonly model_type: string;
  readonly status: 'available' | 'partial' | 'missing';
  readonly status_code: number;
  readonly indicator: string;
  readonly available: boolean;
}

export interface LoraList {
  readonly model_type: string;
  /** False for models that take none. */
  readonly supported: boolean;
  readonly loras: readonly string[];
  readonly count: number;
}

const FILTERS = {
  family: ['family', 'names'],
  baseModelType: ['base_model_type', 'names'],
  finetune: ['finetune', 'boolean'],
  modelType: ['model_type', 'names'],
  mainOutput: ['main_output', 'names'],
  inputs: ['inputs', 'names'],
  name: ['name', 'names'],
  query: ['query', 'string'],
  limit: ['limit', 'integer'],
  offset: ['offset', 'integer'],
} as const satisfies Record<keyof ModelFilters, unknown>;

const AVAILABILITY = {
  includeAvailability: ['include_availability', 'boolean'],
} as const satisfies Record<keyof MetadataOptions, unknown>;

/**
 * What a session tells of WanGP's models and their settings; nothing is generated or loaded, so all of it works beside
 * a running job.
 *
 * Records come as WanGP has them, keys in its own spelling (`model_type`), because settings and definitions are data
 * that goes back to WanGP. A method that the loaded WanGP lacks rejects with `ERR_WANGP_UNSUPPORTED`; an unknown model
 * rejects with `ERR_WANGP_PYTHON` where null isn't among the answers.
 */
export abstract class ModelLibrary {
  abstract call(
    name: string,
    args?: readonly unknown[] | null,
    keywords?: Readonly<Record<string, unknown>> | null,
  ): Promise<unknown>;

  /** The definitions of the models that pass all filters. */
  async listModelDefs(filters: ModelFilters | null = {}): Promise<ModelDef[]> {
    return (await this.call('list_model_defs', [], toKeywords(filters, FILTERS, 'listModelDefs()'))) as ModelDef[];
  }

  /** One model's definition; null for an unknown one. */
  async getModelDef(modelType: string): Promise<ModelDef | null> {
    return (await this.#ask('get_model_def', modelType)) as ModelDef | null;
  }

  /** The definitions' short form. */
  async listModelMetadata(options: (ModelFilters & MetadataOptions) | null = {}): Promise<ModelMetadata[]> {
    const keywords = toKeywords(options, { ...FILTERS, ...AVAILABILITY }, 'listModelMetadata()');
    return (await this.call('list_model_metadata', [], keywords)) as ModelMetadata[];
  }

  /** The short form of one model's definition; null for an unknown one. */
  async getModelMetadata(modelType: string, options: MetadataOptions | null = {}): Promise<ModelMetadata | null> {
    const keywords = toKeywords(options, AVAILABILITY, 'getModelMetadata()');
    return (await this.#ask('get_model_metadata', modelType, keywords)) as ModelMetadata | null;
  }

  /** What a model takes and can do, and its limits; null for an unknown one. */
  async getModelSchema(modelType: string): Promise<ModelSchema | null> {
    return (await this.#ask('get_model_schema', modelType)) as ModelSchema | null;
  }

  /** Complete settings for a task of this model, as WanGP ships them. */
  async getDefaultSettings(modelType: string): Promise<Settings> {
    return (await this.#ask('get_default_settings', modelType)) as Settings;
  }

  /** The default settings as WanGP's web interface would export them: without what doesn't matter to the model. */
  async getExportedDefaultSettings(modelType: string): Promise<Settings> {
    return (await this.#ask('get_exported_default_settings', modelType)) as Settings;
  }

  /** `settings` completed by the defaults of their `model_type`. */
  async mergeSettingsWithDefaults(settings: SettingsInput): Promise<Settings> {
    return (await this.#give('merge_settings_with_defaults', settings)) as Settings;
  }

  /** `settings` as WanGP's web interface would export them. */
  async prepareSettingsForExport(settings: SettingsInput): Promise<Settings> {
    return (await this.#give('prepare_settings_for_export', settings)) as Settings;
  }

  /** Whether a model's files are on this machine. */
  async getModelAvailability(modelType: string): Promise<ModelAvailability> {
    return (await this.#ask('get_model_availability', modelType)) as ModelAvailability;
  }

  /** The availability of the models that pass all filters. */
  async listModelAvailability(filters: ModelFilters | null = {}): Promise<ModelAvailability[]> {
    const keywords = toKeywords(filters, FILTERS, 'listModelAvailability()');
    return (await this.call('list_model_availability', [], keywords)) as ModelAvailability[];
  }

  /** The LoRAs on this machine that a model can use. */
  async listLoras(modelType: string): Promise<LoraList> {
    return (await this.#ask('list_loras', modelType)) as LoraList;
  }

  async #ask(method: string, modelType: string, keywords: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    checkString(modelType, 'modelType');
    return this.call(method, [modelType], keywords);
  }

  async #give(method: string, settings: SettingsInput): Promise<unknown> {
    checkSettings(settings, 'settings');
    if (isGiven(settings.model_type)) checkString(settings.model_type, 'settings.model_type');
    return this.call(method, [settings]);
  }
}
