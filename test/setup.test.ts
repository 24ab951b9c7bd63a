import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WanGPError } from '../lib/errors.js';
import { probeInterpreter, type PythonEnvironment } from '../lib/python/find.js';
import { install, makeEnvironment } from '../lib/python/make-environment.js';
import { findOwnEnvironment, makeOwnEnvironment } from '../lib/python/own-environment.js';
import { bareEnvironment, cli, makeFolder, PYTHON } from './fixtures/doctor.js';
import { copyPackage, type PackageCopy } from './fixtures/package-copy.js';

const isWindows = process.platform === 'win32';
const home = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'wangp setup ä ')));
let folder = home;
let count = 0;
beforeEach(() => {
  folder = path.join(home, String(count++));
  mkdirSync(folder);
});
const at = (...names: string[]): string => path.join(folder, ...names);

let base: PythonEnvironment;
let copy: PackageCopy;
beforeAll(async () => {
  base = await probeInterpreter(PYTHON);
  copy = copyPackage();
});
afterAll(() => {
  copy.remove();
  rmSync(home, { recursive: true, force: true });
});

/** The variables of a user whose cache is in the folder of the test. */
const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  XDG_CACHE_HOME: at('cache'),
  LOCALAPPDATA: at('cache'),
  ...more,
});

/** Requirements that need no network: a package that is made here. */
function requirements(): string {
  const content = makeFolder(at('nothing'), {
    'wangp_nothing.py': '',
    'wangp_nothing-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: wangp-nothing\nVersion: 1.0\n',
    'wangp_nothing-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    'wangp_nothing-1.0.dist-info/RECORD': '',
  });
  const script = 'import os, shutil, sys; os.rename(shutil.make_archive(sys.argv[2], "zip", sys.argv[1]), sys.argv[2])';
  execFileSync(PYTHON, ['-c', script, content, at('wangp_nothing-1.0-py3-none-any.whl')]);
  writeFileSync(
    at('requirements.txt'),
    `./${path.relative(process.cwd(), at('wangp_nothing-1.0-py3-none-any.whl'))}\n`,
  );
  return at('requirements.txt');
}

const environmentsIn = (cache: string): string[] => readdirSync(cache).filter((name) => /^sample-3\.\d+-/.test(name));

async function failure(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => expect.fail('should have failed'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WanGPError);
  expect((error as WanGPError).code, (error as WanGPError).message).toBe('ERR_WANGP_SETUP');
  return (error as WanGPError).message;
}

describe('a private environment', () => {
  it(
    'is found while it fits, makes way for a new one, and is removed once nothing names it',
    { timeout: 240_000 },
    async () => {
      const file = requirements();
      const find = (): Promise<string | undefined> => findOwnEnvironment(file, environment());
      expect(await find()).toBeUndefined();
      const first = await makeOwnEnvironment(file, base, { environment: environment() });
      execFileSync(first, ['-c', 'import wangp_nothing, pip']);
      expect(await find()).toBe(first);

      // Other requirements are another environment's.
      const content = readFileSync(file, 'utf8');
      writeFileSync(file, `${content}# changed\n`);
      expect(await find()).toBeUndefined();
      writeFileSync(file, content);

      // What another process may still be making, or using, is younger.
      const cache = at('cache', 'wangp-node');
      const [old, young] = ['sample-3.11-aaaaaaaaaaaa', 'sample-3.11-bbbbbbbbbbbb'].map((name) =>
        path.join(cache, name),
      );
      for (const each of [old!, young!]) mkdirSync(each);
      for (const each of [old!, path.dirname(path.dirname(first))]) utimesSync(each, 1e9, 1e9);
      const second = await makeOwnEnvironment(file, base, { environment: environment() });
      expect(await find()).toBe(second);
      expect([old!, young!, first].map((each) => existsSync(each))).toEqual([false, true, false]);

      const pointer = path.join(
        cache,
        readdirSync(cache).find((name) => name.endsWith('.json'))!,
      );
      const named = readFileSync(pointer, 'utf8');
      writeFileSync(pointer, JSON.stringify({ folder: '../../elsewhere' }));
      expect(await find()).toBeUndefined();
      writeFileSync(pointer, named);
      expect(await find()).toBe(second);
      if (isWindows) return;
      // The Python that it was made from is gone.
      for (const name of readdirSync(path.dirname(second)).filter((each) => each.startsWith('python'))) {
        unlinkSync(path.join(path.dirname(second), name));
        symlinkSync('/gone/bin/python3', path.join(path.dirname(second), name));
      }
      expect(await find()).toBeUndefined();
    },
  );
});

