// Who lets go of Python's memory, and when, where JavaScript or Python does what it may but seldom does.
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Tensor, type WanGPSession } from 'wangp-node';
import { initScripted, PACKAGE, runScript, SCRIPTED_ROOT } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

const GOOD = { code: 0, signal: null, stderr: '' };
const liveCounts = `require(${JSON.stringify(path.join(PACKAGE, 'dist/runtime/embedded.js'))}).liveCounts`;
// Node 20 has `transfer()` behind a flag.
const canTransfer = Reflect.has(ArrayBuffer.prototype, 'transfer');
const args = ['--expose-gc', ...(canTransfer ? [] : ['--harmony-rab-gsab-transfer'])];

describe('a tensor whose bytes were moved into another ArrayBuffer by transfer()', () => {
  const start = `
    const session = await wangp.init({ root: SCRIPTED_ROOT });
    const counts = ${liveCounts};
    const script = 'import numpy; add_artifact(video_tensor_uint8=numpy.full((1, 1, 2000, 2000), 7, "uint8"))';
    const generate = async () => (await session.runTask({ script })).artifacts[0].video;
    const collect = async (done) => {
      for (let round = 0; round < 1000 && !done(); round += 1) { gc(); await new Promise((r) => setTimeout(r, 5)); }
      return done();
    };`;

  test('dispose() leaves them to that ArrayBuffer; Python gets its memory back when that is collected', async () => {
    const exit = await runScript(
      `(async () => {${start}
        let moved = await (async () => {
          const video = await generate();
          const moved = video.data.buffer.transfer();
          video.dispose();
          video.dispose();
          console.log(video.disposed);
          return moved;
        })();
        // What Python makes now would lie where memory was freed too early.
        const others = [];
        for (let round = 0; round < 10; round += 1) { gc(); others.push(await generate()); }
        for (const video of others) video.dispose();
        console.log(moved.byteLength, new Uint8Array(moved).every((value) => value === 7));
        console.log(await collect(() => counts().memories === 1));
        moved = undefined;
        console.log(await collect(() => counts().memories === 0));
      })();`,
      { args },
    );
    expect(exit).toEqual({ ...GOOD, stdout: 'true\n4000000 true\ntrue\ntrue\n' });
  });

  test('without dispose() they stay until that ArrayBuffer is collected; a copy with another length frees them', async () => {
    const exit = await runScript(
      `(async () => {${start}
        let moved = await (async () => (await generate()).data.buffer.transfer())();
        gc();
        console.log(new Uint8Array(moved).every((value) => value === 7), counts().memories);
        moved = undefined;
        console.log(await collect(() => counts().memories === 0));
        const video = await generate();
        const longer = video.data.buffer.transfer(5_000_000);
        video.dispose();
        console.log(await collect(() => counts().memories === 0), longer.byteLength, new Uint8Array(longer)[3_999_999]);
      })();`,
      { args },
    );
    expect(exit).toEqual({ ...GOOD, stdout: 'true 1\ntrue\ntrue 5000000 7\n' });
  });
});

describe('bytes that a Worker has moved to another thread outlive the Worker', () => {
  /** Ways to move the bytes of `video.data` into a buffer that may be posted. */
  const ways: [string, string][] = [
    ['by transfer()', 'video.data.buffer.transfer()'],
    ['by the prototype’s transfer()', 'ArrayBuffer.prototype.transfer.call(video.data.buffer)'],
    [
      'by a stream of bytes',
      `await (async () => {
        const stream = new ReadableStream({ type: 'bytes', start(c) { c.enqueue(video.data); c.close(); } });
        return (await stream.getReader().read()).value.buffer;
      })()`,
    ],
  ];
  test.each(ways)('%s, disposed or not; what was not moved is given back', async (_, way) => {
    const worker = `
      const { parentPort } = require('node:worker_threads');
      const wangp = require(${JSON.stringify(path.join(PACKAGE, 'dist/index.js'))});
      (async () => {
        const session = await wangp.init({ root: ${JSON.stringify(SCRIPTED_ROOT)} });
        const script = 'import numpy; [add_artifact(video_tensor_uint8=numpy.full((1, 1, 2000, 2000), 7, "uint8")) for _ in range(4)]';
        const { artifacts } = await session.runTask({ script });
        globalThis.kept = artifacts;
        const away = [];
        for (const { video } of artifacts.slice(0, 2)) away.push(${way});
        artifacts[1].video.dispose();
        artifacts[2].video.dispose();
        parentPort.postMessage(away, away);
      })();`;
    const exit = await runScript(
      `(async () => {
        const { once } = require('node:events');
        const { Worker } = require('node:worker_threads');
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
        const [[moved]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
        const session = await wangp.init({ root: SCRIPTED_ROOT });
        // What Python makes now would lie where memory was freed too early.
        await session.call('execute', ['import numpy; kept["others"] = [numpy.full(4_000_000, 9, "uint8") for _ in range(20)]']);
        const counts = ${liveCounts};
        for (let round = 0; round < 1000 && counts().memories > 2; round += 1) await new Promise((r) => setTimeout(r, 5));
        console.log(moved.every((each) => new Uint8Array(each).every((value) => value === 7)), counts().memories);
      })();`,
      { args },
    );
    expect(exit).toEqual({ ...GOOD, stdout: 'true 2\n' });
  });
});

