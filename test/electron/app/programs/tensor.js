// A video of a given size, made in Python and handed over: [3, 1, height, 1024], all 7, but its last value.
'use strict';
const { init } = require('wangp-node');

module.exports = async ({ init: options, bytes }) => {
  const session = await init({ ...options, consoleOutput: false });
  const script = `import numpy
video = numpy.full((3, 1, ${bytes / 3072}, 1024), 7, numpy.uint8)
video[-1, -1, -1, -1] = 9
add_artifact(path=None, media_type="video", video_tensor_uint8=video, fps=24.0)`;
  const result = await session.runTask({ script });
  if (!result.success) return { errors: result.errors };
  const [{ video }] = result.artifacts;
  const answer = { success: true, shape: video.shape };
  try {
    const { data } = video;
    Object.assign(answer, { bytes: data.length, first: data[0], last: data[data.length - 1] });
  } catch (error) {
    answer.code = error.code;
    answer.message = error.message;
  }
  video.dispose();
  const after = await session.runTask({ script: 'pass' });
  return { ...answer, after: after.success };
};
