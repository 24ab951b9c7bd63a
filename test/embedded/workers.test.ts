import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PACKAGE, runScript, SCRIPTED_ROOT } from '../tools.js';

const thorough = process.env['WANGP_TEST_THOROUGH'] === '1';

const GOOD = { code: 0, signal: null, stderr: '' };

/** In scope: `start(body)`, a Worker that runs `body` with a `session`; `message(worker)`, its next message. */
const PRELUDE = `
  const { once } = require('node:events');
  const { Worker } = require('node:worker_threads');
  const start = (body) => new Worker(
    'const { parentPort } = require("node:worker_threads");' +
    'const wangp = require(' + JSON.stringify(${JSON.stringify(path.join(PACKAGE, 'dist/index.js'))}) + ');' +
    '(async () => { const session = await wangp.init({ root: ${JSON.stringify(SCRIPTED_ROOT)} });' + body + '})();',
    { eval: true });
  const message = async (worker) => (await once(worker, 'message'))[0];
  const main = () => wangp.init({ root: SCRIPTED_ROOT });
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));`;

function run(body: string): Promise<unknown> {
  return runScript(`${PRELUDE} (async () => { ${body} })();`);
}

describe('a Worker', () => {
  test('runs a job, hears its events, shares memory with Python, and ends by itself', async () => {
    const exit = await run(`
      const worker = start(\`
        const job = await session.submitTask({ script: 'import numpy; put("status", "hello"); ' +
          'add_artifact(video_tensor_uint8=numpy.full((3, 1, 2, 2), 9, "uint8"))' });
        const kinds = [];
        for await (const event of job.events) kinds.push(event.kind);
        const { video } = (await job.result()).artifacts[0];
        parentPort.postMessage([kinds.join(), video.zeroCopy, video.data[11]].join(' '));
      \`);
      const exit = once(worker, 'exit');
      console.log(await message(worker));
      console.log(await exit);`);
    expect(exit).toEqual({ ...GOOD, stdout: 'started,status,completed true 9\n[ 0 ]\n' });
  });

  test('runs jobs at the same time as another one and the main thread', async () => {
    const exit = await run(`
      const rounds = ${thorough ? 40 : 10};
      const work = async (session, name) => {
        const heard = [];
        for (let round = 0; round < rounds; round += 1) {
          const job = await session.submitTask({ script: 'for n in range(50): put("status", settings["name"] + str(n))', name });
          const texts = [];
          for await (const event of job.events) if (event.kind === 'status') texts.push(event.data);
          heard.push(texts.length === 50 && texts.every((text, n) => text === name + n));
        }
        return heard.every(Boolean) && heard.length === rounds;
      };
      const workers = ['a', 'b'].map((name) => start(
        'const rounds = ' + rounds + '; const work = ' + work + '; parentPort.postMessage(await work(session, "' + name + '"));'));
      console.log(await Promise.all([...workers.map(message), main().then((session) => work(session, 'main'))]));`);
    expect(exit).toEqual({ ...GOOD, stdout: '[ true, true, true ]\n' });
  });

  test('shares the interpreter with fifteen others, hears its own events only, and leaves nothing behind', async () => {
    const exit = await run(`
      const workers = Array.from({ length: 16 }, (_, number) => start(\`
        const job = await session.submitTask({ script: 'sys.visitors = getattr(sys, "visitors", 0) + 1; ' +
          'import numpy; [put("status", settings["name"] + str(n)) for n in range(50)]; ' +
          'add_artifact(video_tensor_uint8=numpy.full((3, 1, 2, 2), int(settings["name"]), "uint8"))', name: '\` + number + \`' });
        const heard = [];
        for await (const event of job.events) if (event.kind === 'status') heard.push(event.data);
        const { video } = (await job.result()).artifacts[0];
        parentPort.postMessage(heard.length === 50 && heard.every((text, n) => text === '\` + number + \`' + n)
          && video.zeroCopy && video.data.every((value) => value === \` + number + \`));
      \`));
      const session = await main();
      const ends = workers.map((worker) => once(worker, 'exit'));
      console.log((await Promise.all(workers.map(message))).every(Boolean));
      console.log((await Promise.all(ends)).every(([code]) => code === 0));
      console.log(await session.call('evaluate', ['sys.visitors']));
      const { liveCounts } = require(${JSON.stringify(path.join(PACKAGE, 'dist/runtime/embedded.js'))});
      console.log(JSON.stringify(liveCounts()));`);
    const counts = '{"environments":1,"memories":0,"pendingMessages":0,"channels":0}';
    expect(exit).toEqual({ ...GOOD, stdout: `true\ntrue\n16\n${counts}\n` });
  });

  test('that alone loads the package can end, and the process and the next Worker go on', async () => {
    const exit = await run(`
      for (let round = 0; round < 5; round += 1) {
        const worker = start(\`
          const { success } = await session.runTask({ script: 'import zlib, ssl, threading; ' +
            'threading.Thread(target=lambda: __import__("time").sleep(0.3), daemon=True).start()' });
          parentPort.postMessage(success);\`);
        const exit = once(worker, 'exit');
        console.log(await message(worker));
        if (round % 2 === 0) await worker.terminate();
        await exit;
        await sleep(100);
      }
      await sleep(400);`);
    expect(exit).toEqual({ ...GOOD, stdout: 'true\n'.repeat(5) });
  });

  test('that is terminated midway frees what it held, and leaves the others working', async () => {
    const exit = await run(`
      const session = await main();
      const { liveCounts } = require(${JSON.stringify(path.join(PACKAGE, 'dist/runtime/embedded.js'))});
      const [doomed, other] = ['doomed', 'other'].map((name) => start(\`
        globalThis.kept = [];
        const script = 'import numpy; add_artifact(video_tensor_uint8=numpy.zeros((3, 1, 100, 100), "uint8"))';
        let jobs = 0;
        parentPort.on('message', () => parentPort.postMessage(jobs));
        for (;;) {
          const result = await session.runTask({ script });
          jobs += 1;
          if (jobs <= 10) kept.push(...result.artifacts);
          else for (const { video } of result.artifacts) video.dispose();
          if (jobs === 10) parentPort.postMessage('busy');
        }\`));
      await Promise.all([doomed, other].map(message));
      const busy = liveCounts().memories >= 20;
      await doomed.terminate();
      const asked = async () => { other.postMessage('how many'); return message(other); };
      const before = await asked();
      while (await asked() < before + 20) await sleep(5);
      await other.terminate();
      for (let round = 0; round < 2000 && liveCounts().memories > 0; round += 1) await sleep(10);
      console.log(busy, (await session.runTask({ script: '' })).success, JSON.stringify(liveCounts()));`);
    const counts = '{"environments":1,"memories":0,"pendingMessages":0,"channels":0}';
    expect(exit).toEqual({ ...GOOD, stdout: `true true ${counts}\n` });
  });

  test('that is terminated while its inputs and its init still wait leaves nothing in Python, and none of it is run', async () => {
    const exit = await run(`
      const session = await main();
      const { liveCounts } = require(${JSON.stringify(path.join(PACKAGE, 'dist/runtime/embedded.js'))});
      const kept = () => session.call('evaluate', ['[len(sys.modules["wangp_bridge.inputs"]._uploads), ' +
        'len(sys.modules["wangp_bridge.runtime"]._sessions)]']);
      const workers = Array.from({ length: 5 }, () => start(\`
        parentPort.postMessage('ready');
        parentPort.once('message', () => {
          const video = { data: new Uint8Array(10 * 1000 * 1000 * 3), width: 1000, height: 1000, frames: 10, fps: 8 };
          session.registerVideo('late', video).catch(() => {});
          wangp.init({ root: ${JSON.stringify(SCRIPTED_ROOT)} }).catch(() => {});
          parentPort.postMessage('asked');
        });\`));
      await Promise.all(workers.map(message));
      // The command lane is busy until the Workers have ended.
      await session.call('execute', ['import threading; kept["gate"] = threading.Event()']);
      const busy = session.call('execute', ['kept["gate"].wait(60)']);
      const asked = workers.map(message);
      for (const worker of workers) worker.postMessage('go');
      await Promise.all(asked);
      await Promise.all(workers.map((worker) => worker.terminate()));
      const job = await session.submitTask({ script: 'kept["gate"].set()' });
      await job.result();
      await busy;
      console.log(JSON.stringify(await kept()), liveCounts().environments);`);
    expect(exit).toEqual({ ...GOOD, stdout: '[0,1] 1\n' });
  });

  test('that is terminated has its job cancelled, and the main thread runs the next job', async () => {
    const exit = await run(`
      const session = await main();
      const worker = start(\`
        await session.submitTask({ script: 'sys.left = job; put("status", "here"); job.wait_for_cancel(30)' });
        parentPort.postMessage('running');
      \`);
      await message(worker);
      while (!await session.call('evaluate', ['hasattr(sys, "left")'])) await sleep(5);
      console.log(await session.call('evaluate', ['sys.left.cancel_requested']));
      await worker.terminate();
      const end = Date.now() + 10000;
      while (!await session.call('evaluate', ['sys.left.done']) && Date.now() < end) await sleep(5);
      console.log(await session.call('evaluate', ['[sys.left.cancel_requested, sys.left.done]']));
      console.log((await session.runTask({ script: 'put("status", "fine")' })).success);`);
    expect(exit).toEqual({ ...GOOD, stdout: 'false\n[ true, true ]\ntrue\n' });
  });

  test('that is terminated at any time leaves no job behind', async () => {
    const exit = await run(`
      const session = await main();
      await session.call('execute', ['sys.all = []']);
      for (let round = 0; round < ${thorough ? 60 : 12}; round += 1) {
        const worker = start(\`
          parentPort.once('message', async () => {
            await session.runTask({ script: 'for n in range(300): put("status", "x" * n)' });
            await session.submitTask({ script: 'sys.all.append(job); job.wait_for_cancel(30)' });
          });
          parentPort.postMessage('ready');
        \`);
        await message(worker);
        // Its submit, and the end of its environment, queue up behind whoever holds the GIL.
        const hold = '__import__("ctypes").PyDLL(None).usleep(20000)';
        const held = round % 2 === 0 ? session.call('evaluate', [hold]) : null;
        worker.postMessage('go');
        await sleep(round * 1.7 % 20);
        await worker.terminate();
        await held;
      }
      const end = Date.now() + 10000;
      const left = 'sum(not job.done for job in sys.all)';
      await sleep(100);
      let running;
      while ((running = await session.call('evaluate', [left])) > 0 && Date.now() < end) await sleep(10);
      console.log(String(running));
      console.log((await session.runTask({})).success);`);
    expect(exit).toEqual({ ...GOOD, stdout: '0\ntrue\n' });
  });

  test('that calls process.exit() or throws during its job leaves the process running', async () => {
    const exit = await run(`
      const session = await main();
      const exiting = start(\`
        await session.submitTask({ script: 'job.wait_for_cancel(30)' });
        process.exit(5);
      \`);
      console.log(await once(exiting, 'exit'));
      const throwing = start(\`
        await session.submitTask({ script: 'job.wait_for_cancel(30)' });
        throw new Error('thrown in a Worker');
      \`);
      console.log((await once(throwing, 'error'))[0].message);
      console.log((await session.runTask({})).success);`);
    expect(exit).toEqual({ ...GOOD, stdout: '[ 5 ]\nthrown in a Worker\ntrue\n' });
  });

  test('that runs a job does not keep process.exit() from ending the process with its code', async () => {
    const exit = await run(`
      const worker = start(\`
        await session.submitTask({ script: 'put("status", "here"); time.sleep(30)' }, {
          callbacks: { onStatus: (text) => parentPort.postMessage(text) },
        });
      \`);
      console.log(await message(worker));
      process.exit(4);`);
    expect(exit).toEqual({ code: 4, signal: null, stderr: '', stdout: 'here\n' });
  });
});
