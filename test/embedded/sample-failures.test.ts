import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { init, type WanGPSession } from 'wangp-node';
import { TINY_VIDEO } from '../tools.js';

let session: WanGPSession;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wangp-failures-'));
  session = await init({ outputDir: folder, consoleOutput: false });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const tasks: [string, object, RegExp][] = [
  ['an unknown model', { model_type: 'no_such_model' }, /no_such_model/],
  ['no model', { model_type: undefined }, /model_type/],
  ['a missing attachment', { image_start: './no such picture.png' }, /no such picture\.png/],
  ['a resolution that is none', { resolution: 'large' }, /large/],
  ['a setting of the wrong type', { num_inference_steps: 'many' }, /num_inference_steps/],
];
test.each(tasks)('a task with %s fails in validation, and the next task succeeds', async (_, settings, message) => {
  const result = await session.runManifest([{ ...TINY_VIDEO, ...settings }, TINY_VIDEO]);
  expect(result).toMatchObject({ success: false, totalTasks: 2, successfulTasks: 1, failedTasks: 1 });
  expect(result.errors).toMatchObject([
    { taskIndex: 1, stage: 'validation', cancelled: false, message: expect.stringMatching(message) },
  ]);
  expect(result.generatedFiles).toHaveLength(1);
});

test('_api of another type than an object is left out, as upstream does', async () => {
  const result = await session.runTask({ ...TINY_VIDEO, _api: 1 as never });
  expect(result).toMatchObject({ success: true, errors: [], artifacts: [] });
});
