import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { init } from 'wangp-node';
import { TINY_VIDEO } from '../tools.js';

const outputDir = mkdtempSync(path.join(tmpdir(), 'wangp-models-'));
const session = await init({ outputDir });
afterAll(async () => {
  await session.close();
  rmSync(outputDir, { recursive: true });
});

const TYPE = TINY_VIDEO.model_type;

test('the sample root lists its own models, and filters narrow the list', async () => {
  const all = await session.listModelDefs();
  expect(all.map((model) => model.model_type)).toContain(TYPE);
  const types = async (filters: Parameters<typeof session.listModelDefs>[0]): Promise<string[]> =>
    (await session.listModelDefs(filters)).map((model) => model.model_type);
  expect(await types({ mainOutput: 'image' })).toEqual(['qwen_image_20B']);
  expect(await types({ modelType: ['LTX2*', 'ace_step_v1_?'] })).toEqual([TYPE, 'ace_step_v1_5']);
  expect(await types({ query: 'ltx-2' })).toEqual([TYPE]);
  expect(await types({ finetune: true })).toEqual([]);
  expect(await types({ offset: 1, limit: 1 })).toEqual([all[1]!.model_type]);
  expect(await session.getModelDef('nope')).toBeNull();
});

test('the schema of a sample model tells what it makes, and its default settings run', async () => {
  const schema = await session.getModelSchema(TYPE);
  expect(schema!.metadata).toMatchObject({ model_type: TYPE, fps: 24, main_output: ['video'] });
  expect(await session.getModelMetadata(TYPE)).toMatchObject({ capabilities: { audio_output: true } });
  const settings = await session.getDefaultSettings(TYPE);
  expect(await session.runTask({ ...settings, ...TINY_VIDEO })).toMatchObject({ success: true });
});

test.each(['listLoras', 'getModelAvailability', 'getExportedDefaultSettings'] as const)(
  'the sample root rejects %s() with ERR_WANGP_UNSUPPORTED',
  async (method) => {
    await expect(session[method](TYPE)).rejects.toMatchObject({
      code: 'ERR_WANGP_UNSUPPORTED',
      message: `the embedded sample root has no ${method}(): name a WanGP checkout with init({ root })`,
    });
  },
);

test('the sample root rejects submitMediaPostprocessing(), and a method of no name here, saying where there may be one', async () => {
  const missing = (name: string): object => ({
    code: 'ERR_WANGP_UNSUPPORTED',
    message: `the embedded sample root has no ${name}: name a WanGP checkout with init({ root })`,
  });
  const attempt = session.submitMediaPostprocessing('a.mp4', { spatialUpsampling: 'lanczos2' });
  await expect(attempt).rejects.toMatchObject(missing('submitMediaPostprocessing()'));
  await expect(session.call('no_such_method')).rejects.toMatchObject(missing('"no_such_method"'));
});
