import { init } from 'wangp-node';

const { outputDir, settings } = JSON.parse(process.env.WANGP_PROGRAM);

/** What arrived of a tensor; afterwards it is given back. */
function use(tensor, facts) {
  const { shape, dtype, zeroCopy, data } = tensor;
  const { length } = data;
  const varied = new Set(data.subarray(0, 1000)).size > 1;
  tensor.dispose();
  return { shape, dtype, zeroCopy, ...facts, length, varied, disposed: tensor.disposed, left: data.length };
}

const session = await init({ root: undefined, outputDir, consoleOutput: false });
const job = await session.submitTask({ ...settings, _api: { return_media: true } });
const kinds = [];
let preview;
for await (const { kind, data } of job.events) {
  kinds.push(kind);
  if (kind === 'preview') preview = data.image;
}
const result = await job.result();
const [{ video, audio }] = result.artifacts;
const answer = {
  info: session.info,
  events: {
    first: kinds[0],
    last: kinds.at(-1),
    kinds: [...new Set(kinds)].sort(),
    preview: { channels: preview.channels, whole: preview.data.length === preview.width * preview.height * 3 },
  },
  result: { success: result.success, errors: result.errors, files: result.generatedFiles },
  video: use(video, { fps: video.fps }),
  audio: use(audio, { samplingRate: audio.samplingRate }),
};
console.log(JSON.stringify(answer));
