import { expectTypeOf, test } from 'vitest';
import type {
  Attachment,
  AudioTensor,
  CallbackEvent,
  Callbacks,
  GeneratedArtifact,
  GenerationError,
  GenerationResult,
  JobEvents,
  ModelAvailability,
  ModelDef,
  ModelMetadata,
  ModelSchema,
  PreviewImage,
  PreviewUpdate,
  ProgressUpdate,
  SessionEvent,
  SessionJob,
  Settings,
  SettingsInput,
  StreamMessage,
  Task,
  UnknownEvent,
  VideoTensor,
  VirtualMediaPath,
  WanGPSession,
} from 'wangp-node';
import { buildVirtualMediaPath, parseVirtualMediaPath } from 'wangp-node';

// Checked by the compiler (`npm run lint`); running it does nothing.

declare const session: WanGPSession;

/** Type-checked, never run. */
const compiled = (body: (...given: never[]) => unknown): unknown => body;

test('an event is narrowed by its kind', () => {
  expectTypeOf<Awaited<ReturnType<JobEvents['get']>>>().toEqualTypeOf<SessionEvent | null>();
  type DataOf<Kind extends SessionEvent['kind']> = Extract<SessionEvent, { kind: Kind }>['data'];
  expectTypeOf<DataOf<'started'>>().toEqualTypeOf<{ readonly tasks: number }>();
  expectTypeOf<DataOf<'progress'>>().toEqualTypeOf<ProgressUpdate>();
  expectTypeOf<DataOf<'preview'>>().toEqualTypeOf<PreviewUpdate>();
  expectTypeOf<DataOf<'stream'>>().toEqualTypeOf<StreamMessage>();
  expectTypeOf<DataOf<'status' | 'info'>>().toEqualTypeOf<string>();
  expectTypeOf<DataOf<'output' | 'refresh_models'>>().toEqualTypeOf<unknown>();
  expectTypeOf<DataOf<'completed'>>().toEqualTypeOf<GenerationResult>();
  expectTypeOf<DataOf<'error'>>().toEqualTypeOf<GenerationError>();
  expectTypeOf<SessionEvent['timestamp']>().toEqualTypeOf<number>();
  compiled(async () => {
    const job = await session.submitTask({});
    job.on('progress', (event) => expectTypeOf(event.data).toEqualTypeOf<ProgressUpdate>());
    job.once('celebration', (event) => expectTypeOf(event.data).toEqualTypeOf<unknown>());
    job.on('*', (event) => expectTypeOf(event).toEqualTypeOf<SessionEvent>());
    for await (const event of job.events) {
      if (event.kind === 'preview') expectTypeOf(event.data.image).toEqualTypeOf<PreviewImage | null>();
      // @ts-expect-error Events are not to be changed.
      event.timestamp = 0;
    }
  });
});

test('a job, its result and its media have their types', () => {
  expectTypeOf<SessionJob['done']>().toEqualTypeOf<boolean>();
  expectTypeOf<SessionJob['cancel']>().toEqualTypeOf<() => void>();
  expectTypeOf<SessionJob['result']>().returns.toEqualTypeOf<Promise<GenerationResult>>();
  expectTypeOf<GenerationResult['artifacts'][number]>().toEqualTypeOf<GeneratedArtifact>();
  expectTypeOf<GeneratedArtifact['video']>().toEqualTypeOf<VideoTensor | null>();
  expectTypeOf<GeneratedArtifact['audio']>().toEqualTypeOf<AudioTensor | null>();
  expectTypeOf<VideoTensor['data']>().toEqualTypeOf<Buffer>();
  expectTypeOf<AudioTensor['data']>().toEqualTypeOf<Float32Array>();
  expectTypeOf<GenerationError['stage']>().toExtend<string | null>();
});

test('callbacks and the event of onEvent are typed by what they are called with', () => {
  expectTypeOf<Parameters<NonNullable<Callbacks['onProgress']>>>().toEqualTypeOf<[update: ProgressUpdate]>();
  expectTypeOf<Parameters<NonNullable<Callbacks['onComplete']>>>().toEqualTypeOf<[result: GenerationResult]>();
  expectTypeOf<CallbackEvent['kind']>().toEqualTypeOf<
    'progress' | 'preview' | 'stream' | 'status' | 'info' | 'output' | 'complete' | 'error'
  >();
});

test('an event of a kind that came with a newer WanGP can be asked for, and leaves the known ones narrowed', () => {
  compiled((event: SessionEvent) => {
    switch (event.kind) {
      case 'progress':
        expectTypeOf(event.data).toEqualTypeOf<ProgressUpdate>();
        break;
      case 'status':
        expectTypeOf(event.data).toEqualTypeOf<string>();
        break;
      case 'celebration': {
        const data: unknown = event.data;
        return data;
      }
      default:
        expectTypeOf(event.data).toEqualTypeOf<unknown>();
    }
    if (event.kind !== 'completed') return event.kind;
    return event.data.throwIfFailed().generatedFiles;
  });
  expectTypeOf<SessionEvent>().toExtend<UnknownEvent>();
});

