import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { init, type WanGPSession } from 'wangp-node';
import { FIXTURES, TINY_VIDEO } from '../tools.js';

let session: WanGPSession;
let other: WanGPSession;
let outputDir: string;

beforeAll(async () => {
  outputDir = await mkdtemp(path.join(tmpdir(), 'wangp-requests-'));
  session = await init({ outputDir, consoleOutput: false });
  other = await init({ outputDir, consoleOutput: false });
});

afterAll(() => rm(outputDir, { recursive: true, force: true }));

test("a settings file as WanGP's web interface exports it runs unchanged", async () => {
  const result = await session.run(path.join(FIXTURES, 'settings', 'exported.json'));
  expect(result.errors).toEqual([]);
  expect(result.generatedFiles).toHaveLength(1);
});

describe('the session is usable after', () => {
  const runs = async (): Promise<boolean> => (await session.runTask(TINY_VIDEO)).success;

  test('an empty manifest', async () => {
    const result = await session.runManifest([]);
    expect(result).toMatchObject({ totalTasks: 0, errors: [], generatedFiles: [] });
    expect(await runs()).toBe(true);
  });

  const thorough = process.env['WANGP_TEST_THOROUGH'] === '1';
  test.runIf(thorough)('a string of 256 MB (on one interpreter only)', { timeout: 300_000 }, async () => {
    const prompt = 'a'.repeat(256 << 20);
    const outcome = await session.runTask({ ...TINY_VIDEO, prompt }).catch((error: unknown) => error);
    expect(outcome).toEqual(
      expect.toSatisfy((value: { success?: boolean; code?: string }) => 'success' in value || 'code' in value),
    );
    expect(await runs()).toBe(true);
  });
});

describe('two sessions on one runtime', () => {
  const long = { ...TINY_VIDEO, num_inference_steps: 1000, sample_fault: { step_seconds: 0.1 } };

  test('cancel() ends the running job within 500 ms while a job of the other session waits, which then succeeds', async () => {
    const running = await session.submitTask(long);
    for await (const event of running.events) if (event.kind === 'preview') break;
    const waiting = await other.submitTask(TINY_VIDEO);
    const started = performance.now();
    running.cancel();
    const result = await running.result();
    const elapsed = performance.now() - started;
    expect(result).toMatchObject({ success: false, cancelled: true });
    expect(result.errors.at(-1)).toMatchObject({ stage: 'cancelled' });
    expect(elapsed).toBeLessThan(500);
    expect((await waiting.result()).success).toBe(true);
  });

  test('cancel() ends the running job within 500 ms while 200 calls wait, which are then answered', async () => {
    const running = await session.submitTask(long);
    for await (const event of running.events) if (event.kind === 'preview') break;
    const calls = Array.from({ length: 200 }, () => session.listModelDefs());
    const started = performance.now();
    running.cancel();
    const result = await running.result();
    expect(performance.now() - started).toBeLessThan(500);
    expect(result.cancelled).toBe(true);
    expect((await Promise.all(calls)).every((models) => models.length > 0)).toBe(true);
  });
});
