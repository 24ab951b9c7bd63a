import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { WanGPSession } from 'wangp-node';
import { HEIGHT, MODEL, onReal, open, outputDir, VIDEO, WIDTH, WITH_MEDIA } from './root.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await open();
}, 120_000);

test('[model_listing, model_metadata] the root’s models, one of them, and what it accepts', async () => {
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

onReal('[model_availability] availability and LoRAs', 'the sample has neither', async () => {
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
