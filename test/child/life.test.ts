// A child's life and death, as its parent sees it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type ChildExit, init, type WanGPSession } from 'wangp-node';
import { initScripted, runScript } from '../tools.js';

const isWindows = process.platform === 'win32';
const folder = mkdtempSync(path.join(tmpdir(), 'wangp child '));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (options: object = {}): Promise<WanGPSession> => initScripted({ place: 'child', ...options });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** What is said and done at once may end the child before the submit has settled. */
const LATER = 'time.sleep(0.3); ';
const CRASH = `import ctypes; print("before", file=sys.stderr); ${LATER}ctypes.string_at(0)`;

describe('a child that dies', () => {
  test.each([
    ['a segmentation fault', CRASH, /was ended by SIGSEGV\. Its last lines on stderr:\nbefore$/, { signal: 'SIGSEGV' }],
    ['abort()', `${LATER}os.abort()`, /was ended by SIGABRT/, { signal: 'SIGABRT' }],
    ['os._exit', `${LATER}os._exit(3)`, /ended with exit code 3/, { signal: null, exitCode: 3 }],
    [
      'kill -9',
      `${LATER}os.kill(os.getpid(), 9)`,
      /was killed \(SIGKILL\), by somebody or because the system ran out of/,
      { signal: 'SIGKILL' },
    ],
  ])(
    'by %s ends its job with an error that says so, and the next submit has another child',
    async (_, script, message, exit) => {
      await using session = await start();
      const before = session.pid;
      const exits: ChildExit[] = [];
      session.on('exit', (each) => exits.push(each));
      const job = await session.submitTask({ script: `put("status", "first"); ${script}` });
      const kinds: string[] = [];
      for await (const event of job.events) kinds.push(event.kind);
      const result = await job.result();
      expect(result).toMatchObject({ success: false, cancelled: false, totalTasks: 1, failedTasks: 1, artifacts: [] });
      expect(result.errors).toEqual([
        {
          message: expect.stringMatching(message) as string,
          stage: 'runtime',
          taskIndex: null,
          taskId: null,
          cancelled: false,
        },
      ]);
      expect(kinds.filter((kind) => kind === 'completed')).toHaveLength(1);
      expect(kinds.at(-1)).toBe('completed');
      expect(exits).toMatchObject([{ pid: before, ...exit, error: { code: 'ERR_WANGP_CHILD_ENDED' } }]);
      expect(session.pid).toBeNull();
      expect(await session.runTask({ script: '' })).toMatchObject({ success: true });
      expect(session.pid).not.toBe(before);
      expect(isAlive(before!)).toBe(false);
    },
    120_000,
  );

  test('leaves the traceback of WANGP_FAULTHANDLER in the error', async () => {
    await using session = await start({ env: { WANGP_FAULTHANDLER: '1' } });
    const { errors } = await session.runTask({ script: CRASH });
    expect(errors[0]!.message).toMatch(/Fatal Python error: Segmentation fault[^]*string_at/);
  });

  test('in the midst of a call has it rejected, and what waited for it', async () => {
    await using session = await start();
    await expect(session.call('evaluate', ['__import__("os")._exit(1)'])).rejects.toMatchObject({
      code: 'ERR_WANGP_CHILD_ENDED',
    });
    expect(await session.call('evaluate', ['1 + 1'])).toBe(2);
  });

  test('before a submit has settled has that rejected', async () => {
    await using session = await start();
    process.kill(session.pid!, 'SIGKILL');
    await expect(session.submitTask({ script: '' })).rejects.toMatchObject({ code: 'ERR_WANGP_CHILD_ENDED' });
    expect(await session.runTask({ script: '' })).toMatchObject({ success: true });
  });

  test('leaves tensors that were handed over as they are', async () => {
    await using session = await start();
    const script =
      'import numpy; add_artifact(video_tensor_uint8=numpy.full((3, 4, 512, 512), 7, numpy.uint8), fps=8.0)';
    const { artifacts } = await session.runTask({ script });
    const video = artifacts[0]!.video!;
    expect(video).toMatchObject({ zeroCopy: false, memory: 'shared', shape: [3, 4, 512, 512] });
    process.kill(session.pid!, 'SIGKILL');
    await new Promise<void>((resolve) => void session.on('exit', () => resolve()));
    expect(video.data.every((value) => value === 7)).toBe(true);
    video.data[0] = 9;
    video.dispose();
    expect(() => video.data).toThrow(expect.objectContaining({ code: 'ERR_WANGP_DISPOSED' }));
  });

  test('again and again is started anew after a pause that grows', async () => {
    await using session = await start({ restartPauseMs: 1000, env: { WANGP_TEST: 'pause' } });
    const times: number[] = [];
    const heard = { each: 0, first: 0, removed: 0 };
    const removed = (): void => void (heard.removed += 1);
    session
      .on('exit', () => (heard.each += 1))
      .once('exit', () => (heard.first += 1))
      .on('exit', removed)
      .off('exit', removed);
    for (let count = 0; count < 4; count += 1) {
      const before = Date.now();
      expect(await session.runTask({ script: `${LATER}os._exit(1)` })).toMatchObject({ success: false });
      times.push(Date.now() - before);
    }
    // The first start had been there already, the second came at once.
    expect(times[2]!).toBeGreaterThanOrEqual(1000);
    expect(times[3]!).toBeGreaterThanOrEqual(2000);
    expect(heard).toEqual({ each: 4, first: 1, removed: 0 });
    expect(() => session.on('Exit' as 'exit', removed)).toThrow(
      expect.objectContaining({
        code: 'ERR_WANGP_ARGUMENT',
        message: expect.stringMatching(/^a session has only the event 'exit', not "Exit"/) as string,
      }),
    );
  });
});

