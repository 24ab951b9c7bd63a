// Python in a process of its own, which is the default inside Electron.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { ended, isRunning, PLACE, PROCESSES, runApp, TINY_VIDEO } from './equipment.mjs';

const GIBIBYTE = 2 ** 30;

/** How long a child may outlive its app. */
const GRACE_MS = 2000;

const WARNING = /Warning: inside Electron, Python in this process \(place: 'here'\)/g;

for (const where of PROCESSES) {
  const name = where === 'main' ? 'the main process' : 'a utility process';

  test(`child, in ${name}: it is the default of init(), and says nothing of limits`, async () => {
    const { answer, error, output } = await runApp('start', { where });
    assert.equal(error, undefined, output);
    assert.deepEqual(
      { place: answer.info.place, isSample: answer.info.isSample, python: answer.info.python },
      { place: 'child', isSample: true, python: PLACE.python },
    );
    assert.notEqual(answer.pid, answer.own);
    assert.ok(answer.pid > 0, `the child's pid is ${answer.pid}`);
    assert.doesNotMatch(output, /WanGPWarning/);
  });

  test(`child, in ${name}: place: 'here' has to be asked for, and warns once of its limits`, async () => {
    const init = { place: 'here', root: PLACE.root };
    const { answer, output } = await runApp('start', { where, init, times: 2 });
    assert.equal(answer?.info.place, 'here', output);
    assert.equal(answer.pid, answer.own);
    assert.equal([...output.matchAll(WARNING)].length, 1, output);
  });

  test(`child, in ${name}: a generation sends previews, returns its media, and dispose() gives them back`, async () => {
    const { answer, error, output } = await runApp('generation', { where, settings: TINY_VIDEO });
    assert.ok(answer, `${JSON.stringify(error)}\n${output}`);
    const kinds = [
      'completed',
      'info',
      'output',
      'preview',
      'progress',
      'refresh_models',
      'started',
      'status',
      'stream',
    ];
    const samples = answer.audio.shape[0] * answer.audio.shape[1];
    const common = { zeroCopy: false, varied: true, disposed: true, left: 0 };
    assert.deepEqual(answer, {
      ...{ success: true, errors: [], kinds, files: [{ name: answer.files[0]?.name, exists: true }] },
      ...{ preview: { channels: 3, whole: true }, place: 'child' },
      video: { shape: [3, 5, 48, 64], dtype: 'uint8', length: 3 * 5 * 48 * 64, ...common },
      audio: { shape: [answer.audio.shape[0], 2], dtype: 'float32', length: samples, ...common },
    });
    assert.equal(path.extname(answer.files[0].name), '.mp4');
  });

  test(`child, in ${name}: a job is cancelled, a submit withdrawn, and the next job runs`, async () => {
    const { answer, error, output } = await runApp('cancel', { where, init: { root: PLACE.root } });
    const expected = { cancelled: true, success: false, withdrawn: 'AbortError', after: true };
    assert.deepEqual(answer, expected, `${JSON.stringify(error)}\n${output}`);
  });

  test(`child, in ${name}: Python allocates 2.5 GiB in one block`, async () => {
    const bytes = 2.5 * GIBIBYTE;
    const { answer, error, output } = await runApp('allocate', { where, bytes, init: { root: PLACE.root } });
    const expected = { success: true, errors: [], pages: bytes / 4096, bytes };
    assert.deepEqual(answer, expected, `${JSON.stringify(error)}\n${output}`);
  });

  test(`child, in ${name}: a tensor of 1.5 GiB arrives whole`, async () => {
    const bytes = 1.5 * GIBIBYTE;
    const { answer, error, output } = await runApp('tensor', { where, bytes, init: { root: PLACE.root } });
    const shape = [3, 1, bytes / 3072, 1024];
    const expected = { success: true, shape, bytes, first: 7, last: 9, after: true };
    assert.deepEqual(answer, expected, `${JSON.stringify(error)}\n${output}`);
  });

  // The largest ArrayBuffer of this Electron is just under 2 GiB.
  test(`child, in ${name}: the data of a tensor of 2.5 GiB throws ERR_WANGP_TOO_LARGE, and the app goes on`, async () => {
    const bytes = 2.5 * GIBIBYTE + 2048;
    const { answer, error, output } = await runApp('tensor', { where, bytes, init: { root: PLACE.root } });
    assert.ok(answer, `${JSON.stringify(error)}\n${output}`);
    const { success, shape, code, after } = answer;
    const expected = { success: true, shape: [3, 1, bytes / 3072, 1024], code: 'ERR_WANGP_TOO_LARGE', after: true };
    assert.deepEqual({ success, shape, code, after }, expected, `${JSON.stringify(answer)}\n${output}`);
  });

  for (const [how, what] of [
    ['quit', 'the app quits'],
    ['SIGKILL', 'the process is killed'],
  ]) {
    test(`child, in ${name}: ${what} during a job, and no child is left`, async () => {
      const { answer, told, output } = await runApp('quit', { where, how, init: { root: PLACE.root } });
      // An app that quits may still hear of the child's end, before its own.
      if (answer !== undefined) {
        assert.equal(how, 'quit', JSON.stringify(answer));
        assert.match(answer.errors[0].message, /ended with exit code 0$/);
      }
      assert.equal(told.length, 1, output);
      const [{ python, own }] = told;
      assert.notEqual(python, own);
      await ended(python, GRACE_MS);
      assert.equal(isRunning(own), false, `process ${own} of the app still runs`);
    });
  }
}

test('child: the previews of a generation reach a window, and are drawn there', async () => {
  const { answer, error, output } = await runApp('window', { settings: TINY_VIDEO });
  assert.ok(answer, `${JSON.stringify(error)}\n${output}`);
  assert.ok(answer.sent > 0);
  assert.deepEqual(answer, { ...answer, drawn: answer.sent, opaque: true, same: true });
});

test('child: a WANGP_NODE_BINARY that does not exist rejects with ERR_WANGP_NODE_NOT_FOUND', async () => {
  const env = { WANGP_NODE_BINARY: path.join(PLACE.work, 'no-node') };
  const { error, output } = await runApp('start', { env });
  assert.equal(error?.code, 'ERR_WANGP_NODE_NOT_FOUND', output);
  assert.match(error.message, /no-node/);
});

test("child: Electron's own executable is refused as a child's Node", async () => {
  const init = { node: PLACE.apps.folder };
  const { error, output } = await runApp('start', { init });
  assert.equal(error?.code, 'ERR_WANGP_NODE_NOT_FOUND', output);
});
