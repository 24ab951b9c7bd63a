import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PACKAGE } from './tools.js';

let home: string;

beforeAll(() => {
  home = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'wangp refusals ')));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** What the demo says. Nothing is started: the line that says so is not there. */
function refusal(...args: readonly string[]): string {
  const main = path.join(PACKAGE, 'dist', 'cli', 'main.js');
  const env = { ...process.env, WANGP_ROOT: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'demo', ...args], { cwd: home, env, encoding: 'utf8' }); // prettier-ignore
  expect(stderr).not.toContain('Starting Python');
  expect([status, stdout]).toEqual([1, '']);
  return stderr.trimEnd();
}

function written(name: string, content: string | Buffer): string {
  const file = path.join(home, name);
  writeFileSync(file, content);
  return file;
}

/** An archive that Python makes of files and their texts. */
function zipped(name: string, files: Readonly<Record<string, string>>): string {
  const file = path.join(home, name);
  const script = `import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for name, text in json.loads(sys.argv[2]).items(): archive.writestr(name, text)`;
  execFileSync(process.env['WANGP_PYTHON'] ?? 'python3', ['-c', script, file, JSON.stringify(files)]);
  return file;
}

describe('demo refuses before anything is started', () => {
  const again = 'Save the queue from WanGP again [ERR_WANGP_SETTINGS_FILE]';

  test.each<[string, () => string, string]>([
    [
      'what is no zip',
      () => written('text.zip', 'no zip'),
      'is no zip archive that can be read: File is not a zip file',
    ],
    ['an empty file', () => written('empty.zip', ''), 'is no zip archive that can be read: File is not a zip file'],
    ['a zip without a queue', () => zipped('other.zip', { 'a.txt': 'x' }), 'is no saved queue: it holds no queue.json'],
    ['a queue of no tasks', () => zipped('none.zip', { 'queue.json': '[]' }), 'is an empty queue: it holds no task'],
    [
      'a queue that is no list',
      () => zipped('object.zip', { 'queue.json': '{"a": 1}' }),
      'is no saved queue: its queue.json holds no list of tasks',
    ],
    [
      'a queue that is no JSON',
      () => zipped('broken.zip', { 'queue.json': '[{' }),
      'is no saved queue: its queue.json is no JSON (Expecting property name enclosed in double quotes: line 1 column 3 (char 2))',
    ],
  ])('as --settings, %s', (_, make, problem) => {
    const file = make();
    expect(refusal('--settings', file)).toBe(`wangp-node: ${file} ${problem}. ${again}`);
  });

  test('as --settings, a zip whose end is missing', () => {
    const whole = zipped('whole.zip', { 'queue.json': '[{"params": {}}]' });
    const half = written('half.zip', execFileSync('head', ['-c', '60', whole]));
    expect(refusal('--settings', half)).toContain('is no zip archive that can be read');
  });

  test('as --settings, a zip that is not there, and a folder', () => {
    expect(refusal('--settings', 'no.zip')).toMatch(
      /^wangp-node: no\.zip cannot be read: ENOENT.* \[ERR_WANGP_FILE\]$/,
    );
    mkdirSync(path.join(home, 'folder.zip'));
    expect(refusal('--settings', 'folder.zip')).toMatch(
      /^wangp-node: folder\.zip cannot be read: .* \[ERR_WANGP_FILE\]$/,
    );
  });

  test('as --output, a file', () => {
    const file = written('file', '');
    expect(refusal('--output', 'file')).toBe(
      `wangp-node: --output ${file} is no folder, but a file. Name another folder, or one that can be made. [ERR_WANGP_FILE]`,
    );
    expect(refusal('--output', 'file/inside')).toContain(`can't be made: ${file} is no folder, but a file`);
  });

  test('as --pre-import, an unknown module is named with the interpreter, and WanGP is not blamed', () => {
    const main = path.join(PACKAGE, 'dist', 'cli', 'main.js');
    const { stderr, status } = spawnSync(process.execPath, [main, 'info', '--pre-import', 'no_such_shim'], {
      env: { ...process.env, WANGP_ROOT: undefined },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^wangp-node: preImport names the module 'no_such_shim', but .* has no 'no_such_shim'\. Install it there, or add its folder to pythonPath \[ERR_WANGP_ARGUMENT\]$/m,
    );
  });
});
