import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

import { describeSuitable, findPython, listInterpreters, probeInterpreter } from '../lib/python/find.js';
import { at, fake, isLinux, isWindows, options, refusal, shell } from './fixtures/fake-interpreter.js';

const run = promisify(execFile);

describe('the interpreters of the machine', async () => {
  const machine = await listInterpreters();
  const usable = machine.filter((candidate) => candidate.suitable);
  const real = usable[0]?.executable ?? '';

  it('are listed, with a reason for each that would not do', () => {
    for (const { suitable, environment, error, version } of machine) {
      expect(environment !== undefined).toBe(suitable);
      expect(error === undefined).toBe(suitable);
      if (suitable) expect(version).toMatch(/^3\.1[0-4]\.\d+/);
      if (environment !== undefined) expect(existsSync(environment.libraryPath)).toBe(true);
    }
    const names = usable.map((each) => each.environment?.executable);
    expect(new Set(names).size).toBe(names.length);
    const versions = usable.map((each) => Number(each.environment?.minor.split('.')[1]));
    expect(versions).toEqual([...versions].sort((a, b) => b - a));
  });

  it('are named as those that would do; where there is none, it is said what to install', () => {
    for (const { executable } of usable) expect(describeSuitable(machine)).toContain(executable);
    expect(describeSuitable([])).toMatch(/No interpreter .* install/);
  });

  describe.skipIf(usable.length === 0)('each', () => {
    it.each(usable.map((each) => each.executable))('%s is described as it describes itself', async (executable) => {
      const found = await probeInterpreter(executable, { ...options(), source: 'PATH' });
      const script = 'import sys; print("|".join(["%d.%d.%d" % sys.version_info[:3], sys.executable, sys.prefix]))';
      const { stdout } = await run(executable, ['-c', script]);
      expect([found.version, found.executable, found.prefix].join('|')).toBe(stdout.trim());
      expect(found.version.startsWith(`${found.minor}.`)).toBe(true);
      expect(found.source).toBe('PATH');
      expect(path.isAbsolute(found.libraryPath)).toBe(true);
      if (!isLinux) return;
      expect(path.basename(found.libraryPath)).toContain(`libpython${found.minor}`);
      const library = readFileSync(found.libraryPath);
      expect(library.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
      expect(library.includes(found.version)).toBe(true);
    });

    const old = machine.find((each) => each.error?.code === 'ERR_WANGP_PYTHON_VERSION');
    it.skipIf(old === undefined)('is refused when it is too old, with what would do instead', async () => {
      const { executable, version } = old!;
      const message = await refusal(findPython({ python: executable, ...options() }), 'ERR_WANGP_PYTHON_VERSION');
      expect(message).toContain(`CPython ${version}`);
      expect(message).toMatch(/These can be embedded.*\n {2}\/|No interpreter/);
    });

    it('keeps the path of its virtual environment, with spaces and other letters', async () => {
      const environment = at('mein Ordner', 'umgebung ä');
      await run(real, ['-m', 'venv', '--without-pip', environment]);
      const found = await findPython({ python: environment, ...options() });
      expect(path.dirname(path.dirname(found.executable))).toBe(environment);
      expect(found.prefix).toBe(environment);
      expect(found.isVirtualEnvironment).toBe(true);
      expect(found.basePrefix).toBe(usable[0]?.environment?.basePrefix);
      expect(found.libraryPath).toBe(usable[0]?.environment?.libraryPath);
      expect(await findPython({ python: environment, ...options() })).toEqual(found);
    });

    it('is not confused by modules of the working directory or by what sitecustomize prints', async () => {
      mkdirSync(at('site'));
      writeFileSync(at('site', 'sitecustomize.py'), 'print("noise", end="")\nimport sys; sys.stderr.write("more")');
      for (const name of ['json', 'os', 'struct', 'sysconfig']) writeFileSync(at(`${name}.py`), 'raise SystemExit(3)');
      const before = process.cwd();
      process.chdir(at());
      try {
        for (const { executable, version } of usable) {
          const found = await findPython({ python: executable, ...options(shell({ PYTHONPATH: at('site') })) });
          expect(found.version).toBe(version);
        }
      } finally {
        process.chdir(before);
      }
    });
  });
});

describe.skipIf(isWindows)('the order of the search', () => {
  const list = () => {
    const root = at('root');
    const onPath = fake(at('bin', 'python3'));
    const conda = fake(at('conda', 'bin', 'python3'));
    const virtual = fake(at('virtual', 'bin', 'python'));
    const inRoot = fake(at('root', '.venv', 'bin', 'python3'));
    const byVariable = fake(at('by variable', 'python'));
    const byOption = fake(at('by option', 'bin', 'python3'));
    const variables = {
      WANGP_PYTHON: byVariable.executable,
      VIRTUAL_ENV: at('virtual'),
      CONDA_PREFIX: at('conda'),
    };
    return { root, onPath, conda, virtual, inRoot, byVariable, byOption, variables };
  };

  it('is: the option, WANGP_PYTHON, root, VIRTUAL_ENV, CONDA_PREFIX, PATH', async () => {
    const { root, onPath, conda, virtual, inRoot, byVariable, byOption, variables } = list();
    const environment: NodeJS.ProcessEnv = shell(variables, at('bin'));
    const find = (more: { python?: string; root?: string } = {}) => findPython({ ...options(environment), ...more });
    const expected = (executable: string, source: string) => expect.objectContaining({ executable, source });

    expect(await find({ root, python: at('by option') })).toEqual(expected(byOption.executable, 'option'));
    expect(await find({ root, python: byOption.executable })).toEqual(expected(byOption.executable, 'option'));
    expect(await find({ root, python: 'python3' })).toEqual(expected(onPath.executable, 'option'));
    expect(await find({ root })).toEqual(expected(byVariable.executable, 'WANGP_PYTHON'));
    environment['WANGP_PYTHON'] = '';
    expect(await find({ root })).toEqual(expected(inRoot.executable, 'root'));
    expect(await find({ root: at('conda', 'bin') })).toEqual(expected(virtual.executable, 'VIRTUAL_ENV'));
    expect(await find()).toEqual(expected(virtual.executable, 'VIRTUAL_ENV'));
    environment['VIRTUAL_ENV'] = at('gone');
    expect(await find()).toEqual(expected(conda.executable, 'CONDA_PREFIX'));
    delete environment['CONDA_PREFIX'];
    expect(await find()).toEqual(expected(onPath.executable, 'PATH'));
  });

  it('prefers what envs.json of the checkout records, relative to it', async () => {
    const { root } = list();
    const recorded = fake(at('root', 'env_uv', 'bin', 'python'));
    const other = fake(at('elsewhere', 'bin', 'python'));
    const envs = { env_uv: { type: 'uv', path: './env_uv' }, other: { type: 'conda', path: at('elsewhere') } };
    const record = (value: unknown) => writeFileSync(at('root', 'envs.json'), JSON.stringify(value));
    const find = async () => (await findPython({ root, ...options() })).executable;

    record({ active: 'env_uv', envs });
    expect(await find()).toBe(recorded.executable);
    record({ active: 'other', envs });
    expect(await find()).toBe(other.executable);
    record({ active: null, envs: { other: envs.other } });
    expect(await find()).toBe(other.executable);
    for (const unclear of [
      { active: null, envs },
      { active: 'x', envs },
      [],
      null,
      { active: 'a', envs: { a: null } },
    ]) {
      record(unclear);
      expect(await find()).toBe(at('root', '.venv', 'bin', 'python3'));
    }
    writeFileSync(at('root', 'envs.json'), '{');
    expect(await find()).toBe(at('root', '.venv', 'bin', 'python3'));
    record({ active: 'env_uv', envs: { env_uv: { type: 'uv', path: './removed' } } });
    const message = await refusal(findPython({ root, ...options() }), 'ERR_WANGP_PYTHON_NOT_FOUND');
    expect(message).toContain(at('root', 'removed'));
    expect(message).toContain('envs.json');
  });

  it('finds an environment of any name in the checkout, and asks when there are several', async () => {
    const conda = fake(at('root', 'my conda', 'bin', 'python'));
    mkdirSync(at('root', 'my conda', 'conda-meta'));
    mkdirSync(at('root', 'models'));
    expect((await findPython({ root: at('root'), ...options() })).executable).toBe(conda.executable);
    fake(at('root', 'zweite', 'bin', 'python'));
    writeFileSync(at('root', 'zweite', 'pyvenv.cfg'), '');
    const message = await refusal(findPython({ root: at('root'), ...options() }), 'ERR_WANGP_PYTHON_NOT_FOUND');
    expect(message).toContain('my conda');
    expect(message).toContain('zweite');
  });

  it('passes over what PATH holds and cannot be used, and over nothing that was named', async () => {
    fake(at('a', 'python3'), {}, 'exit 1');
    fake(at('b', 'python3'), { version: '3.8.1', minorVersion: 8 });
    const good = fake(at('c', 'python3'));
    const environment = shell({}, at('a'), at('missing'), at('b'), at('c'));
    expect((await findPython(options(environment))).executable).toBe(good.executable);

    environment['WANGP_PYTHON'] = at('b', 'python3');
    const message = await refusal(findPython(options(environment)), 'ERR_WANGP_PYTHON_VERSION');
    expect(message).toContain('WANGP_PYTHON');
    expect(message).toContain(good.executable);
    delete environment['WANGP_PYTHON'];
    for (const name of ['venv', 'VIRTUAL_ENV', 'CONDA_PREFIX']) fake(at(name, 'bin', 'python3'), {}, 'exit 3');
    for (const name of ['VIRTUAL_ENV', 'CONDA_PREFIX']) {
      const found = findPython(options({ ...environment, [name]: at(name) }));
      expect(await refusal(found, 'ERR_WANGP_PYTHON_BROKEN')).toContain(at(name));
    }
    const found = findPython({ root: at(), ...options(environment) });
    expect(await refusal(found, 'ERR_WANGP_PYTHON_BROKEN')).toContain(at('venv', 'bin', 'python3'));
  });

  it('says of everything on PATH why it cannot be used, with the code of the first', async () => {
    fake(at('a', 'python3'), { freeThreaded: true });
    fake(at('b', 'python3'), {}, 'echo no module named encodings >&2; exit 1');
    symlinkSync(at('b'), at('b again'));
    const environment = shell({}, at('a'), at('b'), at('b again'));
    const message = await refusal(findPython(options(environment)), 'ERR_WANGP_PYTHON_FREE_THREADED');
    expect(message).toContain(at('a', 'python3'));
    expect(message).toContain(`${at('b', 'python3')} exited with code 1: no module named encodings`);
    expect(message).not.toContain('b again');
  });

  it('says where it looked when there is none', async () => {
    const message = await refusal(findPython({ root: at(), ...options() }), 'ERR_WANGP_PYTHON_NOT_FOUND');
    for (const place of ['`python`', 'WANGP_PYTHON', at(), 'VIRTUAL_ENV', 'CONDA_PREFIX', 'PATH']) {
      expect(message).toContain(place);
    }
  });
});

describe.skipIf(isWindows)('a named interpreter that is none', () => {
  it.each(['nowhere/python', 'no-such-command'])(
    '%s is refused with ERR_WANGP_PYTHON_NOT_FOUND and its name',
    async (python) => {
      expect(await refusal(findPython({ python, ...options() }), 'ERR_WANGP_PYTHON_NOT_FOUND')).toContain(python);
    },
  );

  it('a folder without an interpreter is refused with the places that were looked at', async () => {
    const message = await refusal(findPython({ python: at(), ...options() }), 'ERR_WANGP_PYTHON_NOT_FOUND');
    expect(message).toContain('bin/python3');
  });

  it('a link of an environment whose Python is gone is refused as broken', async () => {
    mkdirSync(at('venv', 'bin'), { recursive: true });
    writeFileSync(at('venv', 'pyvenv.cfg'), '');
    symlinkSync('/gone/python3.9', at('venv', 'bin', 'python3'));
    symlinkSync('python3', at('venv', 'bin', 'python'));
    for (const more of [{ python: at('venv') }, { root: at() }]) {
      const message = await refusal(findPython({ ...more, ...options() }), 'ERR_WANGP_PYTHON_BROKEN');
      expect(message).toContain('/gone/python3.9');
      expect(message).toContain(`-m venv --clear '${at('venv')}'`);
    }
  });

  it('something that is no string is refused as an argument', async () => {
    for (const python of ['', 3 as unknown as string]) await refusal(findPython({ python }), 'ERR_WANGP_ARGUMENT');
  });
});
