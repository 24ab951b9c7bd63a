import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { at, fake, isLinux, isWindows } from './fixtures/fake-interpreter.js';
import { cli, diagnose, PYTHON } from './fixtures/doctor.js';
import { copyPackage, type PackageCopy } from './fixtures/package-copy.js';

const minor = execFileSync(PYTHON, ['-c', 'import sys; print("3.%d" % sys.version_info[1])'], {
  encoding: 'utf8',
}).trim();

/** An empty home, with no interpreter on PATH. */
function nowhere(): NodeJS.ProcessEnv {
  mkdirSync(at('empty'), { recursive: true });
  return { PATH: at('empty'), HOME: at('home'), XDG_CACHE_HOME: at('cache'), PYENV_ROOT: at('home', '.pyenv') };
}

describe.skipIf(isWindows)('the doctor says of Python', () => {
  const copies: PackageCopy[] = [];
  const copy = (keep?: (name: string) => boolean): PackageCopy => {
    const made = copyPackage(keep);
    copies.push(made);
    return made;
  };
  afterAll(() => copies.forEach((each) => each.remove()));

  /** What the check of Python says of the interpreter that `--python` names. */
  const refusal = async (python: string, code: string): Promise<string> => {
    const { code: exit, check } = await diagnose(['--python', python], { env: nowhere() });
    expect(exit).toBe(1);
    const found = check('python');
    expect(found).toMatchObject({ status: 'error', code });
    return `${found.detail}\n${found.remedy}`;
  };

  it('that there is none, and how to get one', async () => {
    const { main } = copy();
    const { check, report } = await diagnose([], { main, env: nowhere() });
    expect(check('python')).toMatchObject({ status: 'error', code: 'ERR_WANGP_PYTHON_NOT_FOUND' });
    expect(check('python').detail).toMatch(/No Python interpreter was found/);
    expect(check('python').remedy).toMatch(/PATH has no `python3`|can be embedded|To install one/);
    expect(report).toMatchObject({ ok: false, python: null });
  });

  it('that it has no shared library', async () => {
    const archive = { enableShared: false, ldLibrary: 'libpython3.11.a', instSoName: 'libpython3.11.a' };
    expect(await refusal(fake(at('python'), archive).executable, 'ERR_WANGP_PYTHON_STATIC')).toContain(
      'built without a shared library',
    );
  });

  it('that it is a 3.9', async () => {
    const old = fake(at('python'), { version: '3.9.18', minorVersion: 9 }).executable;
    expect(await refusal(old, 'ERR_WANGP_PYTHON_VERSION')).toContain('is CPython 3.9.18, which is too old');
  });

  const pyenv = path.join(process.env['HOME'] ?? '', '.pyenv', 'versions');
  const real = existsSync(pyenv) ? readdirSync(pyenv).find((name) => name.startsWith('3.9.')) : undefined;
  it.skipIf(real === undefined)('that a real 3.9 is one (skipped where pyenv has none)', async () => {
    const python = path.join(pyenv, real!, 'bin', 'python3');
    expect(await refusal(python, 'ERR_WANGP_PYTHON_VERSION')).toContain(`CPython ${real}`);
  });

  it('that it is free-threaded', async () => {
    const changes = { version: '3.13.1', minorVersion: 13, abiFlags: 't', freeThreaded: true };
    const { executable } = fake(at('python'), changes);
    expect(await refusal(executable, 'ERR_WANGP_PYTHON_FREE_THREADED')).toContain('free-threaded');
  });

  it("that an environment's base is gone; the command that it names makes the environment anew", async () => {
    const folder = at('environment');
    mkdirSync(path.join(folder, 'bin'), { recursive: true });
    writeFileSync(path.join(folder, 'pyvenv.cfg'), 'home = /gone/bin\n');
    symlinkSync('/gone/bin/python3.11', path.join(folder, 'bin', 'python3'));
    const told = await refusal(folder, 'ERR_WANGP_PYTHON_BROKEN');
    expect(told).toContain('is a link to /gone/bin/python3.11, which does not exist');
    const command = /`(python3\.11 -m venv --clear [^`]+)`/.exec(told)?.[1];
    expect(command).toBeDefined();
    // Typed as it is, by the Python of the tests under that name.
    mkdirSync(at('bin'));
    symlinkSync(PYTHON, at('bin', 'python3.11'));
    execFileSync('/bin/sh', ['-c', `${command} --without-pip`], { env: { PATH: at('bin') } });
    const { check } = await diagnose(['--python', folder], { env: nowhere() });
    expect(check('python').status).toBe('ok');
  });

  it('of which version no binary was built, and by which command one is', async () => {
    const core = `core.cp${minor.replace('.', '')}.node`;
    const { main, folder } = copy((name) => name !== core);
    const { check, code } = await diagnose(['--python', PYTHON], { main, env: nowhere() });
    expect(code).toBe(1);
    expect(check('python').status).toBe('ok');
    const { status, code: why, detail, remedy, items } = check('binary');
    expect({ status, why }).toEqual({ status: 'error', why: 'ERR_WANGP_CORE_MISSING' });
    expect(detail).toContain(`no native core for Python ${minor}`);
    expect(remedy).toContain(`npx wangp-node build --python "${PYTHON}"`);
    expect(items?.join()).toContain(path.join(folder, 'prebuilds'));
    // That command exists, and takes this option.
    const help = await cli(['build', '--help'], { main });
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('--python');
  });

  it('that the package has no binary at all', async () => {
    const { main } = copy(() => false);
    const { check } = await diagnose(['--python', PYTHON], { main, env: nowhere() });
    expect(check('binary')).toMatchObject({ status: 'error', code: 'ERR_WANGP_CORE_MISSING' });
    expect(check('binary').detail).toContain('the native addon is not built');
  });

  it('that a binary is no binary: it is loaded in another process', async () => {
    const { main, folder } = copy((name) => name !== 'loader.node');
    writeFileSync(path.join(folder, 'prebuilds', `${process.platform}-${process.arch}`, 'loader.node'), 'no ELF');
    const { check } = await diagnose(['--python', PYTHON], { main, env: nowhere() });
    expect(check('binary').status).toBe('ok');
    expect(check('start')).toMatchObject({ status: 'error', code: 'ERR_WANGP_ADDON_LOAD' });
    expect(check('start').detail).toContain('could not be loaded');
  });

  it('that it does not start: what ends the process that tries is told', async () => {
    const { main } = copy();
    const preload = at('crash.cjs');
    writeFileSync(preload, `if (process.argv[1].endsWith('trial.js')) process.kill(process.pid, 'SIGSEGV');`);
    const { check } = await diagnose(['--python', PYTHON], {
      main,
      env: { ...nowhere(), NODE_OPTIONS: `--require "${preload}"` },
    });
    expect(check('start').status).toBe('error');
    expect(check('start').detail).toContain('was ended by SIGSEGV');
  });

  it('of every one that was looked at, whether it was chosen, and why not', async () => {
    const { main } = copy();
    const second = fake(at('bin', 'python3')).executable;
    const third = fake(at('home', '.pyenv', 'versions', '3.9.1', 'bin', 'python3'), {
      version: '3.9.1',
      minorVersion: 9,
    });
    const fourth = fake(at('home', '.pyenv', 'versions', '3.12.1', 'bin', 'python3'), { version: '3.12.1' });
    const env = { ...nowhere(), PATH: at('bin') };
    const { check } = await diagnose(['--python', PYTHON], { main, env });
    const items = check('interpreters').items ?? [];
    const of = (executable: string): string | undefined => items.find((item) => item.startsWith(`${executable} `));
    expect(of(PYTHON)).toMatch(/: chosen$/);
    expect(of(second)).toContain('and would do, but --python comes first');
    expect(of(third.executable)).toMatch(/too old.*\[ERR_WANGP_PYTHON_VERSION\]$/);
    expect(of(fourth.executable)).toContain('and would do where --python or WANGP_PYTHON named it');
    expect(check('python').detail).toContain('(--python names it)');
  });

  it.runIf(isLinux)('how it is kept apart: with a working directory for each job, or without', async () => {
    const free = await diagnose(['--python', PYTHON], { env: nowhere() });
    expect(free.check('isolation').detail).toContain('(thread)');
    const preload = at('refuse.cjs');
    const probe = path.resolve(import.meta.dirname, 'native', 'build', 'Release', 'probe.node');
    writeFileSync(preload, `require(${JSON.stringify(probe)}).refuseUnshare();`);
    const env = { ...nowhere(), NODE_OPTIONS: `--require "${preload}"` };
    const refused = await diagnose(['--python', PYTHON], { env });
    expect(refused.check('isolation').detail).toContain('(absolute-paths)');
    rmSync(preload);
  });
});
