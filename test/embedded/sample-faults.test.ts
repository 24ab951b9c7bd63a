import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type GenerationResult, init, type SessionEvent, type WanGPSession } from 'wangp-node';
import { runScript } from '../tools.js';

const outputDir = mkdtempSync(path.join(tmpdir(), 'wangp-faults-'));
const IMAGE = { model_type: 'qwen_image_20B', resolution: '16x16', num_inference_steps: 3, seed: 1 };
let session: WanGPSession;

beforeAll(async () => {
  session = await init({ outputDir, consoleOutput: false });
});

afterEach(async () => {
  // Whatever went wrong, the session is as good as new.
  expect(await session.runTask(IMAGE)).toMatchObject({ success: true, errors: [] });
});

afterAll(() => rmSync(outputDir, { recursive: true, force: true }));

async function withFault(
  fault: Record<string, unknown>,
): Promise<{ result: GenerationResult; events: SessionEvent[] }> {
  const job = await session.submitTask({ ...IMAGE, sample_fault: fault });
  const events: SessionEvent[] = [];
  for await (const event of job.events) events.push(event);
  return { result: await job.result(), events };
}

function linesOf(events: readonly SessionEvent[], stream: string): string[] {
  return events.flatMap((event) => (event.kind === 'stream' && event.data.stream === stream ? [event.data.text] : []));
}

describe('the faults that the sample root documents', () => {
  test('raise_at_load fails the job while its model loads, and does nothing once the model is loaded', async () => {
    await session.close();
    const { result } = await withFault({ raise_at_load: true });
    expect(result).toMatchObject({ success: false, cancelled: false, generatedFiles: [], failedTasks: 1 });
    expect(result.errors).toMatchObject([{ stage: 'runtime', taskIndex: 1, message: 'sample_fault: raise_at_load' }]);
    // A model that is loaded isn't loaded again.
    expect(await session.runTask(IMAGE)).toMatchObject({ success: true });
    expect((await withFault({ raise_at_load: true })).result.success).toBe(true);
  });

  test('raise_at_step fails the job at that step, after the previews of the steps before', async () => {
    const { result, events } = await withFault({ raise_at_step: 3 });
    expect(result.errors).toMatchObject([{ stage: 'generation', taskIndex: 1, cancelled: false }]);
    expect(result.errors[0]!.message).toContain('raise_at_step 3');
    expect(events.filter((event) => event.kind === 'preview')).toHaveLength(2);
    expect(events.find((event) => event.kind === 'error')!.data).toEqual(result.errors[0]);
    expect(linesOf(events, 'stderr').join('\n')).toContain('Traceback');
  });

  test('print_lines and print_lines_stderr print that many numbered lines, each to its own stream', async () => {
    const { result, events } = await withFault({ print_lines: 300, print_lines_stderr: 200 });
    expect(result.success).toBe(true);
    const numbered = (count: number): string[] =>
      Array.from({ length: count }, (_, index) => `line ${String(index + 1).padStart(5, '0')} `.padEnd(100, '.'));
    expect(linesOf(events, 'stdout').filter((text) => text.startsWith('line '))).toEqual(numbered(300));
    expect(linesOf(events, 'stderr')).toEqual(numbered(200));
  });

  test.each(['hold_gil_seconds', 'python_loop_seconds'])('%s delays the job that long; it succeeds', async (fault) => {
    const begin = performance.now();
    const { result } = await withFault({ [fault]: 0.2 });
    expect(result.success).toBe(true);
    expect(performance.now() - begin).toBeGreaterThan(195);
  });

  test('hang_until_cancelled keeps the job running until cancel() ends it', async () => {
    const job = await session.submitTask({ ...IMAGE, sample_fault: { hang_until_cancelled: true } });
    await expect(job.result({ timeoutMs: 150 })).rejects.toMatchObject({ code: 'ERR_WANGP_TIMEOUT' });
    job.cancel();
    expect(await job.result()).toMatchObject({ success: false, cancelled: true });
  });

  test('exit fails the job with an error that names exit(3), and Node lives', async () => {
    const { result } = await withFault({ exit: 3 });
    expect(result).toMatchObject({ success: false, cancelled: false });
    expect(result.errors).toMatchObject([{ stage: 'runtime', message: expect.stringContaining('exit(3)') as string }]);
    expect(process.exitCode).toBeUndefined();
  });

  test('step_seconds makes each step that long, and no_preview leaves the previews out', async () => {
    const begin = performance.now();
    const { result, events } = await withFault({ step_seconds: 0.05, no_preview: true });
    expect(result.success).toBe(true);
    expect(performance.now() - begin).toBeGreaterThan(3 * 50 - 5);
    expect(events.some((event) => event.kind === 'preview')).toBe(false);
  });

  test('an unknown fault fails the job in validation, and the error names it', async () => {
    const { result } = await withFault({ raise_at_dawn: true });
    expect(result.errors).toMatchObject([{ stage: 'validation' }]);
    expect(result.errors[0]!.message).toContain('raise_at_dawn');
  });
});

test('a flag that WanGP answers with exit() makes init reject, and Node lives', async () => {
  const { code, stdout } = await runScript(`
    wangp.init({ cliArgs: ['--sample-exit', '2'] }).catch((error) => {
      console.log(error.code, error.message);
    });`);
  expect(stdout).toMatch(/ERR_WANGP_IMPORT .*exit\(2\)/);
  expect(code).toBe(0);
});
