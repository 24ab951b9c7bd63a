import { describe, expect, test } from 'vitest';
import { homedir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ERROR_CODES, init, type InitOptions, WanGPError } from 'wangp-node';
import { PACKAGE } from './tools.js';

const PYTHON_FOLDER = path.join(PACKAGE, 'python');

/** What `init` says to options that it can't use; nothing is started for them. */
async function refusal(options: unknown): Promise<WanGPError> {
  const error: unknown = await init(options as InitOptions).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WanGPError);
  expect((error as WanGPError).code).toBe('ERR_WANGP_ARGUMENT');
  return error as WanGPError;
}

describe('options of init that cannot be used', () => {
  const cases: [string, unknown, string][] = [
    ['a path', '/wan', 'init takes an object of options, not "/wan"'],
    ['a Map', new Map([['root', '/wan']]), 'init takes an object of options, not a Map'],
    ['a URL', new URL('file:///wan'), 'init takes an object of options, not a URL'],
    [
      'an instance of a class without a name',
      Reflect.construct(class extends Object {}, []),
      'init takes an object of options, not an object',
    ],
    ['a list', [], 'init takes an object of options, not an array'],
    ['root', { root: 5 }, 'root must be a non-empty string, not 5'],
    ['an empty root', { root: '' }, 'root must be a non-empty string, not ""'],
    ['configPath', { configPath: {} }, 'configPath must be a non-empty string, not an object'],
    ['outputDir', { outputDir: Symbol('x') }, 'outputDir must be a non-empty string, not Symbol(x)'],
    [
      'a web address as root',
      { root: new URL('https://a.b/c') },
      'root must be a file: URL or a path, not https://a.b/c',
    ],
    [
      'a URL with a NUL',
      { outputDir: new URL('file:///a%00b') },
      'outputDir may not hold a NUL character: "/a\\u0000b"',
    ],
    [
      'a URL of another configuration',
      { configPath: new URL('file:///wan.json') },
      'configPath must point to a file named wgp_config.json, not /wan.json',
    ],
    ['a URL as python', { python: new URL('file:///python') }, 'python must be a non-empty string, not a URL'],
    ['a Map in env', { env: new Map([['A', '1']]) }, 'env must be an object, not a Map'],
    ['a Map as webuiState', { webuiState: new Map() }, 'webuiState must be an object, not a Map'],
    ['python', { python: () => {} }, 'python must be a non-empty string, not a function'],
    ['cliArgs', { cliArgs: '--attention sdpa' }, 'cliArgs must be an array of strings, not "--attention sdpa"'],
    ['cliArgs of numbers', { cliArgs: ['--profile', 4] }, 'cliArgs must be an array of strings: cliArgs[1] is 4'],
    ['pythonPath', { pythonPath: {} }, 'pythonPath must be an array of strings, not an object'],
    ['preImport', { preImport: [null] }, 'preImport must be an array of strings: preImport[0] is null'],
    ['consoleOutput', { consoleOutput: 'no' }, 'consoleOutput must be true or false, not "no"'],
    ['consoleIsatty', { consoleIsatty: 1 }, 'consoleIsatty must be true or false, not 1'],
    ['webuiState', { webuiState: 'x' }, 'webuiState must be an object, not "x"'],
    ['env', { env: ['A=1'] }, 'env must be an object, not an array'],
    ['a number in env', { env: { A: 1 } }, 'env.A must be a string, or undefined to remove it, not 1'],
    ['null in env', { env: { A: null } }, 'env.A must be a string, or undefined to remove it, not null'],
    ['callbacks', { callbacks: () => {} }, 'callbacks must be an object with methods like onProgress, not a function'],
    [
      'a callback among the options',
      { onComplete() {} },
      'onComplete belongs into an object of callbacks: init({ callbacks: { onProgress() { … } } })',
    ],
    ["Python's name", { config_path: 'x' }, 'init has no option config_path: here it is called configPath'],
    [
      "Python's other name",
      { console_isatty: true },
      'init has no option console_isatty: here it is called consoleIsatty',
    ],
    [
      'another configuration',
      { configPath: '/etc/wan.json' },
      'configPath must point to a file named wgp_config.json, not /etc/wan.json',
    ],
    ['a misspelt option', { rooot: '/wan' }, 'init has no option rooot: did you mean root?'],
    ['a longer name', { outputDirectory: 'x' }, 'init has no option outputDirectory: did you mean outputDir?'],
    [
      'a name like no other',
      { zzz: 1 },
      'init has no option zzz: there are root, configPath, outputDir, callbacks, cliArgs, consoleOutput, ' +
        'consoleIsatty, webuiState, python, env, pythonPath, preImport',
    ],
    ['a name that two options have a part of', { path: '/wan' }, 'init has no option path: there are root, configPath'],
    ['a name that is no word', { 'a b': 1 }, 'init has no option "a b": there are root'],
    [
      'a callback in other letters',
      { callbacks: { onprogress() {} } },
      'there is no callback onprogress: did you mean onProgress?',
    ],
    ['a callback that is none', { callbacks: { onProgress: 'x' } }, 'callbacks.onProgress must be a function, not "x"'],
    [
      'a misspelt callback',
      { callbacks: { onProgres() {} } },
      'there is no callback onProgres: did you mean onProgress?',
    ],
    [
      "a callback by Python's name",
      { callbacks: { on_progress() {} } },
      'there is no callback on_progress: here it is called onProgress',
    ],
    [
      'a misspelt callback of a class',
      {
        callbacks: new (class {
          onFinish(): void {}
        })(),
      },
      'there is no callback onFinish: there are onProgress, onPreview',
    ],
    ['a NUL in root', { root: '/a\0b' }, 'root may not hold a NUL character: "/a\\u0000b"'],
    ['a NUL in cliArgs', { cliArgs: ['--a', '\0'] }, 'cliArgs[1] may not hold a NUL character: "\\u0000"'],
    ['a NUL in preImport', { preImport: ['a\0'] }, 'preImport[0] may not hold a NUL character: "a\\u0000"'],
    ['a NUL in python', { python: 'py\0' }, 'python may not hold a NUL character: "py\\u0000"'],
    [
      'an impossible name in env',
      { env: { 'A=B': 'x' } },
      'env may not have a variable "A=B": a name is not empty and holds neither "=" nor NUL',
    ],
    ['an empty name in env', { env: { '': 'x' } }, 'env may not have a variable "":'],
    ['a NUL in a name of env', { env: { 'A\0': 'x' } }, 'env may not have a variable "A\\u0000":'],
    ['a NUL in a value of env', { env: { A: 'x\0' } }, 'env.A may not hold a NUL character: "x\\u0000"'],
    [
      'a long text',
      { consoleOutput: 'x'.repeat(1000) },
      `consoleOutput must be true or false, not "${'x'.repeat(60)}…"`,
    ],
  ];
  test.each(cases)('init() refuses %s and says what is wrong', async (_, options, message) => {
    expect((await refusal(options)).message).toContain(message);
  });
});

