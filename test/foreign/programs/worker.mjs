import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { init, openTensor } from 'wangp-node';

const { root } = JSON.parse(process.env.WANGP_PROGRAM);
const file = new URL(import.meta.url);

async function main() {
  const session = await init({ root, consoleOutput: false });
  const script = `
import numpy
add_artifact(video_tensor_uint8=numpy.arange(24, dtype=numpy.uint8).reshape(3, 1, 2, 4), fps=8.0)`;
  const { artifacts } = await session.runTask({ script });
  const { video } = artifacts[0];

  const opener = new Worker(file, { workerData: 'open' });
  opener.postMessage(video.share());
  const [opened] = await once(opener, 'message');
  const written = video.data[5];
  video.dispose();
  await opener.terminate();

  const owner = new Worker(file, { workerData: 'own' });
  const [[value], [exitCode]] = await Promise.all([once(owner, 'message'), once(owner, 'exit')]);
  const after = await session.call('evaluate', ['43']);
  console.log(JSON.stringify({ opened, written, own: { value, exitCode }, after }));
}

const tasks = {
  open: () =>
    parentPort.once('message', (token) => {
      const { shape, zeroCopy, data } = openTensor(token);
      const opened = { shape, zeroCopy, value: data[5] };
      data[5] = 200;
      parentPort.postMessage(opened);
    }),
  own: async () => {
    const session = await init({ root, consoleOutput: false });
    parentPort.postMessage(await session.call('evaluate', ['42']));
    await session.submitTask({ script: 'time.sleep(600)' });
    process.exit(3);
  },
};

await (isMainThread ? main() : tasks[workerData]());