describe('children', () => {
  test('are shared by sessions of the same options; others have others', async () => {
    await using one = await start();
    await using same = await start();
    await using other = await start({ env: { WANGP_TEST: '1' } });
    expect(same.pid).toBe(one.pid);
    expect(other.pid).not.toBe(one.pid);
    expect(await other.call('evaluate', ['__import__("os").environ["WANGP_TEST"]'])).toBe('1');
    expect(process.env['WANGP_TEST']).toBeUndefined();
  });

  test('end with their last session, and come back when it is used again', async () => {
    const session = await start({ env: { WANGP_TEST: 'last' } });
    const { pid } = session;
    await session.close();
    await expect.poll(() => isAlive(pid!), { timeout: 10_000 }).toBe(false);
    expect(await session.runTask({ script: '' })).toMatchObject({ success: true });
    await session.close();
  });

  test('use segments again that were let go of', async () => {
    await using session = await start();
    const script = 'import numpy; add_artifact(video_tensor_uint8=numpy.ones((3, 16, 512, 512), numpy.uint8), fps=8.0)';
    const segments = (): number =>
      process.platform === 'linux'
        ? readdirSync(`/proc/${session.pid}/fd`).filter((fd) =>
            readTarget(session.pid!, fd).includes('memfd:wangp-node'),
          ).length
        : 0;
    for (let count = 0; count < 5; count += 1) {
      const { artifacts } = await session.runTask({ script });
      artifacts[0]!.video!.dispose();
    }
    expect(segments()).toBeLessThanOrEqual(1);
  });
});

function readTarget(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
}

describe('a parent', () => {
  const options = `{ place: 'child', root: SCRIPTED_ROOT }`;
  const pidOf = (stdout: string): number => Number(/pid (\d+)/.exec(stdout)![1]);

  test('ends by itself beside an idle child, which ends too', async () => {
    const exit = await runScript(`(async () => {
      const session = await wangp.init(${options});
      console.log('pid', session.pid, (await session.runTask({ script: '' })).success);
    })();`);
    expect(exit).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/pid \d+ true\n/) as string });
    await expect.poll(() => isAlive(pidOf(exit.stdout)), { timeout: 2000 }).toBe(false);
  });

  test.each(['process.exit(7)', "process.kill(process.pid, 'SIGKILL')", 'throw new Error()'])(
    'that ends in the midst of a job by %s leaves no child',
    async (end) => {
      const { stdout } = await runScript(`(async () => {
        const session = await wangp.init(${options});
        console.log('pid', session.pid);
        await session.submitTask({ script: 'while True: pass' });
        setTimeout(() => { ${end} }, 50);
      })();`);
      await expect.poll(() => isAlive(pidOf(stdout)), { timeout: 2000 }).toBe(false);
    },
  );
});

describe('the option node', () => {
  const refused = (message: RegExp): object => ({
    code: 'ERR_WANGP_NODE_NOT_FOUND',
    message: expect.stringMatching(message) as string,
  });

  test('that does not exist, or is no Node, is refused', async () => {
    const none = path.join(folder, 'none');
    await expect(start({ node: none })).rejects.toMatchObject(refused(/none \(the option node\) does not exist/));
    await expect(start({ node: '/bin/false' })).rejects.toMatchObject(
      refused(/\/bin\/false .* is no Node that starts/),
    );
    await expect(start({ node: process.env['WANGP_PYTHON'] })).rejects.toMatchObject(refused(/is no Node that starts/));
  });

  test.skipIf(isWindows)('that is an old Node is refused', async () => {
    const old = path.join(folder, 'old-node');
    writeFileSync(old, '#!/bin/sh\necho \'["16.17.1",null]\'\n', { mode: 0o755 });
    await expect(start({ node: old })).rejects.toMatchObject(refused(/is Node 16\.17\.1, which is too old/));
  });

  test('that is a Node runs the child', async () => {
    await using session = await start({ node: process.execPath });
    expect(session.info.place).toBe('child');
    if (existsSync('/proc/self/exe')) expect(readlinkSync(`/proc/${session.pid}/exe`)).toBe(process.execPath);
  });

  test('is refused where Python runs here, and a place that is none', async () => {
    await expect(init({ place: 'here', node: 'node' })).rejects.toMatchObject({ code: 'ERR_WANGP_ARGUMENT' });
    await expect(init({ place: 'chidl' as 'child' })).rejects.toMatchObject({
      code: 'ERR_WANGP_ARGUMENT',
      message: expect.stringContaining('did you mean child?') as string,
    });
  });
});

test.skipIf(process.platform !== 'linux')('a child leaves no zombie and no descriptor', async () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const once = async (): Promise<void> => {
    await using session = await start({ env: { WANGP_TEST: 'zombie' } });
    await session.runTask({ script: '' });
  };
  await once();
  const before = descriptors();
  for (let count = 0; count < 3; count += 1) await once();
  await expect.poll(descriptors, { timeout: 5000 }).toBeLessThanOrEqual(before);
  const zombies = execFileSync('ps', ['-o', 'stat=', '--ppid', String(process.pid)], { encoding: 'utf8' });
  expect(zombies.split('\n').filter((line) => line.startsWith('Z'))).toEqual([]);
});
