// One process that ends: node child.mjs CASE DELAY [--control]. The parent is ../exit.mjs.
//
// With `--control` nothing of the package is loaded; what stands in for it only takes its time. All else is the same,
// so that what the two leave behind can be compared. Descriptor 3 tells the parent when a wait begins and when the end
// was asked for.
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Worker } from 'node:worker_threads';

const [name, delayText] = process.argv.slice(2);
const delay = Number(delayText);
const control = process.argv.includes('--control');
const REPOSITORY = path.resolve(import.meta.dirname, '..', '..', '..');
const ENTRY = path.join(REPOSITORY, 'dist', 'index.js');
const SCRIPTED_ROOT = path.join(REPOSITORY, 'test', 'fixtures', 'roots', 'scripted');
const FOREVER = 30_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const tell = (what) => writeSync(3, `${what} ${Date.now()}\n`);

/** Says when, then ends the process by `leave`. */
function leaveBy(leave) {
  // After the package's own, where there is one.
  process.on('exit', (code) => console.log('listener after', code));
  tell('leaving');
  return leave();
}

/** Ends the process by `leave` at the random moment. */
function leaveLater(leave) {
  tell('ready');
  setTimeout(() => leaveBy(leave), delay);
}

const exit7 = () => process.exit(7);

/** What a session does that matters here, without the package. */
const standIn = {
  async runTask(_, { callbacks = {} } = {}) {
    await sleep(5);
    callbacks.onStatus?.('here');
    return { success: true, generatedFiles: [] };
  },
  async submitTask(_, { callbacks = {} } = {}) {
    setTimeout(() => callbacks.onStatus?.('here'), 5);
    setTimeout(() => {}, FOREVER);
  },
};

async function open(options) {
  if (control) return sleep(20).then(() => standIn);
  return createRequire(import.meta.url)(ENTRY).init(options);
}

const scripted = (options) => open({ root: SCRIPTED_ROOT, ...options });

/** Runs `script` on the scripted root and leaves at the random moment after its first status. */
async function leaveDuring(script, leave) {
  const session = await scripted();
  await session.submitTask({ script }, { callbacks: { onStatus: () => leaveLater(leave) } });
}

const PRINT = 'for n in range(200): print("python", n, "x" * 80)\n';
const COMPUTE = 'import numpy\nput("status", "here")\nwhile True: print("python", numpy.ones((200, 200)).dot(1).sum())';
const TORCH = `import torch
torch.set_num_threads(max(4, __import__("os").cpu_count()))
put("status", "here")
layer = torch.nn.Conv2d(16, 16, 3)
while True: layer(torch.rand(1, 16, 96, 96)) @ torch.rand(94, 94)`;
const HAND_OVER = `import numpy
for n in range(60): add_artifact(video_tensor_uint8=numpy.zeros((3, 4, 128, 128), "uint8"), audio_tensor=numpy.zeros((2, 9600), "float32"))`;

function startWorker(script) {
  const workerData = { root: SCRIPTED_ROOT, entry: ENTRY, control, script };
  return new Worker(new URL('worker.mjs', import.meta.url), { workerData });
}

function terminateLater(worker) {
  leaveLater(async () => {
    await worker.terminate();
    console.log('listener terminated');
  });
}

const CASES = {
  async natural() {
    const session = await scripted();
    const result = await session.runTask({ script: PRINT });
    console.log('listener', result.success);
    process.exitCode = 3;
    process.once('beforeExit', () => leaveBy(() => {}));
  },

  // From the first moment on: the interpreter itself may still be starting.
  import() {
    leaveLater(exit7);
    scripted({ preImport: [path.join(import.meta.dirname, 'slow_import.py')] });
  },

  'import-torch'() {
    leaveLater(exit7);
    scripted({ preImport: ['torch'] });
  },

  'steps-torch': () => leaveDuring(TORCH, exit7),

  async 'hand-over'() {
    const session = await scripted();
    leaveLater(exit7);
    for (;;) await session.runTask({ script: HAND_OVER });
  },

  async callback() {
    const session = await scripted();
    let left = Math.ceil(delay);
    const onStatus = () => {
      left -= 1;
      if (left === 0) leaveBy(exit7);
    };
    const script = 'for n in range(20): put("status", str(n))';
    for (;;) await session.runTask({ script }, { callbacks: { onStatus } });
  },

  exception: () =>
    leaveDuring(COMPUTE, () => {
      throw new Error('nobody catches this');
    }),

  rejection: () => leaveDuring(COMPUTE, () => Promise.reject(new Error('nobody handles this'))),

  // The parent sends it.
  sigterm: () => leaveDuring(COMPUTE, () => sleep(FOREVER)),

  // Only the Worker uses the package, as in a server that keeps its main thread free. From its first moment on.
  worker: () => terminateLater(startWorker(HAND_OVER)),

  'worker-torch'() {
    const worker = startWorker(TORCH);
    worker.once('message', () => terminateLater(worker));
  },

  async files() {
    const session = await open({
      outputDir: process.env.EXIT_FOLDER,
      root: path.join(REPOSITORY, 'python', 'sample_root'),
    });
    const task = { model_type: 'qwen_image_20B', resolution: '64x64', num_inference_steps: 1, prompt: 'exit', seed: 1 };
    leaveLater(exit7);
    for (;;) for (const file of (await session.runTask(task)).generatedFiles) console.log('file', file);
  },
};

process.on('exit', (code) => console.log('listener first', code));
CASES[name]();
process.on('exit', (code) => console.log('listener last', code, process.exitCode));
