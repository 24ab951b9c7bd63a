import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, PLACE, runProgram } from './equipment.mjs';

// Both scripts would go on for much longer than a test may take.
const SLEEPS = 'put("status", "on"); time.sleep(600)';
const COMPUTES = `
import numpy
put("status", "on")
matrix = numpy.ones((400, 400))
while True: matrix = matrix @ matrix / 400`;

for (const [what, script] of Object.entries({ sleeps: SLEEPS, computes: COMPUTES })) {
  test(`process.exit(7) while Python ${what} ends the process at once, with that code`, async () => {
    const exit = await runProgram('leave', { settings: { root: PLACE.root, script } });
    const { code, signal, stderr } = exit;
    assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' });
    const { msToLeave } = JSON.parse(exit.stdout);
    assert.ok(Date.now() - msToLeave < 5000 * PLACE.slow, exit.stdout);
  });
}

test('an uncaught exception while a job runs ends the process with 1 and its stack', async () => {
  const exit = await runProgram('leave', { settings: { root: PLACE.root, script: SLEEPS, throws: 'wie geplant' } });
  assert.equal(exit.code, 1);
  assert.match(exit.stderr, /wie geplant/);
});

test('cancel() ends the job, and the process ends by itself', async () => {
  const { cancelled, success } = await answerOf('cancel', { settings: { root: PLACE.root } });
  assert.deepEqual({ cancelled, success }, { cancelled: true, success: false });
});

test('a Worker opens a shared tensor, which is the same memory, and one with a session of its own ends alone', async () => {
  const answer = await answerOf('worker', { settings: { root: PLACE.root } });
  assert.deepEqual(answer, {
    opened: { shape: [3, 1, 2, 4], zeroCopy: true, value: 5 },
    written: 200,
    own: { value: 42, exitCode: 3 },
    after: 43,
  });
});
