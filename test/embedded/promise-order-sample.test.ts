import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { init, type WanGPSession } from 'wangp-node';
import { testPromiseOrder } from '../fixtures/promise-order.js';

const outputDir = mkdtempSync(path.join(tmpdir(), 'wangp-order-'));
let session: WanGPSession;

beforeAll(async () => {
  session = await init({ outputDir, consoleOutput: false });
});

afterAll(() => rmSync(outputDir, { recursive: true, force: true }));

testPromiseOrder(() => session, { model_type: 'qwen_image_20B', resolution: '16x16', num_inference_steps: 1, seed: 1 });
