// The app in an archive (app.asar), which Electron's own JavaScript reads, and Python, a plain Node and the system don't.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { HERE, PLACE, PROCESSES, runApp } from './equipment.mjs';

for (const where of PROCESSES) {
  const name = where === 'main' ? 'the main process' : 'a utility process';

  test(`archive, in ${name}: unpacked beside it, the addon and the bridge are found, and Python runs`, async () => {
    const end = await runApp('start', { app: 'asar', where, init: { ...HERE, root: PLACE.root } });
    assert.equal(end.answer?.info.root, PLACE.root, `${JSON.stringify(end.error)}\n${end.output}`);
  });

  test(`archive, in ${name}: the child's program, its Node and the sample root are those beside it`, async () => {
    const { answer, error, output } = await runApp('start', { app: 'asar', where, env: { PATH: '/nowhere' } });
    assert.equal(answer?.info.place, 'child', `${JSON.stringify(error)}\n${output}`);
    const beside = path.join('resources', 'app.asar.unpacked', 'node_modules', 'wangp-node', 'python', 'sample_root');
    assert.ok(answer.info.root.endsWith(beside), answer.info.root);
  });

  test(`archive, in ${name}: with everything in it, init() rejects with ERR_WANGP_BUNDLED, which says what to unpack`, async () => {
    const { error, output } = await runApp('start', { app: 'packed', where, init: { ...HERE, root: PLACE.root } });
    assert.equal(error?.code, 'ERR_WANGP_BUNDLED', output);
    assert.match(error.message, /asarUnpack: \['node_modules\/wangp-node\/\*\*', 'node_modules\/node\*\/\*\*'\]/);
    assert.ok(error.message.includes(path.join('resources', 'app.asar.unpacked', 'node_modules', 'wangp-node')));
  });
}

test('archive: with no Node that can be started, init() rejects with ERR_WANGP_NODE_NOT_FOUND, which says how to get one', async () => {
  // The package is beside the archive; its Node is in it.
  const { error, output } = await runApp('start', { app: 'nodeless', env: { PATH: '/nowhere' } });
  assert.equal(error?.code, 'ERR_WANGP_NODE_NOT_FOUND', output);
  assert.match(error.message, /asarUnpack: \['node_modules\/node\/\*\*'\][^]*WANGP_NODE_BINARY[^]*docs\/electron\.md/);
});
