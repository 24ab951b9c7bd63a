import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { WanGPSession } from 'wangp-node';
import { HEIGHT, MODEL, onReal, onSample, open, outputDir, REAL, VIDEO, WIDTH, WITH_MEDIA } from './root.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await open();
}, 120_000);

test('[model_listing, model_metadata] models are listed; one is asked for its definition, defaults, metadata and schema; an unknown one is null', async () => {
  const definitions = await session.listModelDefs();
  expect(definitions.map(({ model_type }) => model_type)).toContain(MODEL);
  expect(await session.getModelDef(MODEL)).toMatchObject({ model_type: MODEL });
  expect(await session.getModelDef('no_such_model')).toBeNull();
  expect(await session.getDefaultSettings(MODEL)).toMatchObject({ model_type: MODEL });
  const metadata = await session.listModelMetadata();
  expect(metadata.map(({ model_type }) => model_type)).toContain(MODEL);
  expect(await session.getModelMetadata(MODEL)).toMatchObject({ model_type: MODEL });
  expect(await session.getModelSchema(MODEL)).toMatchObject({ metadata: { model_type: MODEL } });
});

onReal('[model_availability] availability and LoRAs of a model are told', 'the sample has neither', async () => {
  expect(await session.getModelAvailability(MODEL)).toMatchObject({
    model_type: MODEL,
    available: expect.any(Boolean),
  });
  expect((await session.listModelAvailability({ modelType: MODEL })).length).toBe(1);
  expect(await session.listLoras(MODEL)).toMatchObject({ model_type: MODEL });
});

onReal('[model_settings, settings.exported] exported settings run unchanged', 'the sample exports none', async () => {
  const exported = await session.getExportedDefaultSettings(MODEL);
  const merged = await session.mergeSettingsWithDefaults({ model_type: MODEL, prompt: 'merged' });
  expect(merged).toMatchObject({ model_type: MODEL, prompt: 'merged' });
  expect(await session.prepareSettingsForExport(merged)).toMatchObject({ model_type: MODEL, prompt: 'merged' });
  const file = path.join(outputDir, 'exported.json');
  writeFileSync(file, JSON.stringify(exported));
  const result = await session.run(file);
  expect(result.errors).toEqual([]);
  expect(result.generatedFiles).toHaveLength(1);
});

test('[memory_video] a generated video is an input again, without a file', async () => {
  const first = await session.runTask({ ...VIDEO, ...WITH_MEDIA });
  const video = first.artifacts[0]!.video!;
  const source = await session.registerVideo('again', video);
  const second = await session.runTask({ ...VIDEO, video_guide: source.path, video_prompt_type: 'VG', ...WITH_MEDIA });
  expect(second.errors).toEqual([]);
  expect(second.artifacts[0]!.video!.shape.slice(2)).toEqual([HEIGHT, WIDTH]);
  await source.dispose();
  video.dispose();
});

test('[memory_image] a picture is an input, without a file', async () => {
  const data = Buffer.from(Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, at) => at % 251));
  await using image = await session.registerImage('start', { data, width: WIDTH, height: HEIGHT, channels: 3 });
  const { errors, artifacts } = REAL
    ? await session.runMediaPostprocessing(image.path, { spatialUpsampling: 'lanczos2', returnMedia: true })
    : await session.runTask({ ...VIDEO, image_start: image.path, ...WITH_MEDIA });
  expect(errors).toEqual([]);
  const [channels, , height, width] = artifacts[0]!.video!.shape;
  // Upstream makes it twice as large.
  expect([channels, height, width]).toEqual(REAL ? [3, HEIGHT * 2, WIDTH * 2] : [3, HEIGHT, WIDTH]);
});

onReal(
  '[audio_postprocessing] what an audio processor lacks is told in the result',
  'the sample has no post-processing',
  async () => {
    const sound = path.join(outputDir, 'sound.wav');
    // One second of silence, 16 bits, mono.
    const header = Buffer.from(
      '524946460000000057415645666d74201000000001000100c05d000080bb00000200100064617461',
      'hex',
    );
    const size = Buffer.alloc(4);
    size.writeUInt32LE(48_000);
    writeFileSync(sound, Buffer.concat([header, size, Buffer.alloc(48_000)]));
    // Its model's weights are not there, and none can be fetched.
    const lacking = await session.runAudioPostprocessing(sound, { postprocessAudio: 'remove_background' });
    expect(lacking).toMatchObject({ success: false, cancelled: false, failedTasks: 1 });
    console.log(`remove_background: ${lacking.errors[0]!.stage}: ${lacking.errors[0]!.message}`);
    const unknown = await session.runAudioPostprocessing(sound, { postprocessAudio: 'no_such_processor' });
    expect(unknown).toMatchObject({ success: false, errors: [{ stage: 'validation' }] });
    expect(await session.runTask(VIDEO)).toMatchObject({ success: true });
  },
);

onSample(
  '[audio_postprocessing] a WanGP without an audio processor rejects with ERR_WANGP_UNSUPPORTED',
  'a checkout has it',
  async () => {
    const refused = session.runAudioPostprocessing('sound.wav', { postprocessAudio: 'remove_background' });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_WANGP_UNSUPPORTED' });
  },
);
