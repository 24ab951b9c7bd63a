import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ABOUT_SAMPLE, answerOf, PACKAGE, PLACE, PROJECT, runNode, TINY_VIDEO } from './equipment.mjs';

/** Whether a file begins as MP4 does. */
function isVideo(file) {
  return readFileSync(file).subarray(4, 8).toString('latin1') === 'ftyp';
}

test('a generation sends every kind of event, returns its media without a copy, and saves the file', async () => {
  const outputDir = path.join(PROJECT, 'Ausgabe für Wan');
  const answer = await answerOf('generation', { settings: { outputDir, settings: TINY_VIDEO }, told: ABOUT_SAMPLE });
  const { info, events, result, video, audio } = answer;
  assert.deepEqual(
    { python: info.python, isSample: info.isSample, workingDirectory: info.isolation.workingDirectory },
    { python: PLACE.python, isSample: true, workingDirectory: PLACE.workingDirectory },
  );
  assert.deepEqual(events.first, 'started');
  assert.deepEqual(events.last, 'completed');
  const kinds = ['completed', 'info', 'output', 'preview', 'progress', 'refresh_models', 'started', 'status', 'stream'];
  assert.deepEqual(events.kinds, kinds);
  assert.deepEqual(events.preview, { channels: 3, whole: true });
  assert.deepEqual(result, { success: true, errors: [], files: result.files });
  assert.equal(result.files.length, 1);
  assert.equal(path.dirname(result.files[0]), outputDir);
  assert.ok(isVideo(result.files[0]), `${result.files[0]} is no MP4`);
  assert.deepEqual(video, {
    ...{ shape: [3, 5, 48, 64], dtype: 'uint8', zeroCopy: true, fps: video.fps },
    ...{ length: 3 * 5 * 48 * 64, varied: true, disposed: true, left: 0 },
  });
  const samples = audio.shape[0] * audio.shape[1];
  assert.deepEqual(audio, {
    ...{ shape: [audio.shape[0], 2], dtype: 'float32', zeroCopy: true, samplingRate: 48_000 },
    ...{ length: samples, varied: true, disposed: true, left: 0 },
  });
});

test('`wangp-node demo --json` generates with a picture and a clip of the package, and ends with 0', async () => {
  const { bin } = JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8'));
  const output = path.join(PROJECT, 'demo');
  const exit = await runNode(path.join(PACKAGE, bin['wangp-node']), ['demo', '--json', '--output', output]);
  assert.equal(exit.code, 0, exit.stdout + exit.stderr);
  const report = JSON.parse(exit.stdout);
  assert.deepEqual([report.success, report.video.zeroCopy], [true, true], exit.stdout);
  assert.deepEqual(report.files.map(isVideo), [true]);
});
