import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { REPOSITORY } from './tools.js';

interface Python {
  readonly name: string;
  readonly executable: string;
  readonly torch: boolean;
  readonly thorough: boolean;
}
interface Plan {
  readonly vitest: readonly Python[];
  readonly options: readonly string[];
  readonly pytest: readonly Python[];
  readonly stress: readonly string[];
  readonly sanitizers: readonly string[];
  readonly short: boolean;
}

const { planOf } = (await import(path.join(REPOSITORY, 'scripts', 'sizes.mjs'))) as {
  planOf: (size: string | undefined, pythons: readonly Python[]) => Plan;
};

const python = (name: string, changes: Partial<Python> = {}): Python => ({
  name,
  executable: '/nowhere/python',
  torch: false,
  thorough: false,
  ...changes,
});
const PYTHONS = [
  python('3.10'),
  python('3.11', { thorough: true }),
  python('3.11-torch', { torch: true }),
  python('3.14'),
];

/** What a size runs, a line for each: `[project] file`, and the names of its other parts. */
async function linesOf(size?: string): Promise<string[]> {
  const plan = planOf(size, PYTHONS);
  const vitest = path.join(REPOSITORY, 'node_modules', 'vitest', 'vitest.mjs');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [vitest, 'list', '--filesOnly', '--json', ...plan.options],
    { cwd: REPOSITORY, env: { ...process.env, WANGP_TEST_PYTHONS: JSON.stringify(plan.vitest) } },
  );
  const files = JSON.parse(stdout) as { file: string; projectName: string }[];
  const form = plan.short ? 'short' : 'in full';
  return [
    ...files.map(({ file, projectName }) => `[${projectName}] ${path.relative(REPOSITORY, file)}`),
    ...plan.pytest.map(({ name }) => `pytest on ${name}`),
    ...[...plan.stress, ...plan.sanitizers].map((name) => `${name}, ${form}`),
  ].sort();
}

describe('the sizes of the tests', async () => {
  const [inner, beyond, all, full] = await Promise.all([undefined, '--beyond', '--all', '--full'].map(linesOf));

  test('npm test and what test:all has beyond it are together all of test:all, and nothing runs twice', () => {
    expect([...inner!, ...beyond!].sort()).toEqual(all);
  });

  test('npm test runs all files on one interpreter, on each other the smoke test, and with torch what needs it', () => {
    const on = (name: string): string[] => inner!.filter((line) => line.startsWith(`[python ${name}]`));
    expect(on('3.11').length).toBeGreaterThan(30);
    expect(on('3.10')).toEqual(['[python 3.10] test/embedded/smoke.test.ts']);
    expect(on('3.14')).toEqual(['[python 3.14] test/embedded/smoke.test.ts']);
    expect(on('3.11-torch').length).toBeLessThan(10);
    expect(on('3.11-torch')).toEqual(
      expect.arrayContaining(
        ['isolation', 'smoke', 'zero-copy'].map((name) => `[python 3.11-torch] test/embedded/${name}.test.ts`),
      ),
    );
    expect(inner).toContain('[contract] test/contract/run.test.ts');
    expect(inner!.filter((line) => /^(address|thread),/.test(line))).toEqual([]);
  });

  test('test:all runs every embedded file on every interpreter, and test:full the same with the programs in full', () => {
    const on = (name: string): string[] =>
      all!.filter((line) => line.startsWith(`[python ${name}]`)).map((line) => line.split('] ')[1]!);
    for (const { name } of PYTHONS) expect(on(name)).toEqual(on('3.11'));
    expect(full).toEqual(all!.map((line) => line.replace(', short', ', in full')).sort());
  });
});
