import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

import type { WanGPErrorCode } from '../lib/errors.js';
import { findPython } from '../lib/python/find.js';
import type { InterpreterAnswer } from '../lib/python/probe.js';
import { at, fake, isLinux, isWindows, options, refusal, shell, type Fake } from './fixtures/fake-interpreter.js';

describe.skipIf(isWindows)('the probe of an interpreter', () => {
  const broken = (python: string, timeoutMs = 10_000) =>
    refusal(findPython({ python, ...options(), timeoutMs }), 'ERR_WANGP_PYTHON_BROKEN');

  it('refuses one that exits with a failure, with its exit code and what it printed', async () => {
    const { executable } = fake(at('python'), {}, 'echo first >&2; echo Fatal Python error >&2; exit 7');
    expect(await broken(executable)).toContain('exited with code 7: first | Fatal Python error');
  });

  it('refuses one that crashes, with the signal', async () => {
    expect(await broken(fake(at('python'), {}, 'kill -SEGV $$').executable)).toContain('was ended by SIGSEGV');
  });

  it('refuses one that exits well and says nothing, or half of it', async () => {
    expect(await broken(fake(at('python'), {}, 'exit 0').executable)).toContain('without answering');
    const half = fake(at('half'), { version: 3 as unknown as string });
    expect(await broken(half.executable)).toContain('without answering');
  });

  it('refuses what is no program', async () => {
    writeFileSync(at('text'), 'not a program');
    expect(await broken(at('text'))).toContain('could not be started');
    chmodSync(at('text'), 0o755);
    expect(await broken(at('text'))).toMatch(/could not be started|exited with code/);
    writeFileSync(at('other'), '#!/gone/sh\n', { mode: 0o755 });
    expect(await broken(at('other'))).toContain('could not be started');
    writeFileSync(at('elf'), '\x7fELF garbage', { mode: 0o755 });
    expect(await broken(at('elf'))).toMatch(/could not be started|exited with code/);
  });

  it('refuses one that hangs and ends its children, while the event loop goes on', async () => {
    const { executable } = fake(at('python'), {}, `/bin/sleep 60 & echo $! >'${at('pid')}'; wait`);
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 20);
    const started = performance.now();
    const hasChild = (): boolean => existsSync(at('pid')) && readFileSync(at('pid'), 'utf8').endsWith('\n');
    // A shell may need a while on a busy machine.
    let timeoutMs = 400;
    let message: string;
    do {
      timeoutMs *= 2;
      message = await broken(executable, timeoutMs);
    } while (!hasChild() && timeoutMs < 10_000);
    clearInterval(ticking);
    expect(message).toContain(`gave no answer within ${timeoutMs / 1000} s`);
    expect(performance.now() - started).toBeLessThan(40_000);
    expect(ticks).toBeGreaterThan(2);
    const pid = Number(readFileSync(at('pid'), 'utf8'));
    await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
  });

  it('accepts one that answers, though a child of its own keeps the streams open', async () => {
    const { executable } = fake(at('python'), {}, '/bin/sleep 20 &');
    const started = performance.now();
    expect((await findPython({ python: executable, ...options() })).executable).toBe(executable);
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

function isRunning(pid: number): boolean {
  try {
    // A zombie that nobody reaps in a container has ended all the same.
    return !/^State:\s+Z/m.test(isLinux ? readFileSync(`/proc/${pid}/status`, 'utf8') : '') && process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.skipIf(isWindows)('an interpreter that cannot be embedded is refused, with the reason, where it', () => {
  const refused = async (code: WanGPErrorCode, changes: Partial<InterpreterAnswer>) =>
    refusal(findPython({ python: fake(at('python'), changes).executable, ...options() }), code);

  it('is of another version or kind', async () => {
    const code = 'ERR_WANGP_PYTHON_VERSION';
    expect(await refused(code, { version: '3.9.1', minorVersion: 9 })).toContain('too old');
    expect(await refused(code, { version: '2.7.1', majorVersion: 2, minorVersion: 7 })).toContain('too old');
    expect(await refused(code, { version: '3.15.0a1', minorVersion: 15 })).toContain('newer');
    expect(await refused(code, { implementation: 'pypy' })).toContain('PyPy 3.11.9');
  });

  it('is free-threaded', async () => {
    const changes = { version: '3.13.1', minorVersion: 13, abiFlags: 't', freeThreaded: true };
    expect(await refused('ERR_WANGP_PYTHON_FREE_THREADED', changes)).toContain('uv python install 3.13');
  });

  it('was built without a shared library, even beside one of another build', async () => {
    const code = 'ERR_WANGP_PYTHON_STATIC';
    const archive = { enableShared: false, ldLibrary: 'libpython3.11.a', instSoName: 'libpython3.11.a' };
    expect(await refused(code, archive)).toContain('--enable-shared');
    const pyenv = await refused(code, { ...archive, basePrefix: '/home/x/.pyenv/versions/3.11.9' });
    expect(pyenv).toContain('env PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install --force 3.11.9');
  });

  it('is split by the distribution from its library', async () => {
    const changes = {
      basePrefix: '/usr',
      multiarch: 'none-linux-gnu',
      libDir: '/gone',
      instSoName: 'libpython3.10.so.9',
      ldLibrary: '',
      minorVersion: 10,
      version: '3.10.99',
    };
    if (existsSync('/usr/lib/libpython3.10.so.1.0')) return;
    expect(await refused('ERR_WANGP_PYTHON_STATIC', changes)).toContain('apt install libpython3.10');
  });

  it.runIf(isLinux)('was built for musl', async () => {
    const changes = { libc: '', hostType: 'x86_64-alpine-linux-musl' };
    expect(await refused('ERR_WANGP_PLATFORM', changes)).toContain('Alpine');
  });

  it.runIf(isLinux)('is of another architecture', async () => {
    const machineName = process.arch === 'x64' ? 'aarch64' : 'x86_64';
    expect(await refused('ERR_WANGP_PLATFORM', { machine: machineName })).toContain(process.arch);
    expect(await refused('ERR_WANGP_PLATFORM', { pointerSize: 4 })).toContain(process.arch);
  });
});

describe.skipIf(isWindows)('the shared library', () => {
  const library = (python: Fake) => findPython({ python: python.executable, ...options() });
  const place = (...names: string[]) => {
    mkdirSync(path.dirname(at(...names)), { recursive: true });
    writeFileSync(at(...names), '');
    return at(...names);
  };

  it("is the mapped one, else the installation's own, else that of the configured folder", async () => {
    const python = fake(at('python'), { basePrefix: at('base') });
    const configured = `${python.executable}-libs/libpython3.11.so.1.0`;
    expect((await library(python)).libraryPath).toBe(configured);
    // The same interpreter asked anew, since what the cache knows of it is still true.
    rmSync(at('cache'), { recursive: true });
    const own = place('base', 'lib', 'libpython3.11.so.1.0');
    expect((await library(python)).libraryPath).toBe(own);
    rmSync(at('cache'), { recursive: true });
    python.answer({ basePrefix: at('base'), mappedLibrary: place('mapped', 'libpython3.11.so.1.0') });
    expect((await library(python)).libraryPath).toBe(at('mapped', 'libpython3.11.so.1.0'));
  });

  it("stands beside conda's interpreter, which is linked statically", async () => {
    const archive = { enableShared: false, ldLibrary: 'libpython3.11.a', instSoName: 'libpython3.11.a' };
    place('conda-meta', 'history');
    const own = place('lib', 'libpython3.11.so.1.0');
    const python = fake(at('bin', 'python3'), { ...archive, basePrefix: at(), libDir: '/gone' });
    expect((await library(python)).libraryPath).toBe(own);
  });

  it('of a framework is found, though its name has no ending', async () => {
    const own = place('Frameworks', 'Python.framework', 'Versions', '3.11', 'Python');
    const ldLibrary = 'Python.framework/Versions/3.11/Python';
    const python = fake(at('python'), { frameworkPrefix: at('Frameworks'), ldLibrary, instSoName: ldLibrary });
    expect((await library(python)).libraryPath).toBe(own);
  });
});

describe.skipIf(isWindows)('the cache', () => {
  const find = async (python: Fake, more = {}) => findPython({ python: python.executable, ...options(), ...more });

  it('answers a second search without asking, and many at once', async () => {
    const python = fake(at('python'));
    const found = await find(python);
    expect(await find(python)).toEqual(found);
    expect(python.asked()).toBe(1);
    utimesSync(python.executable, 1, 1);
    for (const each of await Promise.all(Array.from({ length: 8 }, () => find(python)))) expect(each).toEqual(found);
    expect(readdirSync(at('cache')).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });

  it('keeps refusals as well', async () => {
    const python = fake(at('python'), { minorVersion: 9, version: '3.9.0' });
    await refusal(find(python), 'ERR_WANGP_PYTHON_VERSION');
    await refusal(find(python), 'ERR_WANGP_PYTHON_VERSION');
    expect(python.asked()).toBe(1);
  });

  it('asks again when interpreter, pyvenv.cfg, library or PYTHONHOME change', async () => {
    const python = fake(at('venv', 'bin', 'python3'));
    const changed = async (asked: number, environment?: NodeJS.ProcessEnv) => {
      await find(python, environment === undefined ? {} : { environment });
      await find(python, environment === undefined ? {} : { environment });
      expect(python.asked()).toBe(asked);
    };
    await changed(1);
    utimesSync(python.executable, 1, 1);
    await changed(2);
    writeFileSync(at('venv', 'pyvenv.cfg'), 'home = /usr/bin');
    await changed(3);
    utimesSync(at('venv', 'pyvenv.cfg'), 1, 1);
    await changed(4);
    utimesSync(`${python.executable}-libs/libpython3.11.so.1.0`, 1, 1);
    await changed(5);
    await changed(6, shell({ PYTHONHOME: '/elsewhere' }));
    await changed(7);
    unlinkSync(`${python.executable}-libs/libpython3.11.so.1.0`);
    await refusal(find(python), 'ERR_WANGP_PYTHON_STATIC');
    expect(python.asked()).toBe(8);
  });

  it('does not keep what a launcher answers in the name of another interpreter', async () => {
    const first = fake(at('3.11.1', 'python3'), { version: '3.11.1' });
    const shim = fake(at('shims', 'python3'), { executable: first.executable, version: '3.11.1' });
    const environment = shell({}, at('shims'));
    expect((await findPython(options(environment))).version).toBe('3.11.1');
    shim.answer({ executable: at('3.12.2', 'python3'), version: '3.11.2' });
    expect((await findPython(options(environment))).version).toBe('3.11.2');
    expect(shim.asked()).toBe(2);
  });

  it('is passed over where it is corrupt, empty, not writable or writable by others', async () => {
    const python = fake(at('python'));
    await find(python);
    for (const content of ['{', '[]', 'null', '{"version":1}', '']) {
      for (const name of readdirSync(at('cache'))) writeFileSync(at('cache', name), content);
      expect((await find(python)).version).toBe('3.11.9');
    }
    expect(python.asked()).toBe(6);
    expect((await find(python, { cacheFolder: path.join(python.executable, 'x') })).version).toBe('3.11.9');
    expect(python.asked()).toBe(7);
    // Others could have written what is about to be loaded.
    chmodSync(at('cache'), 0o777);
    await find(python);
    expect(python.asked()).toBe(8);
  });

  it('is in the cache folder of the user by default', async () => {
    const python = fake(at('python'));
    const environment = shell({ HOME: at('home'), XDG_CACHE_HOME: at('xdg') });
    await findPython({ python: python.executable, environment });
    await findPython({ python: python.executable, environment });
    expect(python.asked()).toBe(1);
    expect(readdirSync(at('xdg', 'wangp-node'))).toHaveLength(1);
  });
});
