import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { SessionJob, WanGPSession } from 'wangp-node';
import { type Exit, IN_CHILD, initScripted, runScript } from '../tools.js';

const thorough = process.env['WANGP_TEST_THOROUGH'] === '1';
const folder = mkdtempSync(path.join(tmpdir(), 'wangp-lifecycle-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a process without any fault leaves. */
const GOOD = { code: 0, signal: null, stderr: '' };

/** Runs `body` (the body of an async function with a `session` on the scripted root) in a process of its own. */
function runWithSession(body: string, options: Parameters<typeof runScript>[1] = {}): Promise<Exit> {
  return runScript(`(async () => { const session = await wangp.init({ root: SCRIPTED_ROOT }); ${body} })();`, options);
}

describe('the end of the process', () => {
  test('waits for a job that nobody awaits, and for nothing else', async () => {
    const exit = await runWithSession(`
      session.submitTask({ script: 'time.sleep(0.3)' }, {
        callbacks: { onComplete: (result) => { console.log(result.success); global.ended = performance.now(); } },
      });
      process.on('exit', () => console.log(performance.now() - ended < 2000));`);
    expect(exit).toMatchObject({ ...GOOD, stdout: 'true\ntrue\n' });
  });

  test.each(['', 'await session.runTask({});', 'await session.submitTask({ refuse: "no" }).catch(() => {});'])(
    'comes by itself, without close(), after init() and: %s',
    async (body) => {
      expect(await runWithSession(`${body} console.log('done')`)).toMatchObject({ ...GOOD, stdout: 'done\n' });
    },
  );

  test('comes by itself after a submit that was withdrawn', async () => {
    const exit = await runWithSession(`
      const submitting = session.submitTask({ script: 'job.wait_for_cancel(30)' });
      session.cancel();
      await submitting.catch((error) => console.log(error.name));`);
    expect(exit).toMatchObject({ ...GOOD, stdout: 'AbortError\n' });
  });

  test('has the exit code that the process was given', async () => {
    expect(await runWithSession('await session.runTask({}); process.exitCode = 3;')).toMatchObject({
      ...GOOD,
      code: 3,
    });
  });

  test('does not lose what Python printed last', async () => {
    const exit = await runWithSession(
      `await session.runTask({ script: 'for n in range(5000): print(f"line {n:5d}")' });`,
    );
    expect(exit).toMatchObject(GOOD);
    expect(exit.stdout.split('\n')).toHaveLength(5001);
  });

  const BUSY = {
    sleeps: 'time.sleep(30)',
    computes: 'while True: sum(range(1000))',
    'holds the GIL in C': '__import__("ctypes").PyDLL(None).sleep(30)',
  };
  test.each(Object.entries(BUSY))(
    'by process.exit() while Python %s is prompt, and runs the exit listeners',
    async (_, busy) => {
      // The submit itself needs the GIL until it has returned: only then a callback is called.
      const script = `go = kept["go"] = threading.Event()\nput("info", "ready")\ngo.wait(20)\nput("status", "here")\n${busy}`;
      const begin = performance.now();
      const exit = await runWithSession(`
      await session.submitTask({ script: ${JSON.stringify(script)} }, {
        callbacks: {
          onInfo: () => void session.call('execute', ['kept["go"].set()']).catch(() => {}),
          onStatus: () => setTimeout(() => process.exit(7), 100),
        },
      });
      process.on('exit', (code) => console.log('listener', code));`);
      expect(exit).toMatchObject({ code: 7, signal: null, stderr: '', stdout: 'listener 7\n' });
      expect(performance.now() - begin).toBeLessThan(15_000);
    },
  );

  test('by process.exit() while WanGP is imported is prompt, with the code that was given', async () => {
    const slow = path.join(folder, 'slow_import.py');
    const mark = path.join(folder, 'importing');
    writeFileSync(
      slow,
      `print("importing", flush=True)\nopen(${JSON.stringify(mark)}, "w").close()\nimport time\ntime.sleep(30)\n`,
    );
    const begin = performance.now();
    const exit = await runScript(`
      process.on('exit', (code) => console.log('listener', code));
      wangp.init({ root: SCRIPTED_ROOT, preImport: [${JSON.stringify(slow)}] });
      setInterval(() => require('node:fs').existsSync(${JSON.stringify(mark)}) && process.exit(7), 10);`);
    expect(exit).toMatchObject({ code: 7, signal: null });
    expect(exit.stdout.trim().split('\n').sort()).toEqual(['importing', 'listener 7']);
    expect(performance.now() - begin).toBeLessThan(15_000);
  });

  test('by an exception that nobody catches during a job tells that exception and has code 1', async () => {
    const exit = await runWithSession(`
      await session.submitTask({ script: 'time.sleep(30)' });
      process.on('exit', (code) => console.log('listener', code));
      throw new Error('nobody catches this');`);
    expect(exit).toMatchObject({ code: 1, signal: null, stdout: 'listener 1\n' });
    expect(exit.stderr).toContain('nobody catches this');
  });

  // Thirty processes: minutes on a machine that has other work.
  test(
    'is without a crash, in process after process that ends in the midst of a job',
    { timeout: 300_000 },
    async () => {
      const repetitions = thorough ? 30 : 4;
      const natural = `const session = await wangp.init({ outputDir: ${JSON.stringify(folder)}, consoleOutput: false });
      const result = await session.runTask({ ...TINY_VIDEO, _api: { return_media: true } });
      console.log(result.success, result.artifacts[0].video.zeroCopy === ${!IN_CHILD});`;
      const sudden = `const session = await wangp.init({ outputDir: ${JSON.stringify(folder)}, consoleOutput: false });
      await session.submitTask({ ...TINY_VIDEO, resolution: '512x512', video_length: 50, num_inference_steps: 50 });
      setTimeout(() => { console.log('true true'); process.exit(0); }, Math.random() * 300);`;
      const exits: Exit[] = [];
      for (let count = 0; count < repetitions; count += 2) {
        exits.push(...(await Promise.all([natural, sudden].map((body) => runScript(`(async () => { ${body} })();`)))));
      }
      expect(exits.map(({ code, signal, stdout }) => [code, signal, stdout])).toEqual(
        Array.from({ length: repetitions }, () => [0, null, 'true true\n']),
      );
    },
  );
});

describe('a session', () => {
  test('left by its block cancels its job and closes', async () => {
    let job: SessionJob;
    let left: WanGPSession;
    {
      await using session = await initScripted();
      job = await session.submitTask({ script: 'job.wait_for_cancel(20)' });
      left = session;
    }
    expect(job.done).toBe(true);
    expect(await job.result()).toMatchObject({ success: false, cancelled: true });
    // A child has ended with its last session.
    expect(await left.call('evaluate', ['session.closed'])).toBe(IN_CHILD ? 0 : 1);
  });

  test('that was closed can be used again', async () => {
    const session = await initScripted();
    await session.runTask({});
    await session.close();
    expect(await session.runTask({})).toMatchObject({ success: true });
  });

  test('runs its job at the same time as other sessions run theirs', async () => {
    const sessions = await Promise.all([initScripted(), initScripted(), initScripted()]);
    await sessions[0].call('execute', ['import threading; sys.meeting = threading.Barrier(3)']);
    // Nobody goes on until all three are there.
    const results = await Promise.all(sessions.map((session) => session.runTask({ script: 'sys.meeting.wait(20)' })));
    expect(results.map((result) => result.errors)).toEqual([[], [], []]);
  });
});
