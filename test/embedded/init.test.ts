import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { init, type InitOptions, WanGPError, type WanGPSession } from 'wangp-node';
import { answering, inChild, makeRootIn } from '../fixtures/init-child.js';
import { IN_CHILD, initScripted, PACKAGE, REPOSITORY, runScript, SCRIPTED_ROOT } from '../tools.js';

const PYTHON = process.env['WANGP_PYTHON']!;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wangp-init-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A root whose `shared/api.py` holds `source`. */
const makeRoot = (name: string, source: string): Promise<string> => makeRootIn(folder, name, source);

describe('a session', () => {
  let session: WanGPSession;

  beforeAll(async () => {
    session = await initScripted({
      consoleOutput: false,
      consoleIsatty: true,
      webuiState: { gen: { queue: [] } },
      outputDir: 'relative/outputs',
    });
  });

  test('says in its info which WanGP, Python, root and device it runs on', async () => {
    const [version, executable] = (await session.call('evaluate', [
      '[sys.version.split()[0], sys.executable]',
    ])) as string[];
    expect(session.info).toEqual({
      wangpVersion: 'scripted 1',
      pythonVersion: version,
      python: executable,
      root: SCRIPTED_ROOT,
      place: IN_CHILD ? 'child' : 'here',
      device: 'cpu',
      isSample: false,
      isolation: { workingDirectory: expect.stringMatching(/^(thread|absolute-paths)$/) },
    });
    expect(executable).toBe(PYTHON);
  });

  test('takes file: URLs as root and outputDir', async () => {
    const other = await initScripted({
      root: pathToFileURL(SCRIPTED_ROOT),
      configPath: pathToFileURL(path.join(SCRIPTED_ROOT, 'wgp_config.json')),
      outputDir: pathToFileURL('/tmp/the outputs'),
    });
    expect(other.info.root).toBe(SCRIPTED_ROOT);
    expect(await other.call('evaluate', ['session.options'])).toMatchObject({ output_dir: '/tmp/the outputs' });
  });

  test("gives Python its options, by Python's names, and no others", async () => {
    expect(await session.call('evaluate', ['session.options'])).toEqual({
      root: SCRIPTED_ROOT,
      output_dir: path.resolve('relative/outputs'),
      cli_args: [],
      console_output: false,
      console_isatty: true,
      webui_state: { gen: { queue: [] } },
    });
  });

  const works = async (): Promise<void> => {
    await expect(session.runTask({ script: 'put("status", "ready")' })).resolves.toMatchObject({ success: true });
  };

  test('stands beside a second one with other callbacks and another outputDir', async () => {
    const kinds: string[] = [];
    const options = { outputDir: folder, callbacks: { onEvent: ({ kind }: { kind: string }) => kinds.push(kind) } };
    const [second, third] = await Promise.all([
      initScripted(options),
      initScripted({ root: `${path.relative(process.cwd(), SCRIPTED_ROOT)}/` }),
    ]);
    expect(await second.call('evaluate', ['session.options["output_dir"]'])).toBe(folder);
    await second.runTask({});
    expect(kinds).toEqual(['complete']);
    expect(third.info).toEqual(session.info);
    expect(await third.call('evaluate', ['"output_dir" in session.options'])).toBe(false);
    await works();
  });

  test('stands beside a second one that names the configuration which is the default, by any of its names', async () => {
    await initScripted({ configPath: path.join(SCRIPTED_ROOT, 'wgp_config.json') });
    const link = path.join(folder, 'linked-root');
    await symlink(SCRIPTED_ROOT, link);
    await initScripted({ configPath: path.join(link, 'wgp_config.json') });
    await initScripted({ root: link, configPath: path.join(link, 'wgp_config.json') });
  });

  test('goes on after a second init() is refused, whose configuration does not exist or is one by its name only', async () => {
    const missing = path.join(folder, 'nowhere', 'wgp_config.json');
    const circle = path.join(folder, 'circle');
    await symlink(circle, circle);
    for (const unreadable of [path.join(circle, 'wgp_config.json'), path.join('/etc/passwd', 'wgp_config.json')]) {
      await expect(initScripted({ configPath: unreadable })).rejects.toMatchObject({ code: 'ERR_WANGP_FILE' });
    }
    await expect(initScripted({ configPath: missing })).rejects.toMatchObject({
      code: 'ERR_WANGP_FILE',
      message: expect.stringContaining(`configPath ${missing} is no file: copy `) as string,
    });
    const other = path.join(folder, 'other.json');
    const link = path.join(folder, 'link', 'wgp_config.json');
    await mkdir(path.dirname(link));
    await writeFile(other, '{}');
    await symlink(other, link);
    await expect(initScripted({ configPath: link })).rejects.toMatchObject({
      code: 'ERR_WANGP_ARGUMENT',
      message: `configPath must point to a file named wgp_config.json, not ${other}`,
    });
    await works();
  });

  test('takes null for what is left out, as Python takes None', async () => {
    const options = { configPath: null, outputDir: null, callbacks: null, cliArgs: null, env: null, pythonPath: null };
    const second = await initScripted({ ...options, consoleOutput: null, webuiState: null, python: null });
    expect(second.info).toEqual(session.info);
    const job = await second.submitTask({}, { callbacks: null, signal: null });
    expect(await job.result(null)).toMatchObject({ success: true });
    expect(await job.join({ timeoutMs: null, signal: null })).toMatchObject({ success: true });
    expect(await second.runTask({}, null)).toMatchObject({ success: true });
    expect(await second.listModelDefs({ family: null, limit: null })).toEqual(await second.listModelDefs());
  });

  const others: [string, () => InitOptions | Promise<InitOptions>, string][] = [
    ['another root', async () => ({ root: await makeRoot('another', answering('1')) }), `root=${SCRIPTED_ROOT}`],
    [
      'another configPath',
      async () => {
        const configPath = path.join(folder, 'wgp_config.json');
        await writeFile(configPath, '{}');
        return { configPath };
      },
      `configPath=${path.join(SCRIPTED_ROOT, 'wgp_config.json')}`,
    ],
    ['other cliArgs', () => ({ cliArgs: ['--older'] }), 'cliArgs=[]'],
  ];
  // A child is made for each combination of these.
  test.skipIf(IN_CHILD).each(others)('goes on after a second init() with %s is refused', async (_, options, loaded) => {
    const error: unknown = await initScripted(await options()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WanGPError);
    expect(error).toMatchObject({
      code: 'ERR_WANGP_ALREADY_INITIALIZED',
      message:
        `WanGP is already initialised in this process with ${loaded}. ` +
        'One process holds one WanGP: use the same options, or run this one in ' +
        "a process of its own, place: 'child'",
    });
    await works();
  });

  test.skipIf(IN_CHILD)('goes on after a second init() with another interpreter is refused', async () => {
    const [prefix, minor] = (await session.call('evaluate', ['(sys.base_prefix, sys.version_info[1])'])) as [
      string,
      number,
    ];
    const base = path.join(prefix, 'bin', `python3.${minor}`);
    await expect(initScripted({ python: base })).rejects.toMatchObject({
      code: 'ERR_WANGP_ALREADY_INITIALIZED',
      message: expect.stringContaining(`this process already runs ${PYTHON}; `),
    });
    await expect(initScripted({ python: path.join(folder, 'nowhere') })).rejects.toMatchObject({
      code: 'ERR_WANGP_PYTHON_NOT_FOUND',
    });
    await works();
  });

  test('goes on after a second init() with unusable options is refused', async () => {
    await expect(init({ root: folder })).rejects.toMatchObject({
      code: 'ERR_WANGP_ROOT',
      message: expect.stringContaining(`${folder} (the option \`root\`) is no WanGP checkout: it has no shared/api.py`),
    });
    await expect(initScripted({ configPath: '/tmp/other.json' })).rejects.toMatchObject({
      code: 'ERR_WANGP_ARGUMENT',
      message: 'configPath must point to a file named wgp_config.json, not /tmp/other.json',
    });
    await works();
  });
});

