import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, test } from 'vitest';
import {
  init,
  type InitOptions,
  type SessionEvent,
  type SessionJob,
  type Settings,
  type WanGPSession,
} from 'wangp-node';

const list = (name: string): string[] => (process.env[name] ?? '').split(',').filter((item) => item !== '');

/** Whether the suite runs on a WanGP checkout (`npm run test:wangp`) or on the embedded sample root. */
export const REAL = process.env['WANGP_ROOT'] !== undefined;

/** What every session of this process is made with: a runtime is initialised once. */
export const baseOptions: InitOptions = REAL
  ? {
      ...(process.env['WANGP_CONFIG'] === undefined ? {} : { configPath: process.env['WANGP_CONFIG'] }),
      preImport: list('WANGP_PRE_IMPORT'),
      pythonPath: list('WANGP_PYTHON_PATH'),
      env: { HF_HUB_OFFLINE: '1' },
    }
  : {};

/** The folder of the outputs, gone when the file's tests are over. */
export const outputDir = mkdtempSync(path.join(tmpdir(), 'wangp-contract-'));
afterAll(() => rmSync(outputDir, { recursive: true, force: true }));

export function open(changes: InitOptions = {}): Promise<WanGPSession> {
  return init({ ...baseOptions, outputDir, consoleOutput: false, ...changes });
}

export const MODEL = REAL ? (process.env['WANGP_MODEL'] ?? 'tinycpu') : 'ltx2_22B_distilled';

/** A video of 9 frames, as small as the root makes them. */
export const VIDEO = {
  model_type: MODEL,
  prompt: 'a red bicycle',
  resolution: REAL ? '160x96' : '64x48',
  video_length: 9,
  num_inference_steps: 3,
  seed: 1,
} as const;
export const [WIDTH, HEIGHT] = VIDEO.resolution.split('x').map(Number) as [number, number];

/** With `_api`, as the contract has it. */
export const WITH_MEDIA = { _api: { return_media: true } } as const;

/** Takes seconds, in steps of 20 ms (WanGP's tinycpu) or 100 ms. */
export const SLOW: Settings = REAL
  ? { ...VIDEO, num_inference_steps: 400 }
  : { ...VIDEO, num_inference_steps: 100, sample_fault: { step_seconds: 0.1 } };

/** From `cancel()` to the result at most; WanGP itself frees what the task held, as fast as the machine is. */
export const CANCEL_MS = REAL ? 3000 : 500;

/** A model that raises. */
export const EXPLODING: Settings = REAL
  ? { ...VIDEO, prompt: 'explode' }
  : { ...VIDEO, sample_fault: { raise_at_step: 1 } };

/** A task that no root accepts. */
export const INVALID: Settings = REAL ? { ...VIDEO, model_type: '' } : { ...VIDEO, num_inference_steps: 0 };

/** A test for one of the two roots, `why` the other can't run it. Both say so: none is skipped silently. */
function only(here: boolean, root: string, other: string) {
  return (title: string, why: string, run: () => Promise<void>, timeoutMs?: number): void => {
    if (!here) console.log(`not on ${other}: ${title}: ${why}`);
    test.skipIf(!here)(`${title} (on ${root} only: ${why})`, run, timeoutMs);
  };
}
export const onReal = only(REAL, 'a checkout', 'the sample root');
export const onSample = only(!REAL, 'the sample root', 'a checkout');

export async function eventsOf(job: SessionJob): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for await (const event of job.events) events.push(event);
  return events;
}

type DataOf<Kind extends SessionEvent['kind']> = Extract<SessionEvent, { kind: Kind }>['data'];

export function dataOf<Kind extends SessionEvent['kind']>(events: readonly SessionEvent[], kind: Kind): DataOf<Kind>[] {
  return events.flatMap((event) => (event.kind === kind ? [event.data as DataOf<Kind>] : []));
}

/** Waits until the model makes its steps. */
export async function steps(job: SessionJob): Promise<void> {
  for await (const event of job.events) if (event.kind === 'preview') return;
}
