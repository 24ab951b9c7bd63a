import { expectTypeOf, test } from 'vitest';
import type {
  AudioTensor,
  CallbackEvent,
  Callbacks,
  GeneratedArtifact,
  GenerationError,
  GenerationResult,
  JobEvents,
  PreviewImage,
  PreviewUpdate,
  ProgressUpdate,
  SessionEvent,
  SessionJob,
  Settings,
  StreamMessage,
  VideoTensor,
  WanGPSession,
} from 'wangp-node';

// Checked by the compiler (`npm run lint`); running it does nothing.

declare const session: WanGPSession;

/** Type-checked, never run. */
const compiled = (body: () => unknown): unknown => body;

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
    for await (const event of job.events) {
      if (event.kind === 'preview') expectTypeOf(event.data.image).toEqualTypeOf<PreviewImage | null>();
      // @ts-expect-error Events are not to be changed.
      event.timestamp = 0;
    }
  });
});

test('a job, its result and its media', () => {
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

test('callbacks', () => {
  expectTypeOf<Parameters<NonNullable<Callbacks['onProgress']>>>().toEqualTypeOf<[update: ProgressUpdate]>();
  expectTypeOf<Parameters<NonNullable<Callbacks['onComplete']>>>().toEqualTypeOf<[result: GenerationResult]>();
  expectTypeOf<CallbackEvent['kind']>().toEqualTypeOf<
    'progress' | 'preview' | 'stream' | 'status' | 'info' | 'output' | 'complete' | 'error'
  >();
});

test('what can be submitted', () => {
  expectTypeOf<{ model_type: string; a_setting_of_tomorrow: { deep: number[] } }>().toExtend<Settings>();
  compiled(() => session.submit({ prompt: 'a', seed: 1 }));
  compiled(() => session.submit([{ prompt: 'a' }]));
  compiled(() => session.submit({ tasks: [{ prompt: 'a' }] }));
  compiled(() => session.submit('queue.zip', { signal: AbortSignal.timeout(1000) }));
  compiled(() => session.submit(new URL('file:///settings.json')));
  // @ts-expect-error Neither settings nor a path.
  compiled(() => session.submit(7));
  // @ts-expect-error WanGP has it as a string.
  compiled(() => session.submitTask({ resolution: [1280, 704] }));
  // @ts-expect-error Milliseconds have their name.
  compiled(async () => (await session.submitTask({})).result({ timeout: 5 }));
});
