// Calls of Node-API that fail, as they may: `npm run test:asan` links a core in which a test can make them.
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PACKAGE, REPOSITORY, runScript, SCRIPTED_ROOT } from '../tools.js';

const canFail = process.env['WANGP_TEST_SANITIZER'] !== undefined;
if (!canFail) console.log('calls of Node-API fail in the builds of npm run test:asan and test:tsan only');

const STATUS = { genericFailure: 9, closing: 16, noExternalBuffers: 22, cannotRunJs: 23 } as const;

/** In each process: the way to let calls fail, and a session on the scripted root. */
const PRELUDE = `
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { setTimeout: sleep } = require('node:timers/promises');
const { readdirSync } = require('node:fs');
const { once } = require('node:events');
const failures = require(${JSON.stringify(path.join(REPOSITORY, 'test/native/build/Release/failures.node'))});
const { liveCounts } = require(${JSON.stringify(path.join(PACKAGE, 'dist/runtime/embedded.js'))});
const STATUS = ${JSON.stringify(STATUS)};
const folder = ${JSON.stringify(path.join(PACKAGE, 'build/Release'))};
const useCore = () => failures.useCore(folder + '/' + readdirSync(folder).find((name) => name.startsWith('core.')));
const open = () => wangp.init({ root: ${JSON.stringify(SCRIPTED_ROOT)} });
const video = (bytes) => \`import numpy
put("status", "before")
add_artifact(video_tensor_uint8=(numpy.arange(\${bytes}, dtype=numpy.uint32) // 1000).astype(numpy.uint8).reshape(1, 1, 1, -1))
put("status", "after")\`;
`;

/** Runs `main` in a process, and for each Worker that it starts `worker`. */
function run(main: string, worker = ''): ReturnType<typeof runScript> {
  const prelude = `const wangp = require(${JSON.stringify(path.join(PACKAGE, 'dist/index.js'))});${PRELUDE}`;
  const script = `${PRELUDE}
    const newWorker = (data) => new Worker(${JSON.stringify(`${prelude}(async () => {${worker}})();`)},
      { eval: true, workerData: data });
    (async () => { const session = await open(); useCore(); ${main} })();`;
  return runScript(script, { timeoutMs: 100_000, args: ['--expose-gc'] });
}

describe.skipIf(!canFail)('where the runtime refuses external buffers', () => {
  const refuse = `failures.fail('napi_create_external_arraybuffer', STATUS.noExternalBuffers, 0, -1);`;

  test('large memory is copied by another thread, in order, and says so', async () => {
    const exit = await run(
      `${refuse} const worker = newWorker(); console.log(JSON.stringify((await once(worker, 'message'))[0]));`,
      `const session = await open();
       failures.useCore(folder + '/' + readdirSync(folder).find((name) => name.startsWith('core.')));
       failures.largestCopyBy();
       const job = await session.submitTask({ script: video(48_000_000) });
       const kinds = [];
       for await (const event of job.events) kinds.push(event.kind === 'status' ? event.data : event.kind);
       const { artifacts: [{ video: tensor }] } = await job.result();
       const by = failures.largestCopyBy();
       let wrong = 0;
       for (let at = 0; at < tensor.data.length; at += 997) wrong += tensor.data[at] !== (Math.floor(at / 1000) & 255);
       let code;
       try { tensor.share(); } catch (error) { code = error.code; }
       const { memories } = liveCounts();
       parentPort.postMessage({ kinds, wrong, length: tensor.data.length, zeroCopy: tensor.zeroCopy, code, memories,
         byAnother: by !== 0 && by !== failures.thread() });`,
    );
    expect(JSON.parse(exit.stdout.trim() || '{}'), exit.stderr).toEqual({
      kinds: ['started', 'before', 'after', 'completed'],
      wrong: 0,
      length: 48_000_000,
      zeroCopy: false,
      code: 'ERR_WANGP_UNSUPPORTED',
      memories: 0,
      byAnother: true,
    });
  });

  test('small memory is copied too', async () => {
    const exit = await run(
      `${refuse} const worker = newWorker(); console.log(JSON.stringify((await once(worker, 'message'))[0]));`,
      `const { artifacts: [{ video: tensor }] } = await (await open()).runTask({ script: video(3000) });
       parentPort.postMessage([tensor.zeroCopy, tensor.data[2999]]);`,
    );
    expect(exit.stdout.trim(), exit.stderr).toBe('[false,2]');
  });

  test('a result arrives without the video that there is no room for', async () => {
    const exit = await run(
      `${refuse} const worker = newWorker(); console.log(JSON.stringify((await once(worker, 'message'))[0]));`,
      `const session = await open(); useCore();
       failures.fail('napi_new_instance', STATUS.genericFailure, 0, -1);
       const answers = [];
       for (const bytes of [3000, 48_000_000]) {
         const { success, artifacts } = await session.runTask({ script: video(bytes) });
         answers.push([success, artifacts.length, artifacts[0].video]);
       }
       parentPort.postMessage(answers);`,
    );
    expect(exit.stdout.trim(), exit.stderr).toBe('[[true,1,null],[true,1,null]]');
  });

  test('a Worker may be terminated while its memory is copied', async () => {
    const exit = await run(
      `${refuse}
       for (let round = 0; round < 12; round += 1) {
         const worker = newWorker();
         await once(worker, 'message');
         await sleep(10 * round);
         await worker.terminate();
       }
       for (let round = 0; round < 1000 && liveCounts().memories > 0; round += 1) await sleep(20);
       console.log(JSON.stringify(liveCounts()));`,
      `const session = await open();
       parentPort.postMessage('ready');
       await session.runTask({ script: video(48_000_000) });`,
    );
    expect(exit, exit.stderr).toMatchObject({ code: 0, signal: null });
    expect(JSON.parse(exit.stdout)).toMatchObject({ environments: 1, memories: 0, pendingMessages: 0, channels: 0 });
  });
});

