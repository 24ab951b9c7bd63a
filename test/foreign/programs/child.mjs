import { init } from 'wangp-node';

const { root } = JSON.parse(process.env.WANGP_PROGRAM);
const VIDEO = `
import numpy
add_artifact(video_tensor_uint8=numpy.arange(3 << 20, dtype=numpy.uint8).reshape(3, 1, 1024, 1024), fps=24.0)`;

const session = await init({ root, place: 'child', consoleOutput: false });
const { pid } = session;
const videos = [];
for (let count = 0; count < 3; count += 1) {
  const { artifacts } = await session.runTask({ script: VIDEO });
  const { video } = artifacts[0];
  videos.push({ memory: video.memory, length: video.data.length, value: video.data[300] });
  video.dispose();
}
let exitCode;
session.on('exit', (exit) => ({ exitCode } = exit));
const { errors } = await session.runTask({ script: 'time.sleep(0.5); os._exit(3)' });
const { success } = await session.runTask({ script: '' });
const isAnother = session.pid !== pid;
await session.close();
console.log(
  JSON.stringify({
    place: session.info.place,
    isOwn: pid === process.pid,
    videos,
    message: errors[0].message.replace(String(pid), 'PID'),
    exitCode,
    success,
    isAnother,
    closed: session.pid,
  }),
);
