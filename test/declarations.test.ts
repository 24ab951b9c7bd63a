import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { FIXTURES, PACKAGE, REPOSITORY } from './tools.js';

const execute = promisify(execFile);

/** From the oldest that is supported to the newest; each is fetched once. */
const COMPILERS = ['5.0.4', '5.4.5', '5.9.3', '6.0.3', '7.0.2'] as const;
const folder = path.join(REPOSITORY, '.cache', 'declarations');
const compilers = path.join(REPOSITORY, '.cache', 'compilers');

const nameOf = (version: string): string => `typescript-${version}`;
const fileOf = (version: string): string => path.join(compilers, 'node_modules', nameOf(version), 'bin', 'tsc');

beforeAll(async () => {
  if (!COMPILERS.every((version) => existsSync(fileOf(version)))) {
    mkdirSync(compilers, { recursive: true });
    writeFileSync(path.join(compilers, 'package.json'), '{ "private": true }');
    const npm = process.env['npm_execpath'];
    const aliases = COMPILERS.map((version) => `${nameOf(version)}@npm:typescript@${version}`);
    const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--no-bin-links', ...aliases];
    const [program, ...first] = npm === undefined ? ['npm'] : [process.execPath, npm];
    await execute(program, [...first, ...args], { cwd: compilers });
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'node_modules'), { recursive: true });
  symlinkSync(PACKAGE, path.join(folder, 'node_modules', 'wangp-node'), 'junction');
  copyFileSync(path.join(FIXTURES, 'consumer.ts'), path.join(folder, 'consumer.ts'));
}, 300_000);

/** What the compiler says to a strict program that names no types and checks the declarations of its libraries too. */
async function compile(version: string, moduleResolution: string): Promise<string> {
  const project = path.join(folder, `${version}-${moduleResolution}.json`);
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: 'es2022',
    module: moduleResolution === 'bundler' ? 'esnext' : moduleResolution,
    moduleResolution,
    types: [],
    skipLibCheck: false,
  };
  writeFileSync(project, JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  const running = execute(process.execPath, [fileOf(version), '-p', project], { cwd: folder });
  return running.then(
    ({ stdout }) => stdout,
    (error: unknown) => (error as { stdout: string }).stdout,
  );
}

test.each([
  ['5.0.4', 'node16'],
  ['5.4.5', 'nodenext'],
  ['5.9.3', 'bundler'],
  ['6.0.3', 'nodenext'],
  ['7.0.2', 'node16'],
  ['7.0.2', 'nodenext'],
  ['7.0.2', 'bundler'],
])(
  'the declarations compile with TypeScript %s and moduleResolution %s, without types and with skipLibCheck off',
  async (version, moduleResolution) => {
    expect(await compile(version, moduleResolution)).toBe('');
  },
  120_000,
);

test.each(['5.0.4', '5.9.3', '6.0.3', '7.0.2'])(
  'the declarations compile with TypeScript %s at its defaults',
  async (version) => {
    const project = path.join(folder, `${version}-defaults.json`);
    writeFileSync(project, JSON.stringify({ compilerOptions: { noEmit: true }, files: ['consumer.ts'] }));
    const running = execute(process.execPath, [fileOf(version), '-p', project], { cwd: folder });
    const said = await running.then(
      ({ stdout }) => stdout,
      (error: unknown) => (error as { stdout: string }).stdout,
    );
    expect(said).toBe('');
  },
  120_000,
);

describe('the declarations', () => {
  const declarations = readdirSync(path.join(PACKAGE, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.d\.m?ts$/.test(name))
    .map((name) => readFileSync(path.join(PACKAGE, 'dist', name), 'utf8'));

  test('say nothing of what is internal', () => {
    expect(declarations.length).toBeGreaterThan(20);
    expect(declarations.filter((text) => text.includes('@internal'))).toEqual([]);
  });
});
