// What the system refuses (threads, memory) becomes an error, or is done another way; nothing ends the process.
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PACKAGE, REFUSE_THREADS, runScript, SCRIPTED_ROOT } from '../tools.js';

const GOOD = { code: 0, signal: null, stderr: '' };
const isSanitized = process.env['WANGP_TEST_SANITIZER'] !== undefined;

// A sanitizer's own runtime has to be the first that is preloaded.
describe.skipIf(process.platform !== 'linux' || isSanitized)('where the system refuses threads', () => {
  const run = (script: string): ReturnType<typeof runScript> =>
    runScript(`(async () => {${script}})();`, { env: { LD_PRELOAD: REFUSE_THREADS } });
  const told = `const told = (error) => console.log(error.code, /thread could not be started/.test(error.message));`;

  test('init() rejects with ERR_WANGP_PYTHON_START, and may be called again', async () => {
    const exit = await run(`${told}
      // The first looks for an interpreter: its answer is kept.
      probe.refuseThreads(1);
      await wangp.init({ root: SCRIPTED_ROOT }).catch(told);
      const session = await wangp.init({ root: SCRIPTED_ROOT });
      console.log((await session.runTask({ script: '' })).success);`);
    expect(exit).toEqual({ ...GOOD, stdout: 'ERR_WANGP_PYTHON_START true\ntrue\n' });
  });

  test('init() rejects with ERR_WANGP_PYTHON_START where only the first thread could be started', async () => {
    const exit = await run(`${told}
      // Once the Python thread is started, the next one is refused.
      const { dlopen } = process;
      process.dlopen = (module, ...rest) => {
        dlopen.call(process, module, ...rest);
        const { start } = module.exports;
        if (start === undefined) return;
        module.exports = { ...module.exports, start(config) {
          const started = start(config);
          probe.refuseThreads(1);
          return started;
        } };
      };
      await wangp.init({ root: SCRIPTED_ROOT }).catch(told);
      probe.refuseThreads(0);
      await wangp.init({ root: SCRIPTED_ROOT }).catch(told);`);
    expect(exit).toEqual({ ...GOOD, stdout: 'ERR_WANGP_PYTHON_START true\nERR_WANGP_PYTHON_START true\n' });
  });

  test('a submit rejects and the next one is accepted', async () => {
    const exit = await run(`${told}
      const session = await wangp.init({ root: SCRIPTED_ROOT });
      probe.refuseThreads(1);
      await session.submitTask({ script: '', deep: JSON.parse('['.repeat(900) + ']'.repeat(900)), not: 1n }).catch(told);
      console.log((await session.runTask({ script: '' })).success);`);
    expect(exit).toEqual({ ...GOOD, stdout: 'ERR_WANGP_PYTHON true\ntrue\n' });
  });

  test('what Python prints is written all the same, and print() raises nothing', async () => {
    const exit = await run(`
      const session = await wangp.init({ root: SCRIPTED_ROOT });
      probe.refuseThreads(1000);
      await session.call('execute', ['print("without a thread")']);
      const long = await session.call('execute', ['print("x" * 100_000); result = "printed"']);
      probe.refuseThreads(0);
      await session.call('execute', ['print(' + JSON.stringify(long) + ')']);`);
    expect(exit).toEqual({ ...GOOD, stdout: `without a thread\n${'x'.repeat(100_000)}\nprinted\n` });
  });
});

describe.skipIf(process.platform !== 'linux' || isSanitized)('where there is no memory for a copy', () => {
  // From inside: Node itself reserves more than any limit that would matter here.
  const limit = `
    const { execFileSync } = require('node:child_process');
    const { readFileSync } = require('node:fs');
    const limit = (spare) => {
      const size = Number(/VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
      execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + (size + spare)]);
    };
    const told = (error) => console.log(error.name, error.code, error.message);`;

  test('bytes that Python should get make the call reject with ERR_WANGP_VALUE, naming the argument', async () => {
    const exit = await runScript(`(async () => {${limit}
      const session = await wangp.init({ root: SCRIPTED_ROOT });
      const bytes = new Uint8Array(600e6);
      limit(300e6);
      await session.call('echo', [1, bytes]).catch(told);
      console.log(await session.call('echo', ['small']));
    })();`);
    const message = 'args is too large: there is no memory for its copy';
    expect(exit).toEqual({ ...GOOD, stdout: `WanGPError ERR_WANGP_VALUE ${message}\n[ 'small' ]\n` });
  });
});

/** A Worker with the smallest stack that converts a value 990 levels deep, from as deep in its own stack as it can. */
const deepInAWorker = (open: string, close: string): string => `
  const { parentPort } = require('node:worker_threads');
  const wangp = require(${JSON.stringify(path.join(PACKAGE, 'dist/index.js'))});
  (async () => {
    const session = await wangp.init({ root: ${JSON.stringify(SCRIPTED_ROOT)} });
    const deep = JSON.parse(${JSON.stringify(open)}.repeat(990) + '1' + ${JSON.stringify(close)}.repeat(990));
    const calls = [];
    const answers = new Set();
    const descend = () => {
      try {
        descend();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      if (calls.length >= 300) return;
      // On the way back up: the deepest call that still fits, and many that begin a little higher.
      try {
        calls.push(session.call('echo', [deep, 1n]).then(() => answers.add('converted'), (error) => answers.add(error.code)));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    };
    descend();
    await Promise.all(calls);
    parentPort.postMessage(calls.length > 100 && answers.has('converted'));
  })();`;

// ThreadSanitizer's frames need more of the stack than V8 leaves there; AddressSanitizer's fit.
test.skipIf(process.env['WANGP_TEST_SANITIZER'] === 'thread').each([
  ['arrays', '[', ']'],
  ['objects', '{"a":', '}'],
])('deep %s near the end of a small stack, a Worker’s, are converted without a crash', async (_, open, close) => {
  const exit = await runScript(`
    const { Worker } = require('node:worker_threads');
    const worker = new Worker(${JSON.stringify(deepInAWorker(open, close))},
      { eval: true, resourceLimits: { stackSizeMb: 1 } });
    worker.on('message', (answer) => console.log(answer));`);
  expect(exit).toEqual({ ...GOOD, stdout: 'true\n' });
});
