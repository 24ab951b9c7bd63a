// Python in Electron's own process: what works there, and the two crashes for which it isn't the default. A test that
// fails because a crash has gone away is good news: see its message.
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { HERE, PLACE, PROCESSES, runApp } from './equipment.mjs';

const GIBIBYTE = 2 ** 30;

/** The process ended by this signal, and not before the program had told what it does next. */
function assertCrash({ code, signal, told, answer, error, output }, wanted, where, next) {
  const seen = JSON.stringify({ code, signal, told, answer, error });
  if (answer !== undefined || error !== undefined) {
    assert.fail(
      `Electron no longer ends with ${wanted} here: ${seen}. If that lasts, take this limit out of docs/electron.md and ` +
        "out of the warning that place: 'here' gives, and this test with it",
    );
  }
  // Of a utility process's end Electron tells the number of the signal, or, if it asks too late, 0. It is a crash all the
  // same: a program that ends by itself has answered, or has thrown.
  const ends = where === 'main' ? [wanted] : [constants.signals[wanted], 0];
  assert.ok(ends.includes(where === 'main' ? signal : code), `${seen}\n${output}`);
  assert.equal(told.at(-1), next, `${seen}\n${output}`);
}

for (const where of PROCESSES) {
  const name = where === 'main' ? 'the main process' : 'a utility process';

  test(`here, in ${name}: init() with a root that imports no PyAV runs Python in this process`, async () => {
    const { answer, output } = await runApp('start', { where, init: { ...HERE, root: PLACE.root } });
    assert.equal(answer?.type, where === 'main' ? 'browser' : 'utility', output);
    assert.equal(answer.info.root, PLACE.root);
  });

  test(`here, in ${name}: a block of 1.99 GiB works`, async () => {
    const bytes = Math.round(1.99 * GIBIBYTE);
    const { answer, output } = await runApp('allocate', { where, bytes, init: { ...HERE, root: PLACE.root } });
    assert.deepEqual(answer, { success: true, errors: [], pages: Math.ceil(bytes / 4096), bytes }, output);
  });

  test(`here, in ${name}: a block of 2 GiB ends Electron with SIGTRAP (its allocator's limit)`, async () => {
    const end = await runApp('allocate', { where, bytes: 2 * GIBIBYTE, init: { ...HERE, root: PLACE.root } });
    assertCrash(end, 'SIGTRAP', where, 'allocate');
  });

  test(`here, in ${name}: init() with a root that imports PyAV ends Electron with SIGSEGV (its libffmpeg)`, async () => {
    const end = await runApp('start', { where, init: HERE, env: { WANGP_FAULTHANDLER: '1' } });
    assertCrash(end, 'SIGSEGV', where, 'init in Electron 22.3.25');
    assert.match(end.output, /^Fatal Python error: Segmentation fault$[^]*[/\\]av[/\\]__init__\.py", line/m);
  });
}
