import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { GenerationResult, WanGPSession } from 'wangp-node';
import { dataOf, eventsOf, EXPLODING, INVALID, open, REAL, VIDEO, WITH_MEDIA } from './root.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await open();
}, 180_000);

describe('failures', () => {
  test('[error.stage.generation, event.error, error.message, error.task_index, error.task_id, error.stage, job.result.no-raise, rule.failing-model] a model that raises is an error event and a result with its message, index and id, and no rejection', async () => {
    const failing = await session.submitTask(EXPLODING);
    const all = await eventsOf(failing);
    const result = await failing.result();
    expect(result).toMatchObject({ success: false, cancelled: false, generatedFiles: [], failedTasks: 1 });
    expect(dataOf(all, 'error')).toEqual(result.errors);
    expect(result.errors[0]).toMatchObject({ stage: 'generation', taskIndex: 1, taskId: 1, cancelled: false });
    expect(result.errors.map(({ message }) => message).join('\n')).toMatch(REAL ? /exploded/ : /raise_at_step/);
    expect(await session.runTask(VIDEO)).toMatchObject({ success: true });
  });

  test('[error.task_id] the id of a task of a manifest is that of its error', async () => {
    const result = await session.runManifest([VIDEO, { id: 'mine', params: EXPLODING }]);
    expect(result).toMatchObject({ success: false, totalTasks: 2, successfulTasks: 1, failedTasks: 1 });
    expect(result.errors).toMatchObject([{ stage: 'generation', taskIndex: 2, taskId: 'mine' }]);
  });

  test('[error.stage.validation] a task that WanGP refuses is a result with an error of stage validation', async () => {
    const result = await session.runTask(INVALID);
    expect(result).toMatchObject({ success: false, cancelled: false, totalTasks: 1, failedTasks: 1 });
    expect(result.errors).toMatchObject([{ stage: 'validation', taskIndex: 1 }]);
  });

  test('[error.stage.runtime] what fails around the generation (no outputs folder, no model) is an error of stage runtime', async () => {
    let result: GenerationResult;
    if (REAL) {
      // A folder that can be made while init() looks, and can't be any more when WanGP makes it.
      const parent = path.join(await mkdtemp(path.join(tmpdir(), 'wangp-contract-')), 'parent');
      const other = await open({ outputDir: path.join(parent, 'outputs') });
      await writeFile(parent, 'a file');
      result = await other.runTask(VIDEO);
    } else {
      await session.close();
      result = await session.runTask({ ...VIDEO, sample_fault: { raise_at_load: true } });
    }
    expect(result).toMatchObject({ success: false, cancelled: false, generatedFiles: [] });
    expect(result.errors[0]).toMatchObject({ stage: 'runtime' });
    expect(await session.runTask(VIDEO)).toMatchObject({ success: true });
  });

  test('[submit_manifest, input.list, rule.partial] a manifest goes on after a task that failed', async () => {
    const manifest = [{ ...VIDEO, ...WITH_MEDIA }, INVALID, EXPLODING, { ...VIDEO, ...WITH_MEDIA }].map(
      (settings, index) => ({ ...settings, client_id: `task ${index + 1}` }),
    );
    const result = await session.runManifest(manifest);
    expect(result).toMatchObject({ success: false, cancelled: false });
    expect(result).toMatchObject({ totalTasks: 4, successfulTasks: 2, failedTasks: 2 });
    expect(result.generatedFiles).toHaveLength(2);
    expect(result.artifacts.map(({ clientId }) => clientId)).toEqual(['task 1', 'task 4']);
    expect(new Set(result.errors.map(({ taskIndex }) => taskIndex))).toEqual(new Set([2, 3]));
    expect(result.errors.find(({ taskIndex }) => taskIndex === 2)!.stage).toBe('validation');
  });

  test('[rule.bad-input] what can’t be submitted is refused, and the session is usable', async () => {
    const circular: Record<string, unknown> = { ...VIDEO };
    circular['self'] = circular;
    await expect(session.submitTask(circular)).rejects.toMatchObject({ code: 'ERR_WANGP_VALUE' });
    await expect(session.submitTask('text' as never)).rejects.toMatchObject({ code: 'ERR_WANGP_ARGUMENT' });
    await expect(session.submitManifest([1 as never])).rejects.toMatchObject({ code: 'ERR_WANGP_ARGUMENT' });
    await expect(session.submit('/nowhere/queue.zip')).rejects.toMatchObject({ code: 'ERR_WANGP_FILE' });
    await expect(session.submit('/nowhere/settings.json')).rejects.toMatchObject({ code: 'ERR_WANGP_FILE' });
    const unknown = await session.runTask({ ...VIDEO, model_type: 'nothing_like_it' });
    expect(unknown).toMatchObject({ success: false, cancelled: false, successfulTasks: 0 });
    expect(unknown.errors.length).toBeGreaterThan(0);
    expect(await session.runTask(VIDEO)).toMatchObject({ success: true });
  });
});