describe.skipIf(!canFail)('where one call of Node-API fails', () => {
  const ALLOCATIONS = [
    'napi_create_external_arraybuffer',
    'napi_create_string_latin1',
    'napi_create_string_utf16',
    'napi_create_object',
    'napi_create_array_with_length',
    'napi_create_double',
    'napi_create_bigint_words',
    'napi_create_external',
    'napi_create_promise',
    'napi_create_reference',
    'napi_define_properties',
    'napi_set_element',
    'napi_get_property',
    'napi_get_element',
    'napi_get_all_property_names',
  ];

  test.each(ALLOCATIONS)('%s: every call is refused or answered, and the session goes on', async (name) => {
    const exit = await run(`
      process.on('uncaughtException', () => {});
      const outcomes = {};
      const count = (outcome) => { outcomes[outcome] = (outcomes[outcome] ?? 0) + 1; };
      for (let after = 0; after < 40; after += 1) {
        failures.fail('${name}', STATUS.genericFailure, after, 1);
        const calls = [
          () => session.call('execute', ['result = [1, "é", "日", 2**70, {"a": (1.5, None)}]']),
          () => session.runTask({ script: video(300_000), list: [1, 'é', 2n ** 70n] }),
        ];
        for (const call of calls) {
          const result = await call().then((value) => (value?.success === false ? 'failed' : 'answered'), () => 'refused');
          count(result);
        }
      }
      failures.fail('${name}', 0, 0, 0);
      const { success } = await session.runTask({ script: video(300_000) });
      console.log(JSON.stringify({ success, total: Object.values(outcomes).reduce((a, b) => a + b), outcomes }));`);
    expect(exit, exit.stderr).toMatchObject({ code: 0, signal: null });
    const { success, total, outcomes } = JSON.parse(exit.stdout.trim().split('\n').at(-1)!) as Record<string, unknown>;
    expect({ success, total }).toEqual({ success: true, total: 80 });
    console.log(`${name}: ${JSON.stringify(outcomes)}`);
  });

  test.each([
    ['napi_call_threadsafe_function', STATUS.closing],
    ['napi_call_function', STATUS.cannotRunJs],
    ['napi_resolve_deferred', STATUS.cannotRunJs],
    ['napi_reject_deferred', STATUS.cannotRunJs],
  ])('%s, as in an environment that closes: nothing crashes, nothing is left', async (name, status) => {
    const exit = await run(
      `for (let after = 0; after < 12; after += 1) {
         const worker = newWorker();
         await once(worker, 'message');
         failures.fail('${name}', ${status}, after, -1);
         worker.postMessage('go');
         await sleep(60);
         failures.fail('${name}', 0, 0, 0);
         await worker.terminate();
       }
       const { success, artifacts } = await session.runTask({ script: video(300_000) });
       for (const { video } of artifacts) video.dispose();
       for (let round = 0; round < 1000 && liveCounts().memories > 0; round += 1) await sleep(20);
       console.log(JSON.stringify({ success, ...liveCounts() }));`,
      `const session = await open();
       parentPort.once('message', async () => {
         for (;;) await session.runTask({ script: video(300_000) }).catch(() => {});
       });
       parentPort.postMessage('ready');`,
    );
    expect(exit, exit.stderr).toMatchObject({ code: 0, signal: null });
    const counts = { environments: 1, memories: 0, pendingMessages: 0, channels: 0 };
    expect(JSON.parse(exit.stdout)).toEqual({ success: true, ...counts });
  });

  test('napi_create_threadsafe_function: the addon is not loaded, and says so', async () => {
    const exit = await run(
      `failures.fail('napi_create_threadsafe_function', STATUS.genericFailure, 0, 1);
       const worker = newWorker();
       console.log((await once(worker, 'message'))[0]);`,
      `await open().catch(({ code, message }) => parentPort.postMessage(code + ' ' + message));`,
    );
    expect(exit.stdout, exit.stderr).toMatch(/^ERR_WANGP_ADDON_LOAD .*thread-safe function could not be created/);
  });
});
