// Ends that overlap with something else: of sessions, of children, of their parents.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type WanGPSession } from 'wangp-node';
import { initScripted, PACKAGE, runScript, SCRIPTED_ROOT, sharedCounts } from '../tools.js';

const isWindows = process.platform === 'win32';

let count = 0;

/** A session whose child is nobody else's. */
function start(): Promise<WanGPSession> {
  count += 1;
  return initScripted({ place: 'child', env: { WANGP_TEST: `ends ${count}` } });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a child ends once its last session is closed', () => {
  test.each<[string, (session: WanGPSession) => Promise<unknown>]>([
    ['twice at once', (session) => Promise.all([session.close(), session.close()])],
    [
      'during a call',
      (session) => Promise.all([session.call('evaluate', ['__import__("time").sleep(0.3)']), session.close()]),
    ],
    [
      'during a job',
      async (session) => {
        const job = await session.submitTask({ script: 'time.sleep(0.3)' });
        await session.close();
        expect((await job.result()).success).toBe(true);
      },
    ],
  ])('%s', async (_, close) => {
    const session = await start();
    const { pid } = session;
    await close(session);
    await expect.poll(() => isAlive(pid!), { timeout: 10_000 }).toBe(false);
    expect(session.pid).toBeNull();
  });

  test('and one that is opened meanwhile is of use', async () => {
    for (let round = 0; round < 10; round += 1) {
      const options = { place: 'child', env: { WANGP_TEST: 'reopened' } } as const;
      const first = await initScripted(options);
      const closing = first.close();
      for (let turn = 0; turn < round; turn += 1) await new Promise(setImmediate);
      await using second = await initScripted(options);
      expect(await second.runTask({ script: '' })).toMatchObject({ success: true, errors: [] });
      await closing;
    }
  });
});

const parent = `
  const options = { root: SCRIPTED_ROOT, place: 'child' };
  const fork = 'import subprocess; subprocess.Popen(["sleep", "20"], stdout=subprocess.DEVNULL)';`;

describe.skipIf(isWindows)('a parent does not wait for what its child has started', () => {
  test.each([
    ['at its end', ''],
    ['after close()', 'await session.close();'],
    [
      'after the death of the child in a job',
      "await session.runTask({ script: 'time.sleep(0.3); os._exit(1)' }); clearInterval(busy);",
    ],
  ])('%s', async (_, then) => {
    const begin = performance.now();
    const exit = await runScript(`(async () => {${parent}
      const busy = setInterval(() => {}, 100);
      const session = await wangp.init(options);
      await session.runTask({ script: fork });
      ${then}
      clearInterval(busy);
    })();`);
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(performance.now() - begin).toBeLessThan(15_000);
  });

  test('nor for a child that was stopped', async () => {
    const exit = await runScript(`(async () => {${parent}
      const session = await wangp.init(options);
      process.kill(session.pid, 'SIGSTOP');
      console.log(session.pid);
      process.exit();
    })();`);
    expect(exit).toMatchObject({
      code: 0,
      signal: null,
      stderr: '',
      stdout: expect.stringMatching(/^\d+\n$/) as string,
    });
    process.kill(Number(exit.stdout), 'SIGKILL');
  });
});

describe.skipIf(isWindows)('a signal to the whole group of processes', () => {
  const script = `(async () => {
    const wangp = require(${JSON.stringify(path.join(PACKAGE, 'dist/index.js'))});
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => console.log(signal));
    const session = await wangp.init({ root: ${JSON.stringify(SCRIPTED_ROOT)}, place: 'child' });
    const job = await session.submitTask({ script: 'put("status", "runs"); time.sleep(1)' });
    job.on('status', () => console.log('runs'));
    console.log((await job.result()).success);
    await session.close();
  })();`;

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('by %s is the parent’s to answer', async (signal) => {
    const parentProcess = spawn(process.execPath, ['-e', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    parentProcess.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (chunk.includes('runs')) process.kill(-parentProcess.pid!, signal);
    });
    await once(parentProcess, 'close');
    expect(text).toBe(`runs\n${signal}\ntrue\n`);
  });
});

test.runIf(process.platform === 'linux')('where no descriptor is left, tensors come through the pipe', async () => {
  const before = sharedCounts().memories;
  const exit = await runScript(
    `(async () => {
      const session = await wangp.init({ root: SCRIPTED_ROOT, place: 'child' });
      const script = 'import numpy, resource; resource.setrlimit(resource.RLIMIT_NOFILE, (1, 4096))' +
        '; [add_artifact(video_tensor_uint8=numpy.full((3, 1, 1024, 1024), value, numpy.uint8)) for value in range(6)]';
      const { errors, artifacts } = await session.runTask({ script });
      console.log(JSON.stringify([errors, artifacts.map(({ video }) => video.data[9]), artifacts[5].video.memory]));
      await session.close();
    })();`,
  );
  expect(exit).toMatchObject({ code: 0, stderr: '', stdout: '[[],[0,1,2,3,4,5],"own"]\n' });
  expect(sharedCounts().memories).toBe(before);
});

test.skipIf(isWindows)('a Node that can’t be started says why', async () => {
  const env = { WANGP_TEST: 'x'.repeat(140_000) };
  await expect(initScripted({ place: 'child', env })).rejects.toMatchObject({
    code: 'ERR_WANGP_CHILD_ENDED',
    message: 'the process that Python ran in could not be started: spawn E2BIG',
  });
});