test('memory is given back by a Python thread where every thread is told that it has the GIL (subinterpreters)', async () => {
  const exit = await runScript(
    `(async () => {
      const session = await wangp.init({ root: SCRIPTED_ROOT });
      // From now on PyGILState_Check() answers 1 on every thread.
      await session.call('execute', [\`try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
kept["interpreter"] = interpreters.create()\`]);
      const script = 'import numpy; kept["dropped"] = []; [add_artifact(video_tensor_uint8=numpy.zeros((1, 1, 8, 8), "uint8")) for _ in range(50)]';
      const once = async () => {
        const { artifacts } = await session.runTask({ script });
        for (const [index, { video }] of artifacts.entries()) if (index % 2 === 0) video.dispose();
      };
      for (let round = 0; round < 20; round += 1) {
        await once();
        gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
      const counts = ${liveCounts};
      for (let round = 0; round < 1000 && counts().memories > 0; round += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      console.log(counts().memories);
    })();`,
    { args: ['--expose-gc'] },
  );
  expect(exit).toEqual({ ...GOOD, stdout: '0\n' });
});

test('cancel() does not wait for a destructor of Python that dispose() set off', async () => {
  await session.call('execute', [
    `import threading, numpy
class Slow(numpy.ndarray):
    def __del__(self):
        kept["gate"].wait(30)
        kept["destroyed"] = True
kept["gate"] = threading.Event()
kept["Slow"] = Slow`,
  ]);
  const first = await session.runTask({
    script: `import numpy; add_artifact(video_tensor_uint8=numpy.zeros((1, 1, 2, 2), "uint8").view(kept["Slow"]))`,
  });
  const job = await session.submitTask({ script: 'put("status", "running"); job.wait_for_cancel(30)' });
  first.artifacts[0]!.video!.dispose();
  job.cancel();
  expect(await job.result()).toMatchObject({ cancelled: true });
  expect(await session.call('evaluate', ['"destroyed" in kept'])).toBe(false);
  await session.call('execute', ['kept["gate"].set()']);
  while ((await session.call('evaluate', ['"destroyed" in kept'])) !== true);
  await session.call('execute', ['kept.clear()']);
});

test("an exporter's __release_buffer__ sees the buffer that it gave, its shape included", async () => {
  const version = (await session.call('evaluate', ['list(sys.version_info[:2])'])) as [number, number];
  if (version[1] < 12) return; // __buffer__ came with Python 3.12
  const tensor = (await session.call('execute', [
    `import inspect
class Exporter:
    def __buffer__(self, flags):
        return memoryview(bytearray(6))
    def __release_buffer__(self, view):
        kept["released"] = [list(view.shape), view.nbytes]
        view.release()
result = Exporter()`,
  ])) as Tensor;
  expect(tensor).toMatchObject({ shape: [6], dtype: 'uint8' });
  tensor.dispose();
  let released: unknown = null;
  while (released === null) released = await session.call('evaluate', ['kept.pop("released", None)']);
  expect(released).toEqual([[6], 6]);
});

test('DLPack elements of less than a byte are no tensor', async () => {
  const answer = await session.call('execute', [
    `import ctypes
class DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.c_void_p), ("byte_offset", ctypes.c_uint64)]
class Managed(ctypes.Structure):
    _fields_ = [("tensor", DLTensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]
new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
class Exporter:
    def __init__(self, bits):
        self.memory, self.shape, self.name = ctypes.create_string_buffer(8), (ctypes.c_int64 * 1)(4), b"dltensor"
        self.managed = Managed(DLTensor(ctypes.addressof(self.memory), 1, 0, 1, 0, bits, 1, self.shape, None, 0), None, None)
    def __dlpack__(self, **options):
        return new_capsule(ctypes.addressof(self.managed), self.name, None)
    def __dlpack_device__(self):
        return (1, 0)
kept["exporters"] = [Exporter(bits) for bits in (4, 12, 16)]
result = kept["exporters"]`,
  ]);
  const [nibbles, odd, whole] = answer as unknown[];
  expect(nibbles).not.toBeInstanceOf(Tensor);
  expect(odd).not.toBeInstanceOf(Tensor);
  expect(nibbles).toMatchObject({ pythonType: expect.stringContaining('Exporter') as string });
  expect(whole).toMatchObject({ dtype: 'int16', shape: [4] });
  (whole as Tensor).dispose();
  while ((await session.call('evaluate', ['len(kept)'])) !== 0) await session.call('execute', ['kept.clear()']);
});
