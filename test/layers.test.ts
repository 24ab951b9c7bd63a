import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ESLint } from 'eslint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPOSITORY } from './tools.js';

let folder: string;
let eslint: ESLint;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'wangp-layers-')));
  const { default: repository } = (await import(path.join(REPOSITORY, 'eslint.layers.mjs'))) as { default: object };
  const { parser } = (await import('typescript-eslint')).default;
  eslint = new ESLint({
    cwd: folder,
    overrideConfigFile: true,
    overrideConfig: {
      files: ['**/*.ts'],
      languageOptions: { parser },
      plugins: { repository },
      rules: { 'repository/layers': ['error', { root: path.join(folder, 'lib') }] },
    },
  });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the rule says to these files of a lib/. */
async function said(files: Record<string, string>): Promise<string[]> {
  rmSync(path.join(folder, 'lib'), { recursive: true, force: true });
  for (const [name, source] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, 'lib', name)), { recursive: true });
    writeFileSync(path.join(folder, 'lib', name), source);
  }
  const results = await eslint.lintFiles('lib');
  return results.flatMap(({ messages }) => messages.map(({ message }) => message));
}

test('imports that lead down, or to a neighbour, are right', async () => {
  const files = {
    'index.ts': `export { job } from './job/job';`,
    'job/job.ts': `import { events } from './events'; import { invalid } from '../validate'; export const job = 1;`,
    'job/events.ts': `import type { Tensor } from '../memory/tensor'; export const events = 1;`,
    'memory/tensor.ts': `export interface Tensor { a: 1 }`,
    'validate.ts': `import './errors'; export const invalid = 1;`,
    'errors.ts': `import path from 'node:path'; export {};`,
  };
  expect(await said(files)).toEqual([]);
});

test.each([
  `import { init } from '../session/session';`,
  `import type { Session } from '../session/session';`,
  `export * from '../session/session';`,
  `export { init } from '../session/session';`,
  `export type A = import('../session/session').Session;`,
  `void import('../session/session');`,
  `import session = require('../session/session');`,
])('an arrow that leads up is refused: %s', async (source) => {
  const session = 'export interface Session { a: 1 } export const init = 1;';
  expect(await said({ 'memory/tensor.ts': source, 'session/session.ts': session })).toEqual([
    'lib/memory/tensor.ts may not import lib/session/session.ts, which is a layer above it; types included',
  ]);
});

test('a circle is refused in each of its files, within a layer and of types only', async () => {
  const files = {
    'memory/one.ts': `import type { Two } from './two'; export type One = Two;`,
    'memory/two.ts': `import type { Three } from './three'; export type Two = Three;`,
    'memory/three.ts': `export type { One as Three } from './one';`,
  };
  const messages = await said(files);
  expect(messages).toHaveLength(3);
  expect(messages).toContain(
    'a circle of imports: lib/memory/one.ts > lib/memory/two.ts > lib/memory/three.ts > lib/memory/one.ts',
  );
});

test('a folder that has no layer is refused', async () => {
  expect(await said({ 'misc/things.ts': 'export {};' })).toEqual([
    'lib/misc/things.ts belongs to no layer: name it in eslint.layers.mjs',
  ]);
});

test('the rule holds for every file of this lib/', async () => {
  const config = new ESLint({ cwd: REPOSITORY });
  const files = readdirSync(path.join(REPOSITORY, 'lib'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const { rules } = (await config.calculateConfigForFile(path.join(REPOSITORY, 'lib', file))) as {
      rules: Record<string, unknown[]>;
    };
    expect(rules['repository/layers']?.[0], file).toBe(2);
  }
});
