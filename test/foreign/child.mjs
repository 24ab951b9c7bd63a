// Python in a process of its own: shared memory as the system has it, an end that is told, another start.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, PLACE } from './equipment.mjs';

test("place: 'child' hands over tensors, outlives the child's death, and ends it at the last close()", async () => {
  const video = { memory: 'shared', length: 3 << 20, value: 300 % 256 };
  assert.deepEqual(await answerOf('child', { settings: { root: PLACE.root } }), {
    place: 'child',
    isOwn: false,
    videos: [video, video, video],
    message: 'the process that Python ran in (PID) ended with exit code 3',
    exitCode: 3,
    success: true,
    isAnother: true,
    closed: null,
  });
});