test('WANGP_ROOT names the root where init() does not, and the error names WANGP_ROOT where that is no checkout', async () => {
  const root = await makeRoot('variable', answering('"by the variable"'));
  expect(await inChild('return seen()', { WANGP_ROOT: root })).toBe('by the variable');
  expect(await inChild('return failure()', { WANGP_ROOT: folder })).toMatchObject({
    code: 'ERR_WANGP_ROOT',
    message: expect.stringContaining(`${folder} (the variable WANGP_ROOT) is no WanGP checkout`),
  });
});

describe('before shared.api is imported', () => {
  test('env sets and removes variables, of the process that Python runs in', async () => {
    const root = await makeRoot('env', answering('[os.environ.get(n) for n in ("WANGP_A", "WANGP_B", "WANGP_C")]'));
    const answer = await inChild(
      `const env = { WANGP_A: 'größe', WANGP_B: undefined };
       const session = await wangp.init({ root: ${JSON.stringify(root)}, env });
       return [await session.call('seen'), process.env.WANGP_A ?? null, process.env.WANGP_B ?? null];`,
      { WANGP_B: 'there', WANGP_C: 'kept' },
    );
    expect(answer).toEqual([['größe', null, 'kept'], ...(IN_CHILD ? [null, 'there'] : ['größe', null])]);
  });

  test('pythonPath comes first in sys.path, in its order, before the root and also where it is there already', async () => {
    const root = await makeRoot('paths', answering('sys.path[:4]'));
    const first = path.join(folder, 'first');
    const options = { root, pythonPath: [first, path.join(PACKAGE, 'python'), path.relative(process.cwd(), folder)] };
    const seen = (await inChild(`return seen(${JSON.stringify(options)})`)) as string[];
    expect(seen).toEqual([first, path.join(PACKAGE, 'python'), folder, root]);
  });

  test('preImport imports modules by name and by file, once', async () => {
    const root = await makeRoot('shims', answering('[sys.shims, "colorsys" in sys.modules]'));
    const shim = path.join(folder, 'my_shim.py');
    await writeFile(
      shim,
      'import sys\nsys.shims = getattr(sys, "shims", []) + [__name__, "shared.api" in sys.modules]\n',
    );
    const options = { root, preImport: ['colorsys', shim, shim] };
    expect(await inChild(`return seen(${JSON.stringify(options)})`)).toEqual([['my_shim', false], true]);
  });
});

