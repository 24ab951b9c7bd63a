import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { init, type InitOptions, type WanGPSession } from 'wangp-node';

export const REPOSITORY = path.resolve(import.meta.dirname, '..');

/** The package under test: another one than the repository where its binaries are instrumented. */
export const PACKAGE = process.env['WANGP_TEST_PACKAGE'] ?? REPOSITORY;
export const FIXTURES = path.join(REPOSITORY, 'test', 'fixtures');

/** Runs the Python that a job's setting `script` brings: see its `shared/api.py`. */
export const SCRIPTED_ROOT = path.join(FIXTURES, 'roots', 'scripted');

/** Where `init` has Python run when a test doesn't say: `npm test` runs many tests in both places. */
export const IN_CHILD = process.env['WANGP_PLACE'] === 'child';

/** A session on the scripted root. */
export function initScripted(options: InitOptions = {}): Promise<WanGPSession> {
  return init({ root: SCRIPTED_ROOT, ...options });
}

/** The smallest video of the sample root. */
export const TINY_VIDEO = {
  model_type: 'ltx2_22B_distilled',
  prompt: 'a red bicycle',
  resolution: '64x48',
  video_length: 5,
  num_inference_steps: 2,
  seed: 1,
} as const;

interface Probe {
  addressOf(buffer: ArrayBufferLike): bigint;
  openGlobally(path: string): void;
  /** Linux: `unshare()` fails in this process from now on. */
  refuseUnshare(): void;
  /** Where {@link REFUSE_THREADS} is preloaded: the system refuses the addon's next threads. */
  refuseThreads(count: number): void;
}

const PROBE = path.join(REPOSITORY, 'test', 'native', 'build', 'Release', 'probe.node');

/** For `LD_PRELOAD`. */
export const REFUSE_THREADS = path.join(path.dirname(PROBE), 'refuse_threads.node');

/** The test's own addon: what JavaScript can't see, and what it can't do. */
export const probe = createRequire(import.meta.url)(PROBE) as Probe;

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `script` (CommonJS, with `wangp` and `probe` in scope) in a process of its own; resolves however that ends. */
export async function runScript(
  script: string,
  { env = {}, args = [], timeoutMs = 30_000 }: { env?: NodeJS.ProcessEnv; args?: string[]; timeoutMs?: number } = {},
): Promise<Exit> {
  const prelude = `const wangp = require(${JSON.stringify(path.join(PACKAGE, 'dist/index.js'))});
    const probe = require(${JSON.stringify(PROBE)});
    const SCRIPTED_ROOT = ${JSON.stringify(SCRIPTED_ROOT)};
    const TINY_VIDEO = ${JSON.stringify(TINY_VIDEO)};`;
  const options = { env: { ...process.env, ...env }, timeout: timeoutMs, killSignal: 'SIGKILL' as const };
  try {
    const run = promisify(execFile)(process.execPath, [...args, '-e', `${prelude}\n${script}`], options);
    return { code: 0, signal: null, ...(await run) };
  } catch (error) {
    const { code, signal, stdout, stderr } = error as Exit & { code: number | string | null };
    return { code: typeof code === 'number' ? code : null, signal, stdout, stderr };
  }
}

/** Collects garbage until `done`, or until it is clear that nothing more comes. */
export async function collectUntil(done: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let round = 0; round < 1000; round += 1) {
    globalThis.gc!();
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (await done()) return true;
  }
  return false;
}

/** What is alive of the addon in this process. */
export const { liveCounts } = createRequire(import.meta.url)(path.join(PACKAGE, 'dist', 'runtime', 'embedded.js')) as {
  liveCounts: () => { environments: number; memories: number; pendingMessages: number; channels: number };
};

/** What is alive in this process of memory shared with children. */
export const { sharedCounts } = createRequire(import.meta.url)(
  path.join(PACKAGE, 'dist', 'runtime', 'shared-memory.js'),
) as { sharedCounts: () => { memories: number; segments: number } };
