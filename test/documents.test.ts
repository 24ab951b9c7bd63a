import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_CODES } from 'wangp-node';
import { REPOSITORY } from './tools.js';

const README = readFileSync(path.join(REPOSITORY, 'README.md'), 'utf8');
// Inside the package, so that the programs can import it by its name.
const folder = path.join(REPOSITORY, '.cache', 'readme');

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'outputs'), { recursive: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the programs of the README run as they stand', () => {
  const programs = [...README.matchAll(/^##+ (.+?)$(?:(?!^##)[^])*?^```js\n([^]*?)^```/gm)];

  test('there are some', () => expect(programs.length).toBeGreaterThanOrEqual(5));

  test.each(programs.map(([, title, program]) => [title!, program!]))('%s', async (title, program) => {
    const file = path.join(folder, `${title.replaceAll(/\W+/g, '-')}.mjs`);
    writeFileSync(file, program);
    const { stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
    expect(stderr).not.toContain('Error:');
  });
});

test('docs/errors.md lists every code', () => {
  const listed = readFileSync(path.join(REPOSITORY, 'docs', 'errors.md'), 'utf8').match(/ERR_WANGP_\w+/g);
  expect(listed).toEqual(Object.keys(ERROR_CODES));
});

test('docs/limits.md names tests that exist', () => {
  const named = readFileSync(path.join(REPOSITORY, 'docs', 'limits.md'), 'utf8').matchAll(/`([\w-]+\.test\.ts)`/g);
  const files = [...named].map(([, name]) => name!);
  expect(files.length).toBeGreaterThan(20);
  const exists = (name: string): boolean =>
    ['', 'embedded'].some((folder) => existsSync(path.join(REPOSITORY, 'test', folder, name)));
  expect(files.filter((name) => !exists(name))).toEqual([]);
});

describe('the contract', async () => {
  interface Script {
    contractDocument(): string;
    readContract(): { rows: { id: string; notYet?: string }[] }[];
    readTests(): { ids: string[] }[];
  }
  const script = (await import(path.join(REPOSITORY, 'scripts', 'contract.mjs'))) as Script;
  const rows = script.readContract().flatMap((section) => section.rows);
  const held = new Set(script.readTests().flatMap(({ ids }) => ids));

  test('has either a test for a row or the reason why not yet, never both, and no test of a row that it lacks', () => {
    const unclear = rows.filter(({ id, notYet }) => held.has(id) === ((notYet ?? '') !== ''));
    expect(unclear).toEqual([]);
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...held].filter((id) => !ids.includes(id))).toEqual([]);
  });

  test('stands in docs/contract.md (node scripts/contract.mjs)', () => {
    expect(readFileSync(path.join(REPOSITORY, 'docs', 'contract.md'), 'utf8')).toBe(script.contractDocument());
  });
});

test.each([
  'README.md',
  'CONTRIBUTING.md',
  'docs/architecture.md',
  'docs/errors.md',
  'docs/settings.md',
  'docs/contract.md',
])('the links of %s lead somewhere', (name) => {
  const file = path.join(REPOSITORY, name);
  for (const [, target] of readFileSync(file, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)) {
    expect(() => readFileSync(path.join(path.dirname(file), target!))).not.toThrow();
  }
});

test('the README says whose WanGP is', () => {
  expect(README).toContain('independent package');
  expect(README).toContain('terms and conditions');
  expect(README).toContain('disclose');
});
