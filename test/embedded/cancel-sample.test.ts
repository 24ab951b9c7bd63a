import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { init, type WanGPSession } from 'wangp-node';
import { TINY_VIDEO } from '../tools.js';

const outputDir = mkdtempSync(path.join(tmpdir(), 'wangp-cancel-'));
let session: WanGPSession;

beforeAll(async () => {
  session = await init({ outputDir, consoleOutput: false });
});

afterAll(() => rmSync(outputDir, { recursive: true, force: true }));

test('a cancelled job has its result within 500 ms of cancel()', async () => {
  const settings = { ...TINY_VIDEO, num_inference_steps: 200, sample_fault: { step_seconds: 0.1 } };
  const took: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const job = await session.submitTask(settings);
    for await (const event of job.events) if (event.kind === 'preview') break;
    await sleep(round * 10);
    const begin = performance.now();
    job.cancel();
    const result = await job.result();
    took.push(performance.now() - begin);
    expect(result).toMatchObject({ success: false, cancelled: true, generatedFiles: [], failedTasks: 1 });
    expect(result.errors).toMatchObject([{ stage: 'cancelled', cancelled: true }]);
  }
  took.sort((a, b) => a - b);
  console.log(
    `cancel() to result(), steps of 100 ms: median ${took[5]!.toFixed(1)} ms, longest ${took[9]!.toFixed(1)} ms`,
  );
  expect(took[9]).toBeLessThan(500);
});

test('a cancelled manifest stops at its task, keeps what it made and leaves no half of a file', async () => {
  const slow = { ...TINY_VIDEO, sample_fault: { hang_until_cancelled: true } };
  const job = await session.submitManifest([TINY_VIDEO, slow, TINY_VIDEO]);
  const phases: string[] = [];
  for await (const event of job.events) {
    if (event.kind === 'progress') phases.push(event.data.phase);
    if (event.kind === 'info' && phases.filter((phase) => phase === 'encoding_text').length === 2) job.cancel();
  }
  const result = await job.result();
  // The third never began, and counts neither way.
  expect(result).toMatchObject({ success: false, totalTasks: 3, successfulTasks: 1, failedTasks: 1 });
  expect(result.errors).toMatchObject([{ stage: 'cancelled', taskIndex: 2, cancelled: true }]);
  expect(result.generatedFiles).toHaveLength(1);
  expect(phases.at(-1)).toBe('cancelled');
  expect(readdirSync(outputDir).map((name) => path.join(outputDir, name))).toEqual(result.generatedFiles);
});