// A child has no other library in it.
describe.skipIf(IN_CHILD)('the native addon', () => {
  const find = `require(${JSON.stringify(path.join(REPOSITORY, 'dist', 'python', 'find.js'))}).findPython()`;

  test('refuses a process in which another library has loaded Python', async () => {
    const probe = path.join(REPOSITORY, 'test', 'native', 'build', 'Release', 'probe.node');
    const error = await inChild(`const { libraryPath } = await ${find};
      require(${JSON.stringify(probe)}).openGlobally(libraryPath);
      return failure({ root: SCRIPTED_ROOT });`);
    expect(error).toMatchObject({
      name: 'WanGPError',
      code: 'ERR_WANGP_PYTHON_IN_USE',
      message: expect.stringMatching(
        /^another library of this process has already loaded a Python; .* process of its own/,
      ),
    });
  });

  test('is refused with the name of the part that is missing or broken', async () => {
    const copy = path.join(folder, 'package');
    const release = path.join(copy, 'build', 'Release');
    await mkdir(release, { recursive: true });
    await cp(path.join(REPOSITORY, 'dist'), path.join(copy, 'dist'), { recursive: true });
    await symlink(path.join(REPOSITORY, 'python'), path.join(copy, 'python'));
    await cp(path.join(REPOSITORY, 'package.json'), path.join(copy, 'package.json'));
    const attempt = (): Promise<unknown> =>
      inChild(`return require(${JSON.stringify(path.join(copy, 'dist', 'index.js'))})
        .init({ root: SCRIPTED_ROOT }).then(() => 'no failure', plain);`);
    const { minor } = (await inChild(`return ${find}`)) as { minor: string };
    const core = `core.cp${minor.replace('.', '')}.node`;
    const command = `Build it from source: npx wangp-node build --python "${PYTHON}"`;

    expect(await attempt()).toMatchObject({
      code: 'ERR_WANGP_CORE_MISSING',
      message: expect.stringMatching(/^the native addon is not built: loader\.node is in none of /),
    });
    await cp(path.join(REPOSITORY, 'build', 'Release', 'loader.node'), path.join(release, 'loader.node'));
    const missing = (await attempt()) as WanGPError;
    expect(missing.code).toBe('ERR_WANGP_CORE_MISSING');
    expect(missing.message).toContain(`there is no native core for Python ${minor} (${PYTHON}): ${core} is in none of`);
    expect(missing.message.endsWith(command)).toBe(true);

    await writeFile(path.join(copy, 'tsconfig.json'), '{}');
    expect(((await attempt()) as WanGPError).message, 'in a clone').toContain(
      `Build it: npm run compile -- --python "${PYTHON}" (in ${copy})`,
    );
    await rm(path.join(copy, 'tsconfig.json'));

    await writeFile(path.join(release, core), 'no binary');
    expect(await attempt()).toMatchObject({
      code: 'ERR_WANGP_ADDON_LOAD',
      message: expect.stringContaining(`${path.join(release, core)} could not be loaded: `),
    });
  });
});

test('init() without a root says once, on stderr, that the embedded sample runs', async () => {
  const { code, stdout, stderr } = await runScript(`(async () => {
    const sessions = [await wangp.init(), await wangp.init({ consoleOutput: false })];
    console.log(sessions.map(({ info }) => info.isSample).join());
  })();`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'true,true\n' });
  expect(stderr).toBe(
    'wangp-node: no WanGP root was given, so the embedded sample runs: procedural pictures and sound, no AI. ' +
      'Name a checkout with init({ root }) or WANGP_ROOT.\n',
  );
});

test.skipIf(IN_CHILD)('`import` and `require` share one state', async () => {
  const script = `import * as imported from 'wangp-node';
import { createRequire } from 'node:module';
const required = createRequire(process.cwd() + '/index.js')('wangp-node');
const root = ${JSON.stringify(SCRIPTED_ROOT)};
const [one, two] = [await imported.init({ root }), await required.init({ root })];
await one.call('execute', ['sys.mark = 7']);
const refused = await required.init({ root, cliArgs: ['x'] }).catch((error) => error);
console.log(JSON.stringify({
  names: Object.keys(required).filter((name) => imported[name] !== required[name]),
  sessions: one instanceof required.WanGPSession && two instanceof imported.WanGPSession,
  error: refused instanceof imported.WanGPError,
  mark: await two.call('evaluate', ['sys.mark']),
  default: 'default' in imported,
}));`;
  const args = ['--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: REPOSITORY });
  expect(JSON.parse(stdout)).toEqual({ names: [], sessions: true, error: true, mark: 7, default: false });
});
