import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkRuntime } from '../lib/cli/doctor/machine.js';
import { bareEnvironment, cli, diagnose, MAIN, makeFolder, packagesOf, PYTHON } from './fixtures/doctor.js';

const isWindows = process.platform === 'win32';
const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

const home = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'wangp doctor ä ')));
let folder = home;
let count = 0;
beforeEach(() => {
  folder = path.join(home, String(count++));
  mkdirSync(folder);
});
const at = (...names: string[]): string => path.join(folder, ...names);

/** What makes a folder a checkout. */
const API = { 'shared/api.py': 'def init(**options): ...\n' };

let bare: string;
beforeAll(async () => {
  // Any other user may read it, and the Python of this one.
  chmodSync(home, 0o755);
  bare = await bareEnvironment(path.join(home, 'bare'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A cache of this file's own, and no interpreters of pyenv's: asking all of them takes seconds. */
const FEW = {
  XDG_CACHE_HOME: path.join(home, 'cache'),
  PYENV_ROOT: path.join(home, 'no pyenv'),
  PATH: (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((place) => !/[\\/]shims$/.test(place))
    .join(path.delimiter),
};

/** In the working directory of the test. */
const look = (args: readonly string[], env: NodeJS.ProcessEnv = {}, python = PYTHON) =>
  diagnose(['--python', python, ...args], { env: { ...FEW, ...env }, cwd: folder });

describe('the doctor', () => {
  it('says that a generation can run on the sample root, and ends with 0', async () => {
    const { code, report, check } = await look([]);
    expect(code).toBe(0);
    expect(report).toMatchObject({ ok: true, errors: 0, python: PYTHON });
    expect(report.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(check('root').detail).toContain('embedded sample');
    expect(check('outputs').detail).toContain(at('outputs'));
    expect(check('start').status).toBe('ok');
    expect(check('packages').detail).toContain('all 3 of its requirements.txt');
    expect(check('runtime').detail).toContain(process.versions.node);
    expect(check('platform').detail).toContain(`${process.platform}-${process.arch}`);
    expect(check('cache').detail).toContain(path.join(home, 'cache', 'wangp-node'));
    // It has only looked.
    expect(existsSync(at('outputs'))).toBe(false);
  });

  it('tells people the same, one line for each thing, with what to do below it', async () => {
    const env = { ...FEW, WANGP_PYHTON: '/x' };
    const { code, stdout, stderr } = await cli(['doctor', '--python', PYTHON, '--root', at('gone')], { env });
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^ok +Python +CPython 3\./m);
    expect(stdout).toMatch(/^error +Root +.*gone.* \[ERR_WANGP_ROOT\]\n +→ /m);
    expect(stdout).toMatch(/^warning +Variables +.*WANGP_PYHTON\n +- .*\n +→ .*did you mean WANGP_PYTHON\?/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('No generation can run. (1 error, 1 warning)');
  });

  it('refuses an unknown option, and says that a Node is too old', async () => {
    const { code, stderr } = await cli(['doctor', '--jsno']);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean --json?');
    expect(checkRuntime('20.16.1')).toMatchObject({ status: 'error', remedy: expect.stringContaining('20.17.0') });
    expect(checkRuntime('20.17.0').status).toBe('ok');
    expect(checkRuntime('100.1.0').status).toBe('ok');
  });

  it('shows the variables of this package, and knows a misspelt one from one of others', async () => {
    const { check, code } = await look([], { WANGP_FAULTHANDLER: '1', WANGP_DEBUG_UI: '1' });
    expect(code).toBe(0);
    expect(check('variables')).toMatchObject({ status: 'ok' });
    expect(check('variables').items).toEqual(['WANGP_DEBUG_UI=1 (not read)', 'WANGP_FAULTHANDLER=1']);
    const misspelt = (await look([], { WANGP_ROT: folder })).check('variables');
    expect(misspelt).toMatchObject({ status: 'warning', remedy: 'WANGP_ROT: did you mean WANGP_ROOT?' });
  });

  it('empties the cache, and says what it held', async () => {
    await look([], { XDG_CACHE_HOME: at('cache') });
    expect(existsSync(at('cache', 'wangp-node'))).toBe(true);
    const env = { XDG_CACHE_HOME: at('cache'), TMPDIR: folder };
    const first = await cli(['doctor', '--clear-cache'], { env });
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^removed .*wangp-node \([\d.]+ k?B\)$/m) });
    expect(existsSync(at('cache', 'wangp-node'))).toBe(false);
    const second = await cli(['doctor', '--clear-cache', '--json'], { env });
    expect(JSON.parse(second.stdout)).toEqual({ ok: true, cache: ['there is no cache to remove'] });
  });
});

describe('the doctor says of the root', () => {
  it('that it has no shared/api.py', async () => {
    const { check, code } = await look(['--root', folder]);
    expect(code).toBe(1);
    expect(check('root')).toMatchObject({ status: 'error', code: 'ERR_WANGP_ROOT' });
    expect(check('root').detail).toContain('it has no shared/api.py');
  });

  it('which version it has, and which of --root and WANGP_ROOT has led to it', async () => {
    const root = makeFolder(at('root'), { ...API, 'wgp.py': 'import os\nWanGP_version = "12.60"\n' });
    expect((await look(['--root', root])).check('root').detail).toBe(`WanGP 12.60: ${root} (--root)`);
    const { check } = await look([], { WANGP_ROOT: root });
    expect(check('root').detail).toBe(`WanGP 12.60: ${root} (the variable WANGP_ROOT)`);
  });

  it('whether its wgp_config.json can be read, and that another one is missing', async () => {
    const root = makeFolder(at('root'), { ...API, 'wgp_config.json': '{"save_path": "out", "image_save_path": "p"}' });
    const good = await look(['--root', root]);
    expect(good.check('config')).toMatchObject({ status: 'ok', detail: path.join(root, 'wgp_config.json') });
    expect(good.check('outputs').detail).toContain(path.join(root, 'out'));
    expect(good.check('outputs').items).toEqual([path.join(root, 'p')]);
    writeFileSync(path.join(root, 'wgp_config.json'), '{"save_path": ');
    expect((await look(['--root', root])).check('config')).toMatchObject({ status: 'error' });
    const missing = await look(['--root', root, '--config', at('gone', 'wgp_config.json')]);
    expect(missing.check('config')).toMatchObject({ status: 'error', code: 'ERR_WANGP_FILE' });
  });

  it.runIf(isRoot || isWindows)('which programs of WanGP are not on PATH', async () => {
    mkdirSync(at('empty'));
    const root = makeFolder(at('root'), API);
    const { check } = await look(['--root', root], { PATH: at('empty') });
    for (const name of ['ffmpeg', 'ffprobe', 'git']) expect(check(name)).toMatchObject({ status: 'warning' });
    const sample = await look([], { PATH: at('empty') });
    for (const name of ['ffmpeg', 'ffprobe', 'git']) expect(sample.check(name)).toMatchObject({ status: 'ok' });
  });

  it.skipIf(isWindows)(
    'the version of a program, also of one that WanGP has fetched, and that one does not run',
    async () => {
      const root = makeFolder(at('root'), {
        ...API,
        'ffmpeg_bins/ffmpeg': '#!/bin/sh\necho "ffmpeg version 7.1-own Copyright"\n',
        'ffmpeg_bins/ffprobe': '#!/bin/sh\necho broken >&2; exit 3\n',
      });
      for (const name of ['ffmpeg', 'ffprobe']) chmodSync(path.join(root, 'ffmpeg_bins', name), 0o755);
      const { check } = await look(['--root', root], { PATH: folder });
      expect(check('ffmpeg')).toMatchObject({ status: 'ok', detail: expect.stringContaining('7.1-own') });
      expect(check('ffprobe')).toMatchObject({ status: 'warning', detail: expect.stringContaining('does not run') });
    },
  );
});

describe('the doctor says of packages', () => {
  it('what the sample root lacks; torch it does not need', async () => {
    const { check, code } = await look([], {}, bare);
    expect(code).toBe(1);
    expect(check('packages')).toMatchObject({ status: 'error', code: 'ERR_WANGP_PACKAGE_MISSING' });
    expect(check('packages').detail).toBe(`${bare} has no numpy, pillow, av`);
    expect(check('packages').remedy).toContain('`npx wangp-node setup`. If you name a Python');
    expect(check('torch')).toMatchObject({ status: 'ok', detail: 'none; the sample root needs none' });
  });

  it('that a root has no NumPy: which file imports it, whatever requirements.txt says', async () => {
    const root = makeFolder(at('root'), {
      'shared/api.py': 'import os\nfrom .utils import part\nimport own_module\n',
      'shared/utils/part.py':
        'import json, numpy.linalg\ndef later():\n    import never\ntry:\n    import maybe\nfinally: ...\n',
      'lib/own_module.py': '',
    });
    const { check, code } = await look(['--root', root], {}, bare);
    expect(code).toBe(1);
    expect(check('imports')).toMatchObject({ status: 'error', code: 'ERR_WANGP_PACKAGE_MISSING' });
    // What lies anywhere in the checkout may be found by a search path that WanGP sets.
    expect(check('imports').items).toEqual(['numpy, imported by shared/utils/part.py:1']);
    expect(check('packages').detail).toContain('no requirements.txt');
    expect((await look(['--root', root])).check('imports').status).toBe('ok');
  });

  it('what requirements.txt names: by markers, versions, files that it includes', async () => {
    const root = makeFolder(at('root'), {
      ...API,
      'requirements.txt': [
        '--extra-index-url https://example.invalid/simple',
        '# a comment',
        'numpy>=1 # another',
        'Pillow==0.1',
        'no-such-thing[extra]>=2; python_version >= "3.10"',
        'other-thing; python_version < "3.0"',
        'odd ==== 1',
        '-r more.txt',
      ].join('\n'),
      'more.txt': 'thing.of-url @ https://example.invalid/x.whl ; sys_platform != "none"\nav\n',
    });
    const { check } = await look(['--root', root]);
    const { status, detail, items, remedy } = check('packages');
    expect(status).toBe('warning');
    expect(detail).toBe('of 5 in requirements.txt: 2 missing, 1 of another version, 1 not understood');
    expect(items).toEqual([
      'missing: no-such-thing[extra]>=2; python_version >= "3.10"',
      'missing: thing.of-url @ https://example.invalid/x.whl ; sys_platform != "none"',
      expect.stringMatching(/^pillow \S+, where Pillow==0\.1 is required$/i),
      'not understood: odd ==== 1',
    ]);
    expect(remedy).toContain(`-m pip install -r`);
  });

  it.skipIf(isWindows)('how to install them: the command does it', async () => {
    const python = path.join(home, 'with pip', 'bin', 'python');
    execFileSync(PYTHON, ['-m', 'venv', path.join(home, 'with pip')]);
    const package_ = makeFolder(at('nothing'), {
      'wangp_nothing.py': '',
      'wangp_nothing-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: wangp-nothing\nVersion: 1.0\n',
      'wangp_nothing-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
      'wangp_nothing-1.0.dist-info/RECORD': '',
    });
    const wheel = at('wangp_nothing-1.0-py3-none-any.whl');
    execFileSync(PYTHON, [
      '-c',
      `import shutil, sys; shutil.make_archive(sys.argv[2], "zip", sys.argv[1])`,
      package_,
      wheel,
    ]);
    execFileSync('/bin/mv', [`${wheel}.zip`, wheel]);
    const root = makeFolder(at('root'), { ...API, 'requirements.txt': `wangp-nothing @ file://${encodeURI(wheel)}\n` });
    const before = (await look(['--root', root], {}, python)).check('packages');
    expect(before.status).toBe('warning');
    execFileSync('/bin/sh', ['-c', /`([^`]+)`/.exec(before.remedy!)![1]!], { stdio: 'pipe' });
    expect((await look(['--root', root], {}, python)).check('packages').status).toBe('ok');
  });

  it('that a module to import before WanGP is missing', async () => {
    const root = makeFolder(at('root'), { 'shared/api.py': 'import wangp_no_such\n' });
    const shim = at('shim.py');
    const options = ['--root', root, '--pre-import', 'wangp_shim', '--pre-import', shim];
    const { check } = await look(options);
    expect(check('pre-import').detail).toBe(`${PYTHON} has no wangp_shim, ${shim}`);
    // It may bring modules of its own, so that what WanGP needs can't be known.
    expect(check('imports').status).toBe('warning');
  });
});

describe('the doctor says of torch', () => {
  const CPU = 'class cuda:\n    is_available = lambda: False\nclass backends: mps = None\nclass version: cuda = None\n';
  const GPU = `from types import SimpleNamespace as N
class cuda:
    is_available = lambda: True
    device_count = lambda: 1
    get_device_properties = lambda index: N(name="Fake 4090", total_memory=24 * 10**9)
class backends: mps = None
class version: cuda = "12.8"
`;

  /** An environment whose torch is this file, and a checkout that imports it. */
  const withTorch = async (source: string) => {
    const python = await bareEnvironment(at('environment'));
    makeFolder(await packagesOf(python), {
      'torch/__init__.py': `__version__ = "2.9.0"\n${source}`,
      'torch-2.9.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: torch\nVersion: 2.9.0\n',
    });
    return (...options: string[]) => look(['--root', realCheckout(), ...options], {}, python);
  };
  const realCheckout = (): string => makeFolder(at('root'), { ...API, 'wgp.py': 'import torch\n' });

  it('that it is missing, which a real root needs', async () => {
    const { check, code } = await look(['--root', realCheckout()], {}, bare);
    expect(code).toBe(1);
    expect(check('torch')).toMatchObject({ status: 'error', code: 'ERR_WANGP_PACKAGE_MISSING' });
    expect(check('torch').detail).toContain('has no torch');
  });

  it('the GPU that it sees, and its memory', async () => {
    const { check } = await (await withTorch(GPU))();
    expect(check('torch')).toMatchObject({ status: 'ok', detail: '2.9.0, built for CUDA 12.8, runs on cuda' });
    expect(check('torch').items).toEqual(['Fake 4090, 24.0 GB']);
  });

  it('that it sees none, which is an error unless something is imported before WanGP', async () => {
    const run = await withTorch(CPU);
    const { check } = await run();
    expect(check('torch')).toMatchObject({ status: 'error', remedy: expect.stringContaining('pytorch.org') });
    expect((await run('--pre-import', 'json')).check('torch').status).toBe('warning');
  });

  it('that it can not be imported', async () => {
    const { check } = await (await withTorch('raise OSError("libcudart.so.13: no such file")'))();
    expect(check('torch')).toMatchObject({ status: 'error', detail: expect.stringContaining('libcudart.so.13') });
  });

  it('that it does not answer in time', async () => {
    await withTorch('import time; time.sleep(60)');
    const python = path.join(folder, 'environment', isWindows ? 'Scripts' : 'bin', 'python');
    const { checkPackages } = await import('../lib/cli/doctor/packages.js');
    const request = { executable: python, root: at('root'), preImport: [] };
    const checks = await checkPackages({ ...request, root: realCheckout() }, { packages: 30_000, torch: 500 });
    const torch = checks.find(({ id }) => id === 'torch');
    expect(torch).toMatchObject({ status: 'warning', detail: expect.stringContaining('within 0.5 s') });
  });
});

describe('the doctor says of outputs', () => {
  it('that a file is in their place', async () => {
    writeFileSync(at('file'), '');
    const { check, code } = await look(['--output', at('file')]);
    expect(code).toBe(1);
    expect(check('outputs')).toMatchObject({ status: 'error', code: 'ERR_WANGP_FILE' });
  });

  const asAnother = isRoot ? 'of root: skipped where no other user can read this repository' : 'of this user';
  it.skipIf(isWindows || (isRoot && !canRunAs(NOBODY)))(`that the rights ${asAnother} forbid it`, async () => {
    mkdirSync(at('closed'));
    chmodSync(at('closed'), 0o555);
    // Everything may be written by root.
    const user = isRoot ? { user: NOBODY } : {};
    const { check, code } = await diagnose(['--output', at('closed', 'outputs')], {
      ...user,
      env: { ...FEW, HOME: at('home'), XDG_CACHE_HOME: at('cache') },
    });
    expect(code).toBe(1);
    expect(check('outputs')).toMatchObject({ status: 'error', code: 'ERR_WANGP_FILE' });
    expect(check('outputs').detail).toContain(at('closed'));
  });

  /** A file system of its own, of so many bytes. */
  const withDisk = async (bytes: number, use: (disk: string) => Promise<void>): Promise<void> => {
    mkdirSync(at('disk'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'none', at('disk')]);
    try {
      await use(at('disk'));
    } finally {
      execFileSync('umount', [at('disk')]);
    }
  };

  it.runIf(canMount())('that there is little space (skipped where no disk can be mounted)', async () => {
    await withDisk(2e9, async (disk) => {
      const { check, code } = await look(['--output', path.join(disk, 'outputs')]);
      expect(code).toBe(0);
      expect(check('space')).toMatchObject({ status: 'warning', detail: expect.stringMatching(/^2\.0 GB for /) });
    });
  });

  it.runIf(canMount())('that there is no space (skipped where no disk can be mounted)', async () => {
    await withDisk(1e6, async (disk) => {
      const { check, code } = await look(['--output', disk]);
      expect(code).toBe(1);
      expect(check('space')).toMatchObject({ status: 'error', remedy: expect.stringContaining('--output') });
      expect(() => writeFileSync(path.join(disk, 'fill'), Buffer.alloc(2e6))).toThrow('ENOSPC');
      expect((await look(['--output', disk])).check('outputs')).toMatchObject({ status: 'error' });
    });
  });
});

/** Whether a user of that number can run the command line. */
function canRunAs(user: number): boolean {
  try {
    execFileSync(process.execPath, [MAIN, '--version'], { uid: user, gid: user, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether this user may mount a disk here: root outside of most containers. */
function canMount(): boolean {
  if (process.platform !== 'linux' || !isRoot) return false;
  const place = mkdtempSync(path.join(os.tmpdir(), 'wangp-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4096', 'none', place], { stdio: 'ignore' });
    execFileSync('umount', [place]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true });
  }
}

describe('what the doctor names as a command', () => {
  it('is one: each `npx wangp-node` in any message is a command of the command line', async () => {
    const help = (await cli(['--help'])).stdout;
    const lib = path.resolve(MAIN, '..', '..', '..', 'lib');
    const files = execFileSync('grep', ['-rhoE', 'npx wangp-node [a-z]+( --[a-z-]+)?', lib], { encoding: 'utf8' });
    const commands = [...new Set(files.trim().split('\n'))].map((each) => each.split(' ').slice(2));
    expect(commands.length).toBeGreaterThanOrEqual(3);
    for (const [command = '', option] of commands) {
      expect(help).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
      if (option !== undefined) expect((await cli([command, '--help'])).stdout).toContain(option);
    }
  });
});
