// A generation of the sample root, with previews and its media in memory.
'use strict';
const { existsSync } = require('node:fs');
const path = require('node:path');
const { init } = require('wangp-node');

/** What arrived of a tensor; afterwards it is given back. */
function use(tensor) {
  const { shape, dtype, zeroCopy, data } = tensor;
  const { length } = data;
  const varied = new Set(data.subarray(0, 1000)).size > 1;
  tensor.dispose();
  return { shape, dtype, zeroCopy, length, varied, disposed: tensor.disposed, left: data.length };
}

module.exports = async ({ init: options, settings, outputDir }) => {
  const session = await init({ ...options, outputDir, consoleOutput: false });
  const job = await session.submitTask({ ...settings, _api: { return_media: true } });
  const kinds = new Set();
  let preview;
  for await (const { kind, data } of job.events) {
    kinds.add(kind);
    if (kind === 'preview') preview = data.image;
  }
  const { success, errors, generatedFiles, artifacts } = await job.result();
  const [{ video, audio }] = artifacts;
  return {
    ...{ success, errors, kinds: [...kinds].sort() },
    files: generatedFiles.map((file) => ({ name: path.relative(outputDir, file), exists: existsSync(file) })),
    preview: { channels: preview.channels, whole: preview.data.length === preview.width * preview.height * 3 },
    ...{ place: session.info.place, video: use(video), audio: use(audio) },
  };
};
