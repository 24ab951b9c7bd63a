import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { REPOSITORY } from './tools.js';

interface About {
  readonly platform: string;
  readonly exports: readonly string[];
  readonly libraries: readonly string[];
  readonly imports: readonly string[];
  readonly versions: readonly string[];
  readonly stripped: boolean;
  readonly staysLoaded?: boolean;
  readonly signed?: boolean;
}
const CHECK = path.join(REPOSITORY, 'scripts', 'check-prebuilds.mjs');
const { faultsOf } = (await import(CHECK)) as {
  readonly faultsOf: (platform: string, name: string, size: number, about: About | null) => readonly string[];
};

const EXPORTS = ['node_api_module_get_api_version_v1', 'napi_register_module_v1'];

const SOUND: Record<string, About> = {
  'linux-x64': {
    platform: 'linux-x64',
    exports: EXPORTS,
    libraries: ['libc.so.6', 'libm.so.6', 'ld-linux-x86-64.so.2'],
    imports: ['napi_create_object', 'PyObject_Repr', '_Py_Dealloc'],
    versions: ['GLIBC_2.17', 'GLIBC_2.28'],
    stripped: true,
    staysLoaded: true,
  },
  'win32-x64': {
    platform: 'win32-x64',
    exports: EXPORTS,
    libraries: ['node.exe', 'python313.dll', 'KERNEL32.dll', 'api-ms-win-crt-heap-l1-1-0.dll'],
    imports: [],
    versions: [],
    stripped: true,
  },
  'darwin-arm64': {
    platform: 'darwin-arm64',
    exports: [...EXPORTS, '__dso_handle', '_Znwm'],
    libraries: ['/usr/lib/libSystem.B.dylib'],
    imports: ['PyObject_Repr'],
    versions: ['macOS_11.0'],
    stripped: true,
    signed: true,
  },
  'darwin-x64': {
    platform: 'darwin-x64',
    exports: [...EXPORTS, '_mh_dylib_header', '_ZdlPv', '_ZTIPFvvE', '_ZTSFbvE'],
    libraries: ['/usr/lib/libSystem.B.dylib'],
    imports: ['PyObject_Repr'],
    versions: ['macOS_11.0'],
    stripped: true,
  },
};

const about = (platform: string, changes: Partial<About> = {}) => ({ ...SOUND[platform]!, ...changes });

describe('a published binary', () => {
  test.each(Object.keys(SOUND))('of %s that is as it should be has no faults', (platform) => {
    expect(faultsOf(platform, 'core.cp313', 700_000, about(platform))).toEqual([]);
  });

  test.each<[string, string, Partial<About>, string]>([
    ['another platform', 'linux-x64', { platform: 'linux-arm64' }, 'is for linux-arm64'],
    ['a third export', 'linux-x64', { exports: [...EXPORTS, 'PyInit_x'] }, 'exports PyInit_x'],
    ['no export', 'win32-x64', { exports: [] }, 'exports nothing'],
    ['symbols', 'linux-x64', { stripped: false }, 'has symbols of its own'],
    ['a newer glibc', 'linux-x64', { versions: ['GLIBC_2.28', 'GLIBC_2.29'] }, 'needs a glibc newer than 2.28'],
    ['the machine’s libstdc++', 'linux-x64', { versions: ['GLIBCXX_3.4'] }, 'asks for GLIBCXX_3.4'],
    ['a library of the machine', 'linux-x64', { libraries: ['libstdc++.so.6'] }, 'needs libstdc++.so.6'],
    ['a symbol that nobody has', 'linux-x64', { imports: ['uv_now'] }, 'imports uv_now'],
    ['no -z nodelete', 'linux-x64', { staysLoaded: false }, 'can be unloaded under its own threads (-z nodelete)'],
    ['another Python', 'win32-x64', { libraries: ['python312.dll'] }, 'needs python312.dll'],
    ['a MinGW library', 'win32-x64', { libraries: ['libgcc_s_seh-1.dll'] }, 'needs libgcc_s_seh-1.dll'],
    ['a newer macOS', 'darwin-arm64', { versions: ['macOS_12.0'] }, 'needs a macOS newer than 11.0'],
    ['no signature', 'darwin-arm64', { signed: false }, 'has no signature, not even an ad-hoc one'],
  ])('with %s is refused', (_fault, platform, changes, message) => {
    expect(faultsOf(platform, 'core.cp313', 700_000, about(platform, changes)).join()).toContain(message);
  });

  test('of too many bytes is refused', () => {
    expect(faultsOf('linux-x64', 'core.cp313', 3 * 2 ** 20, about('linux-x64'))).toEqual(['is larger than 2 MiB']);
    const loader = about('linux-x64', { imports: ['napi_throw'] });
    expect(faultsOf('linux-x64', 'loader', 2 ** 20, loader)).toEqual(['is larger than 0.5 MiB']);
  });

  test('without Python in it asks nothing of Python', () => {
    expect(faultsOf('linux-x64', 'loader', 6000, about('linux-x64', { imports: ['PyObject_Repr'] }))).toEqual([
      'imports PyObject_Repr',
    ]);
  });
});

const manifest = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
  readonly scripts: Record<string, string>;
};

test('no script is named build: npm would run the one named prebuild before it', () => {
  expect(Object.keys(manifest.scripts)).toContain('prebuild');
  expect(Object.keys(manifest.scripts)).not.toContain('build');
});

describe('every step of the workflows', () => {
  const text = readFileSync(path.join(REPOSITORY, '.github', 'workflows', 'ci.yml'), 'utf8');
  const steps = [...text.matchAll(/^ +- run: (.+)$/gm)].map(([, command]) => command!);

  test('is a command of npm or of the package', () => {
    expect(steps.length).toBeGreaterThan(5);
    // No step is written in another form.
    expect(text.match(/\brun:/g)).toHaveLength(steps.length);
    const own = steps.filter((step) => !/^npm (ci --ignore-scripts|pack|test)$/.test(step));
    for (const step of own) {
      const name = /^npm run ([\w:-]+)/.exec(step)?.[1] ?? step;
      expect(Object.keys(manifest.scripts)).toContain(name);
    }
  });

  test('runs a script that is there', () => {
    for (const command of Object.values(manifest.scripts)) {
      const file = /^node (\S+)/.exec(command)?.[1];
      if (file !== undefined) expect(existsSync(path.join(REPOSITORY, file)), file).toBe(true);
    }
  });
});

test('what is no binary at all is told like every other fault', () => {
  expect(faultsOf('linux-x64', 'loader', 6, null)).toEqual(['is no binary of Linux, Windows or macOS']);
});

test('a folder of no platform among the binaries is refused by its name', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'wangp prebuilds '));
  try {
    mkdirSync(path.join(folder, 'linux-x46'));
    const script = `import(process.argv[1]).then(({ builtPlatforms, checkPrebuilds }) =>
      checkPrebuilds(process.argv[2], { platforms: builtPlatforms(process.argv[2]), names: ['loader'] }))`;
    const args = ['-e', script, pathToFileURL(CHECK).href, folder];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).toContain('has linux-x46, which is none of linux-x64, ');
    expect(status).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
