// What the command line refuses before it does anything, and that a program which reads its answer is told too.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PACKAGE } from './tools.js';

let home: string;

beforeAll(() => {
  home = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'wangp usage ')));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function cli(...args: readonly string[]): { status: number | null; stderr: string; answer: unknown } {
  const main = path.join(PACKAGE, 'dist', 'cli', 'main.js');
  // A cache of its own: a --clear-cache that is not refused would remove the one of whoever runs this test.
  const env = {
    ...process.env,
    WANGP_ROOT: undefined,
    XDG_CACHE_HOME: home,
    HOME: home,
    LOCALAPPDATA: home,
    TMPDIR: home,
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { cwd: home, env, encoding: 'utf8', timeout: 60_000 }); // prettier-ignore
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  return { status, stderr, answer: last === '' ? undefined : JSON.parse(last) };
}

test.each<[string, readonly string[], string]>([
  ['a misspelt option', ['doctor', '--json', '--rot', 'x'], "unknown option '--rot'"],
  ['a misspelt command', ['doctro', '--json'], "unknown command 'doctro'"],
  ['an option without its value', ['setup', '--json', '--python'], "option '--python <path>' argument missing"],
  ['a word too many', ['info', 'now', '--json'], "too many arguments for 'info'"],
  ['an empty path', ['doctor', '--python=', '--json'], "option '--python <path>' argument '' is invalid. It must not be empty."], // prettier-ignore
  ['an empty folder', ['demo', '--output', ' ', '--json'], "argument ' ' is invalid"],
  ['options that exclude each other', ['doctor', '--clear-cache', '--root', '.', '--json'], 'cannot be used with'],
])('with --json, %s is an object on stdout as well', (_, args, message) => {
  const { status, stderr, answer } = cli(...args);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
  expect(answer).toMatchObject({
    success: false,
    error: { code: 'ERR_WANGP_ARGUMENT', message: expect.stringContaining(message) as string },
  });
});

test.skipIf(process.platform === 'win32')('doctor waits for no pipe in the place of a file of the root', () => {
  const root = path.join(home, 'pipes');
  mkdirSync(path.join(root, 'shared'), { recursive: true });
  writeFileSync(path.join(root, 'shared', 'api.py'), '');
  for (const name of ['wgp.py', 'wgp_config.json']) execFileSync('mkfifo', [path.join(root, name)]);
  const { checks } = cli('doctor', '--root', root, '--json').answer as { checks: { id: string; detail: string }[] };
  expect(checks.find(({ id }) => id === 'root')?.detail).toContain('a WanGP that tells no version');
  expect(checks.find(({ id }) => id === 'config')?.detail).toMatch(/can't be read: it is no file$/);
});