test('a submit takes settings, lists, tasks, paths and URLs, and nothing of another type', () => {
  expectTypeOf<{ model_type: string; a_setting_of_tomorrow: { deep: number[] } }>().toExtend<Settings>();
  compiled(() => session.submit({ prompt: 'a', seed: 1 }));
  compiled(() => session.submit([{ prompt: 'a' }]));
  compiled(() => session.submit({ tasks: [{ prompt: 'a' }] }));
  expectTypeOf<{ id: number; params: { model_type: string } }>().toExtend<Task>();
  compiled(() => session.submit({ tasks: [{ id: 7, params: { prompt: 'a', a_setting_of_tomorrow: 1 } }] }));
  interface Mine {
    model_type: string;
    a_setting_of_tomorrow: number;
  }
  compiled((mine: Mine) => session.submitTask(mine));
  compiled((mine: Mine) => session.submitManifest([mine, { prompt: 'a' }]));
  interface Wrong {
    model_type: string;
    seed: string;
  }
  // @ts-expect-error A seed is a number, in an interface too.
  compiled((wrong: Wrong) => session.submitTask(wrong));
  // @ts-expect-error A list is no task.
  compiled(() => session.submitTask([{ prompt: 'a' }]));
  // @ts-expect-error A function is no task.
  compiled(() => session.submitTask(() => {}));
  compiled(() => session.submit('queue.zip', { signal: AbortSignal.timeout(1000) }));
  compiled(() => session.submit(new URL('file:///settings.json')));
  // @ts-expect-error Neither settings nor a path.
  compiled(() => session.submit(7));
  // @ts-expect-error WanGP has it as a string.
  compiled(() => session.submitTask({ resolution: [1280, 704] }));
  // @ts-expect-error Milliseconds have their name.
  compiled(async () => (await session.submitTask({})).result({ timeout: 5 }));
});

test('settings are typed where models agree, and open elsewhere', () => {
  expectTypeOf<Settings['prompt']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<Settings['video_length']>().toEqualTypeOf<number | string | undefined>();
  expectTypeOf<Settings['image_start']>().toEqualTypeOf<Attachment>();
  expectTypeOf<Settings['activated_loras']>().toEqualTypeOf<readonly string[] | undefined>();
  expectTypeOf<Settings['a_setting_of_tomorrow']>().toEqualTypeOf<unknown>();
  interface OfOneModel extends Settings {
    readonly model_type: 'ltx2_22B_distilled';
    readonly video_length: number;
    readonly sliding_window_size?: number;
  }
  expectTypeOf<OfOneModel>().toExtend<Settings>();
  compiled((one: OfOneModel) => session.submitTask(one));
  // @ts-expect-error A seed is a number.
  compiled(() => session.submitTask({ seed: '1' }));
  // @ts-expect-error A list of settings is no setting.
  compiled(() => session.submitTask({ image_refs: [7] }));
});

test('the methods about models have typed filters and answers', () => {
  expectTypeOf<WanGPSession['listModelDefs']>().returns.resolves.toEqualTypeOf<ModelDef[]>();
  expectTypeOf<WanGPSession['getModelDef']>().returns.resolves.toEqualTypeOf<ModelDef | null>();
  expectTypeOf<WanGPSession['listModelMetadata']>().returns.resolves.toEqualTypeOf<ModelMetadata[]>();
  expectTypeOf<WanGPSession['getModelSchema']>().returns.resolves.toEqualTypeOf<ModelSchema | null>();
  expectTypeOf<WanGPSession['getDefaultSettings']>().returns.resolves.toEqualTypeOf<Settings>();
  expectTypeOf<WanGPSession['mergeSettingsWithDefaults']>().parameters.toEqualTypeOf<[settings: SettingsInput]>();
  expectTypeOf<ModelSchema['metadata']['fps']>().toEqualTypeOf<number | null>();
  expectTypeOf<ModelAvailability['status']>().toEqualTypeOf<'available' | 'partial' | 'missing'>();
  compiled(() => session.listModelDefs({ mainOutput: ['video', 'image'], inputs: 'image', finetune: true }));
  // @ts-expect-error Python's name of it.
  compiled(() => session.listModelDefs({ main_output: 'video' }));
});

test('the methods of postprocessing have typed sources, options and answers', () => {
  expectTypeOf<WanGPSession['submitMediaPostprocessing']>().returns.resolves.toEqualTypeOf<SessionJob>();
  expectTypeOf<WanGPSession['runAudioRemux']>().returns.resolves.toEqualTypeOf<GenerationResult>();
  expectTypeOf<WanGPSession['submitAudioPostprocessing']>().parameter(0).toEqualTypeOf<string | URL>();
  compiled(() => session.runMediaPostprocessing('a.mp4', { spatialUpsampling: 'lanczos2', settings: { prompt: 'a' } }));
  // @ts-expect-error A remux names its processor.
  compiled(() => session.submitAudioRemux('a.mp4', { audioSource: 'b.wav' }));
});

test('parseVirtualMediaPath() gives what buildVirtualMediaPath() takes', () => {
  expectTypeOf(parseVirtualMediaPath).returns.toEqualTypeOf<VirtualMediaPath | null>();
  expectTypeOf(buildVirtualMediaPath).returns.toEqualTypeOf<string>();
  compiled(({ path, ...part }: VirtualMediaPath) => buildVirtualMediaPath(path, part));
});