describe('a path that begins with ~', () => {
  const cases: [string, unknown, string][] = [
    ['root', { root: '~/Wan2GP' }, 'root is "~/Wan2GP"'],
    ['configPath', { configPath: '~/wgp_config.json' }, 'configPath is "~/wgp_config.json"'],
    ['outputDir', { outputDir: '~' }, 'outputDir is "~"'],
    ['a folder of pythonPath', { pythonPath: ['/a', '~/b'] }, 'pythonPath[1] is "~/b"'],
    ['a file of preImport', { preImport: ['~/shim.py'] }, 'preImport[0] is "~/shim.py"'],
  ];
  test.each(cases)('is refused as %s, naming what to use', async (_, options, what) => {
    expect((await refusal(options)).message).toBe(
      `${what}, but "~" is not expanded here: use os.homedir(), or "./~" for what has that name`,
    );
  });

  test('is refused in WANGP_ROOT too', async () => {
    const before = process.env['WANGP_ROOT'];
    process.env['WANGP_ROOT'] = '~/Wan2GP';
    try {
      expect((await refusal({})).message).toContain('the variable WANGP_ROOT is "~/Wan2GP", but "~" is not expanded');
    } finally {
      if (before === undefined) delete process.env['WANGP_ROOT'];
      else process.env['WANGP_ROOT'] = before;
    }
  });

  test('is no fault within a path, where it is the name of a folder', async () => {
    for (const root of ['./~', `${homedir()}/~`]) {
      await expect(init({ root })).rejects.toMatchObject({ code: 'ERR_WANGP_ROOT' });
    }
  });
});

test('root and configPath may be file: URLs', async () => {
  await expect(init({ root: pathToFileURL('/no such root') })).rejects.toMatchObject({
    code: 'ERR_WANGP_ROOT',
    message: expect.stringContaining('/no such root (the option `root`) is no WanGP checkout'),
  });
  await expect(init({ configPath: pathToFileURL('/no such/wgp_config.json') })).rejects.toMatchObject({
    code: 'ERR_WANGP_FILE',
    message: expect.stringContaining('configPath /no such/wgp_config.json is no file'),
  });
});

test('a root that is no checkout is refused with what it is', async () => {
  const api = path.join(PYTHON_FOLDER, 'sample_root', 'shared', 'api.py');
  const refusal = (root: string): Promise<unknown> => init({ root }).catch((error: unknown) => error);
  const answer = (message: string): unknown => expect.objectContaining({ code: 'ERR_WANGP_ROOT', message });
  expect(await refusal(api)).toEqual(
    answer(`${api} (the option \`root\`) is a file, and no WanGP checkout. Name the folder that WanGP was cloned into`),
  );
  expect(await refusal('/no such root')).toEqual(
    answer(
      '/no such root (the option `root`) is no WanGP checkout: it does not exist. Name the folder that WanGP was ' +
        'cloned into',
    ),
  );
  const before = process.env['WANGP_ROOT'];
  process.env['WANGP_ROOT'] = api;
  try {
    await expect(init()).rejects.toMatchObject({
      code: 'ERR_WANGP_ROOT',
      message: expect.stringContaining(`${api} (the variable WANGP_ROOT) is a file, and no WanGP checkout`),
    });
  } finally {
    if (before === undefined) delete process.env['WANGP_ROOT'];
    else process.env['WANGP_ROOT'] = before;
  }
});

describe('WanGPError', () => {
  test('is an Error with a code and a name', () => {
    const cause = new Error('why');
    const error = new WanGPError('ERR_WANGP_FILE', 'gone', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe('WanGPError: gone');
    expect(error).toMatchObject({ code: 'ERR_WANGP_FILE', cause, pythonType: undefined, pythonTraceback: undefined });
    expect('cause' in new WanGPError('ERR_WANGP_FILE', 'gone')).toBe(false);
  });

  test('has a sentence for each code', () => {
    for (const [code, sentence] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^ERR_WANGP_[A-Z_]+$/);
      expect(sentence).toMatch(/^[A-Z].*\.$/);
    }
  });
});
