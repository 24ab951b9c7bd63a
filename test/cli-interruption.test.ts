import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FIXTURES, PACKAGE } from './tools.js';

const home = mkdtempSync(path.join(os.tmpdir(), 'wangp-interruption-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  /** Milliseconds since the last interrupt. */
  readonly after: number;
}

/** Runs the demo with `settings`, and interrupts it when `when` stands on stderr, then again after each of `gaps`. */
function interrupted(settings: string, when: RegExp, gaps: readonly number[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const main = path.join(PACKAGE, 'dist', 'cli', 'main.js');
  const file = path.join(FIXTURES, 'settings', settings);
  const args = [main, 'demo', '--settings', file, '--output', path.join(home, 'outputs'), '--verbose'];
  const environment = { ...process.env, WANGP_ROOT: undefined, npm_lifecycle_event: undefined, ...env };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    let [stderr, last] = ['', 0];
    const interrupt = (): void => {
      last = performance.now();
      child.kill('SIGINT');
    };
    let begun = false;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (begun || !when.test(stderr)) return;
      begun = true;
      interrupt();
      let at = 0;
      for (const gap of gaps) setTimeout(interrupt, (at += gap));
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stderr, after: performance.now() - last }));
  });
}

const CANCELLED = 'the generation was cancelled';
const NPM = { npm_lifecycle_event: 'npx' };

describe.skipIf(process.platform === 'win32')('Ctrl-C pressed twice in a row', () => {
  // Python holds the GIL for 20 s from its first line on: only leaving at once ends it before.
  test.each([
    ['150 ms apart', [150], {}],
    ['30 ms apart', [30], {}],
    ['150 ms apart under npm', [150], NPM],
    ['150 ms apart under npm, which repeats each', [2, 150, 2], NPM],
  ])('%s leaves at once', async (_, gaps, env) => {
    const { code, stderr, after } = await interrupted('deaf.json', /line 00001/, gaps, env);
    expect(code).toBe(130);
    expect(stderr).not.toContain(CANCELLED);
    expect(after).toBeLessThan(5000);
  });

  test('once, and repeated by npm, cancels the job and waits for its result', async () => {
    const { code, stderr } = await interrupted('slow.json', /Denoising/, [5], NPM);
    expect(code).toBe(130);
    expect(stderr).toContain(CANCELLED);
  });
});
