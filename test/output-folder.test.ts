import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { init } from 'wangp-node';
import { PACKAGE } from './tools.js';

const isWindows = process.platform === 'win32';
const isRoot = process.getuid?.() === 0;

let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'wangp outputs ')));
  writeFileSync(path.join(folder, 'file'), '');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** No interpreter is there: what is said of the folder is said before one is looked for. */
const refusal = (outputDir: string | URL): Promise<unknown> =>
  init({ outputDir, python: path.join(folder, 'no-python') }).then(
    () => 'no failure',
    (error: unknown) => error,
  );

const refused = (message: string): unknown => expect.objectContaining({ code: 'ERR_WANGP_FILE', message });

/** That it went on to look for Python. */
const accepted = expect.objectContaining({ code: 'ERR_WANGP_PYTHON_NOT_FOUND' }) as unknown;

describe('an outputDir that nothing could be saved in is refused before Python is looked for', () => {
  test('a file, by its path or its URL', async () => {
    const file = path.join(folder, 'file');
    const answer = refused(`outputDir ${file} is no folder, but a file. Name another folder, or one that can be made.`);
    expect(await refusal(file)).toEqual(answer);
    expect(await refusal(pathToFileURL(file))).toEqual(answer);
  });

  test('one below a file, which is named', async () => {
    const file = path.join(folder, 'file');
    const inside = path.join(file, 'a', 'b');
    expect(await refusal(inside)).toEqual(
      refused(
        `outputDir ${inside} can't be made: ${file} is no folder, but a file. ` +
          'Name another folder, or one that can be made.',
      ),
    );
  });

  test.skipIf(isWindows)('a link to nothing, and a circle of links', async () => {
    const link = path.join(folder, 'link');
    symlinkSync(path.join(folder, 'nothing'), link);
    expect(await refusal(path.join(link, 'a'))).toEqual(
      refused(
        `outputDir ${path.join(link, 'a')} can't be made: ${link} is a link to nothing. ` +
          'Remove the link, or name another folder.',
      ),
    );
    const circle = path.join(folder, 'circle');
    symlinkSync(circle, circle);
    const answer = (await refusal(circle)) as Error;
    expect(answer.message).toMatch(/^outputDir .* can't be used: ELOOP.*\. Name another folder\.$/);
  });

  test.skipIf(isWindows)('one that this user may not write to, and one that it may not make', () => {
    const locked = path.join(folder, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o555);
    chmodSync(folder, 0o755);
    // Root may write everywhere; its children need not be root.
    const user = isRoot ? { uid: 65_534, gid: 65_534 } : {};
    const script = `const { init } = require(${JSON.stringify(path.join(PACKAGE, 'dist', 'index.js'))});
      const say = (error) => console.log(error.code, error.message);
      const refusal = (outputDir) => init({ outputDir, python: '/no python' }).catch(say);
      (async () => { await refusal(process.argv[1]); await refusal(process.argv[1] + '/a/b'); })();`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script, locked], { encoding: 'utf8', ...user });
    const remedy = 'Name another folder, or give this user the right to write there.';
    expect(stdout.trimEnd().split('\n'), stderr).toEqual([
      `ERR_WANGP_FILE outputDir ${locked} can't be written to by this user (EACCES). ${remedy}`,
      `ERR_WANGP_FILE outputDir ${locked}/a/b can't be made: ${locked} can't be written to by this user (EACCES). ${remedy}`,
    ]);
  });

  test.skipIf(process.platform !== 'linux' || !isRoot)('root, of whom every right is said', async () => {
    const why = "can't be made: /proc can't be written to by this user (ENOENT). Name another folder.";
    expect(await refusal('/proc/outputs')).toEqual(refused(`outputDir /proc/outputs ${why}`));
  });

  describe.skipIf(process.platform !== 'linux' || !isRoot)('on a disk of its own (root only: it is mounted)', () => {
    function mounted(name: string, options: string, use: (place: string) => Promise<void>): Promise<void> {
      const place = path.join(folder, name);
      mkdirSync(place);
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', place]);
      return use(place).finally(() => execFileSync('umount', [place]));
    }

    test('one that is read-only', () =>
      mounted('read-only', 'ro', async (place) => {
        const below = path.join(place, 'outputs');
        expect(await refusal(below)).toEqual(
          refused(`outputDir ${below} can't be made: ${place} lies on a read-only file system. Name another folder.`),
        );
      }));

    test('one without any space left, and no longer once there is some', () =>
      mounted('full', 'size=8k', async (place) => {
        writeFileSync(path.join(place, 'filler'), Buffer.alloc(8192));
        expect(await refusal(place)).toEqual(
          refused(`outputDir ${place} lies on a disk without any space left. Free some, or name another folder.`),
        );
        rmSync(path.join(place, 'filler'));
        expect(await refusal(place)).toEqual(accepted);
      }));
  });
});

test('an outputDir that is there or can be made is accepted, and not made yet', async () => {
  expect(await refusal(folder)).toEqual(accepted);
  expect(await refusal(path.join(folder, 'new', 'outputs'))).toEqual(accepted);
  expect(existsSync(path.join(folder, 'new'))).toBe(false);
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
});
