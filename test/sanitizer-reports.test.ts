import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { FIXTURES, REPOSITORY } from './tools.js';

interface Outcome {
  readonly texts: readonly string[];
}
interface Judgement {
  readonly faults: readonly string[];
  readonly findings: readonly string[];
}

const { judge, checkAgain, tracerDied } = (await import(path.join(REPOSITORY, 'scripts', 'sanitizer-reports.mjs'))) as {
  judge: (texts: readonly string[]) => Judgement;
  checkAgain: (
    attempt: () => Promise<Outcome>,
    options?: { limit?: number; say?: (text: string) => void },
  ) => Promise<Outcome & Judgement>;
  tracerDied: (text: string) => boolean;
};

const recorded = (name: string): string => readFileSync(path.join(FIXTURES, 'sanitizer', `${name}.txt`), 'utf8');
const TRACER_DIED = recorded('tracer-died');
const REFUSED = recorded('refused');
const LEAK = recorded('leak');
const RACE = 'WARNING: ThreadSanitizer: data race (pid=1)\n  Write of size 8';

/** Checks whose attempts write these reports, one after the other; counts them and what was said. */
async function check(...attempts: string[][]): Promise<Judgement & { made: number; said: string[] }> {
  let made = 0;
  const said: string[] = [];
  const attempt = (): Promise<Outcome> => Promise.resolve({ texts: attempts[made++]! });
  const { faults, findings } = await checkAgain(attempt, { limit: 3, say: (text) => said.push(text) });
  return { faults, findings, made, said };
}

describe('what a sanitizer has written', () => {
  test('LeakSanitizer’s own death, whether its tracer crashed or it could not trace, is a fault of the tool and no finding', () => {
    expect(judge([TRACER_DIED])).toEqual({ faults: [TRACER_DIED.trim()], findings: [] });
    expect(judge([REFUSED])).toEqual({ faults: [REFUSED.trim()], findings: [] });
  });

  test('a crash of the tracer is told from a system that refuses to trace', () => {
    expect(tracerDied(TRACER_DIED)).toBe(true);
    expect(tracerDied(REFUSED)).toBe(false);
  });

  test('a leak allocated in a folder of native/ is a finding, one that Python allocated is none', () => {
    const { faults, findings } = judge([LEAK]);
    expect(faults).toEqual([]);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toContain('native/memory/copies.cc:20');
  });

  test('a finding in the same report as a fault of the tool is still a finding', () => {
    const { faults, findings } = judge([`${LEAK}${TRACER_DIED}`]);
    expect([faults.length, findings.length]).toEqual([1, 1]);
  });
});

describe('a sanitizer’s check', () => {
  test('without a fault of the tool is made once, and its findings count', async () => {
    expect(await check([])).toMatchObject({ made: 1, faults: [], findings: [], said: [] });
    expect(await check([RACE])).toMatchObject({ made: 1, faults: [], findings: [RACE] });
  });

  test('in which the tool itself failed is made again, which is said aloud, and the next attempt counts', async () => {
    const { said, ...outcome } = await check([TRACER_DIED], []);
    expect(outcome).toEqual({ made: 2, faults: [], findings: [] });
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('attempt 1 of 3');
    expect(said[0]).toContain('Tracer caught signal 11');
    expect(await check([TRACER_DIED], [RACE])).toMatchObject({ made: 2, findings: [RACE] });
  });

  test('that found something is not made again, though the tool failed in it besides', async () => {
    expect(await check([TRACER_DIED, RACE])).toMatchObject({ made: 1, findings: [RACE] });
  });

  test('in which the tool fails each time ends after three attempts and keeps the fault, so that it counts as failed', async () => {
    const { made, faults } = await check([TRACER_DIED], [TRACER_DIED], [TRACER_DIED]);
    expect([made, faults]).toEqual([3, [TRACER_DIED.trim()]]);
  });
});
