// When native code does go wrong the process dies, as any would: what it leaves on stderr is what counts.
import { describe, expect, test } from 'vitest';
import { runScript } from '../tools.js';

const sanitized = process.env['WANGP_TEST_SANITIZER'] !== undefined;

/** Runs Python on a job's thread, in a process of its own. */
function runJob(script: string, env: NodeJS.ProcessEnv): ReturnType<typeof runScript> {
  const settings = JSON.stringify({ script });
  return runScript(
    `(async () => {
      const session = await wangp.init({ root: SCRIPTED_ROOT });
      await session.runTask(${settings});
      console.log('alive');
    })();`,
    { env },
  );
}

const CRASH = `
import ctypes
def step_of_the_model():
    ctypes.string_at(0)
step_of_the_model()`;

// A sanitizer's runtime answers these signals itself.
describe.skipIf(sanitized)('a native crash on a thread of Python’s', () => {
  test('leaves a traceback of every Python thread with WANGP_FAULTHANDLER=1', async () => {
    const exit = await runJob(CRASH, { WANGP_FAULTHANDLER: '1' });
    expect(exit).toMatchObject({ code: null, signal: 'SIGSEGV', stdout: '' });
    expect(exit.stderr).toContain('Fatal Python error: Segmentation fault');
    expect(exit.stderr).toMatch(/Current thread 0x[0-9a-f]+ [^]*ctypes[^]*in string_at[^]*in step_of_the_model/);
    expect(exit.stderr.match(/^Thread 0x/gm)!.length).toBeGreaterThan(0);
  });

  test('leaves no traceback without WANGP_FAULTHANDLER', async () => {
    const exit = await runJob(CRASH, { WANGP_FAULTHANDLER: undefined });
    expect(exit).toMatchObject({ code: null, signal: 'SIGSEGV', stdout: '' });
    expect(exit.stderr).not.toContain('Fatal Python error');
  });

  test('by abort() says where it was called, with WANGP_FAULTHANDLER=1', async () => {
    const exit = await runJob('import os\nos.abort()', { WANGP_FAULTHANDLER: '1' });
    expect(exit).toMatchObject({ signal: 'SIGABRT' });
    expect(exit.stderr).toMatch(/Fatal Python error: Aborted[^]*shared\/api\.py/);
  });
});