describe('an environment that can not be made says why, and leaves nothing', () => {
  /** The message where pip gets these variables: it fails before it changes anything. */
  const refused = (more: NodeJS.ProcessEnv): Promise<string> =>
    failure(install(PYTHON, ['wangp-no-such-package'], at('new'), base, environment(more)));

  it('without a network', async () => {
    // pip tells of the network only where it tries again.
    const message = await refused({ PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_RETRIES: '1', PIP_FIND_LINKS: '' });
    expect(message).toContain('pip could not reach the index of Python packages');
    expect(message).toContain('HTTPS_PROXY');
  });

  it('where there is no binary of a package', async () => {
    const message = await refused({ PIP_NO_INDEX: '1' });
    expect(message).toContain('there is no binary of wangp-no-such-package');
    expect(message).toContain('--python');
  });

  /** An interpreter that only says something, and fails. */
  const saying = (text: string): PythonEnvironment => {
    writeFileSync(at('python'), `#!/bin/sh\ncat <<'END'\n${text}\nEND\nexit 1\n`, { mode: 0o755 });
    return { ...base, baseExecutable: at('python'), basePrefix: '/usr' };
  };
  const toldBy = async (python: PythonEnvironment): Promise<string> => {
    const message = await failure(makeEnvironment(at('new'), python, []));
    expect(existsSync(at('new'))).toBe(false);
    return message;
  };

  it.skipIf(isWindows)('where the module venv is missing: with the package of Debian that has it', async () => {
    expect(await toldBy(saying('/usr/bin/python3: No module named ensurepip'))).toContain(
      `\`apt install python${base.minor}-venv\``,
    );
    expect(await toldBy(saying('python: No module named venv'))).toContain('has no module venv');
  });

  it.skipIf(isWindows)('for another reason, in the words of what failed', async () => {
    expect(await toldBy(saying('first\nSomeError: odd'))).toContain('SomeError: odd');
    const gone = { ...base, baseExecutable: at('gone') };
    expect(await toldBy(gone)).toContain('ENOENT');
  });

  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'where the disk is full (root only: it needs a disk of its own)',
    async (context) => {
      mkdirSync(at('disk'));
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'none', at('disk')], { stdio: 'ignore' });
      } catch {
        // A container may refuse mount(2) to its root.
        context.skip('no disk can be mounted here');
      }
      try {
        const more = { XDG_CACHE_HOME: at('disk') };
        const message = await failure(makeOwnEnvironment(requirements(), base, { environment: environment(more) }));
        expect(message).toContain('the disk is full');
        expect(environmentsIn(at('disk', 'wangp-node'))).toEqual([]);
      } finally {
        execFileSync('umount', [at('disk')]);
      }
    },
  );
});

describe('wangp-node setup', () => {
  const env = (): NodeJS.ProcessEnv => ({
    XDG_CACHE_HOME: path.join(home, 'cache'),
    LOCALAPPDATA: path.join(home, 'cache'),
    PYENV_ROOT: path.join(home, 'no pyenv'),
    PATH: [at('bin'), ...(process.env['PATH'] ?? '').split(path.delimiter)]
      .filter((place) => !/[\\/]shims$/.test(place))
      .join(path.delimiter),
  });
  const run = (args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    cli(args, { main: copy.main, env: { ...env(), ...more }, cwd: folder });
  const answer = (stdout: string): unknown => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');

  it(
    'gives the demo what it needs, is done at once the second time, and is what messages advise',
    { timeout: 240_000 },
    async () => {
      const bare = await bareEnvironment(path.join(home, 'bare'));
      const advised = await run(['info', '--json', '--python', bare]);
      expect(answer(advised.stdout)).toMatchObject({
        error: { code: 'ERR_WANGP_PACKAGE_MISSING', message: expect.stringContaining('Run `npx wangp-node setup`') },
      });
      const made = await run(['setup', '--json', '--python', PYTHON]);
      expect(made, made.stderr).toMatchObject({ code: 0 });
      expect(answer(made.stdout)).toMatchObject({ success: true, made: true });
      const { python } = answer(made.stdout) as { python: string };
      expect(path.dirname(path.dirname(python))).toContain(path.join(home, 'cache', 'wangp-node', 'sample-3.'));

      for (const args of [
        ['setup', '--json'],
        ['setup', '--json', '--python', PYTHON],
      ]) {
        expect(answer((await run(args)).stdout)).toEqual({ success: true, python, made: false });
      }
      const info = await run(['info', '--json']);
      expect(answer(info.stdout)).toMatchObject({ success: true, isSample: true });
      expect((answer(info.stdout) as { python: string }).python).toBe(python);

      // What comes before it is told.
      const first = await run(['setup'], { WANGP_PYTHON: bare });
      expect(first.stderr).toContain(
        `It is not used yet: ${bare} comes first, because WANGP_PYTHON names it. To use what was made, unset WANGP_PYTHON.`,
      );
    },
  );

  it.skipIf(isWindows).each([
    ['demo', 'SIGINT', 130],
    ['setup', 'SIGTERM', 143],
  ] as const)(
    'is done by the demo itself; a %s that %s ends meanwhile leaves nothing half made',
    async (command, signal, exitCode) => {
      const cache = at('cache');
      // Any Python but that of the tests, with nothing in it: the search comes to it first.
      await bareEnvironment(at('activated'));
      const child = spawn(process.execPath, [copy.main, command], {
        cwd: folder,
        env: { ...process.env, ...env(), XDG_CACHE_HOME: cache, VIRTUAL_ENV: at('activated'), WANGP_PYTHON: '' },
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      const ended = new Promise<number | null>((resolve) => void child.once('close', resolve));
      const started = (): boolean =>
        existsSync(path.join(cache, 'wangp-node')) && environmentsIn(path.join(cache, 'wangp-node')).length > 0;
      await expect.poll(started, { timeout: 30_000, interval: 20 }).toBe(true);
      process.kill(-child.pid!, signal);
      expect(await ended).toBe(exitCode);
      expect(stderr).toContain('environment for the sample root');
      expect(environmentsIn(path.join(cache, 'wangp-node'))).toEqual([]);
    },
  );

  it('refuses a Python that can not be used, before anything is made', async () => {
    const { code, stdout } = await run(['setup', '--json', '--python', at('gone')]);
    expect(code).toBe(1);
    expect(answer(stdout)).toMatchObject({ error: { code: 'ERR_WANGP_PYTHON_NOT_FOUND' } });
  });
});
