// Around every test with an embedded interpreter: nothing of the addon may be left over.
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, expect } from 'vitest';
import { collectUntil, liveCounts as embeddedCounts, REPOSITORY, sharedCounts } from '../tools.js';

function liveCounts(): ReturnType<typeof embeddedCounts> {
  const counts = embeddedCounts();
  return { ...counts, memories: counts.memories + sharedCounts().memories };
}

let before = liveCounts();

beforeEach(() => {
  before = liveCounts();
});

// What a test's file keeps for its next tests was there before.
afterEach(async () => {
  const isClean = (): boolean => {
    const { environments, memories, pendingMessages, channels } = liveCounts();
    return (
      environments <= 1 &&
      memories <= before.memories &&
      pendingMessages <= before.pendingMessages &&
      channels <= before.channels
    );
  };
  if (!isClean()) await collectUntil(isClean);
  const { environments, memories, pendingMessages, channels } = liveCounts();
  expect.soft({ environments, memories, pendingMessages, channels }, 'left over by this test').toEqual({
    environments: Math.min(environments, 1),
    memories: Math.min(memories, before.memories),
    pendingMessages: Math.min(pendingMessages, before.pendingMessages),
    channels: Math.min(channels, before.channels),
  });
});

if (process.env['WANGP_TEST_LEAKS'] !== undefined) {
  const failures = createRequire(import.meta.url)(
    path.join(REPOSITORY, 'test', 'native', 'build', 'Release', 'failures.node'),
  ) as { checkLeaks(): number };
  // Reported in the sanitizer's log, which `npm run test:asan` reads.
  afterAll(() => void failures.checkLeaks());
}
