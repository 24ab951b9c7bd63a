import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WanGPError } from 'wangp-node';
import { AGAIN, answering, inChild, makeRootIn } from '../fixtures/init-child.js';

const PYTHON = process.env['WANGP_PYTHON']!;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wangp-init-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A root whose `shared/api.py` holds `source`. */
const makeRoot = (name: string, source: string): Promise<string> => makeRootIn(folder, name, source);

describe('a WanGP that cannot be imported', () => {
  const retry = (root: string, fixed: string): string => `const root = ${JSON.stringify(root)};
    const first = await failure({ root });
    require('fs').writeFileSync(root + '/shared/api.py', ${JSON.stringify(fixed)});
    return [first, await seen({ root })];`;

  test('rejects init() with the name of a missing package, also where an error of the root wraps that', async () => {
    const root = await makeRoot(
      'wrapped',
      'try:\n    import no_such\nexcept ImportError as e:\n    raise ImportError("x") from e\n',
    );
    expect(await inChild(`return failure({ root: ${JSON.stringify(root)} })`)).toMatchObject({
      code: 'ERR_WANGP_PACKAGE_MISSING',
      message: expect.stringContaining("has no package 'no_such'"),
    });
  });

  test('rejects init() with the missing package and the interpreter; init() succeeds once the package is there', async () => {
    const root = await makeRoot('package', 'import wangp_no_such_package.part\n');
    const [error, seen] = (await inChild(`const root = ${JSON.stringify(root)};
      const first = await failure({ root });
      require('fs').writeFileSync(root + '/wangp_no_such_package.py', '');
      require('fs').writeFileSync(root + '/shared/api.py', 'import wangp_no_such_package\\n' + ${JSON.stringify(answering('2'))});
      return [first, await seen({ root })];`)) as unknown[];
    expect(error).toMatchObject({
      name: 'WanGPError',
      code: 'ERR_WANGP_PACKAGE_MISSING',
      pythonType: 'ModuleNotFoundError',
      message:
        `${PYTHON} has no package 'wangp_no_such_package', which ${root} needs. Install what it requires ` +
        `("${PYTHON}" -m pip install -r "${path.join(root, 'requirements.txt')}"), or name the environment that ` +
        `WanGP is installed in with the option \`python\` or WANGP_PYTHON${AGAIN}`,
    });
    expect(seen).toBe(2);
  });

  test('leaves the packages of an environment that lies in the root loaded: C modules load only once', async () => {
    const imports = 'import numpy, PIL.Image, av';
    const root = await makeRoot('with-environment', `${imports}\nraise OSError("not yet")\n`);
    await symlink(path.resolve(PYTHON, '..', '..'), path.join(root, '.venv'));
    const python = JSON.stringify(path.join(root, '.venv', 'bin', 'python'));
    const fixed = `${imports}\n${answering('[int(numpy.ones(3).sum()), av.__file__]')}`;
    const body = `const options = { root: ${JSON.stringify(root)}, python: ${python} };
      const first = await failure(options);
      require('fs').writeFileSync(options.root + '/shared/api.py', ${JSON.stringify(fixed)});
      return [first.code, await seen(options)];`;
    // An interpreter that sees the system's packages has some of them there.
    const there = expect.stringContaining(path.join(root, '.venv')) as string;
    expect(await inChild(body)).toEqual(['ERR_WANGP_IMPORT', [3, there]]);
  });

  test('rejects init() with the traceback of its exception; init() succeeds once the file is right', async () => {
    const root = await makeRoot(
      'raising',
      'import shared.part\ndef broken():\n    raise OSError("no größe")\nbroken()\n',
    );
    await writeFile(path.join(root, 'shared', 'part.py'), '');
    const [error, seen] = (await inChild(
      retry(root, answering('sorted(m for m in sys.modules if "shared" in m)')),
    )) as [WanGPError, unknown];
    expect(error).toMatchObject({
      code: 'ERR_WANGP_IMPORT',
      message: `WanGP in ${root} could not be initialised by ${PYTHON}: OSError: no größe${AGAIN}`,
      pythonType: 'OSError',
    });
    expect(error.pythonTraceback).toContain(`File "${path.join(root, 'shared', 'api.py')}", line 3, in broken`);
    // Nothing was left of the first attempt.
    expect(seen).toEqual(['shared', 'shared.api']);
  });

  test('leaves nothing in sys.path, and another root can be initialised afterwards', async () => {
    const broken = await makeRoot('broken', 'import sys; sys.path.insert(0, sys.path[0])\nraise ValueError\n');
    const good = await makeRoot('good', answering('[p for p in sys.path if "wangp-init" in p]'));
    // WanGP's own `shared` is a package without a file.
    await rm(path.join(broken, 'shared', '__init__.py'));
    const bad = { root: broken, pythonPath: [path.join(folder, 'bad')] };
    const [error, seen] = (await inChild(
      `return [await failure(${JSON.stringify(bad)}), await seen({ root: ${JSON.stringify(good)} })]`,
    )) as unknown[];
    expect(error).toMatchObject({
      code: 'ERR_WANGP_IMPORT',
      message: expect.stringMatching(/: ValueError\. init\(\) can be called again/),
    });
    expect(seen).toEqual([good]);
  });

  test('rejects init() with ERR_WANGP_IMPORT, as no missing package, where a module of its own is missing', async () => {
    const root = await makeRoot('incomplete', 'import shared.no_such_part\n');
    expect(await inChild(`return failure({ root: ${JSON.stringify(root)} })`)).toMatchObject({
      code: 'ERR_WANGP_IMPORT',
      message: expect.stringContaining("No module named 'shared.no_such_part'"),
    });
  });

  test('rejects init() with the SyntaxError and its line where this Python does not know the syntax', async () => {
    const root = await makeRoot('syntax', 'def broken(:\n');
    expect(await inChild(`return failure({ root: ${JSON.stringify(root)} })`)).toMatchObject({
      code: 'ERR_WANGP_IMPORT',
      pythonType: 'SyntaxError',
      pythonTraceback: expect.stringContaining('def broken(:'),
    });
  });

  test('rejects init() where it calls exit(), at the import or in init; the process lives, and the next init() succeeds', async () => {
    const leaving = await makeRoot('leaving', 'raise SystemExit("bad flag")\n');
    const answers = await inChild(`const first = await failure({ root: ${JSON.stringify(leaving)} });
      const second = await failure({ root: SCRIPTED_ROOT, cliArgs: ['--exit'] });
      const session = await wangp.init({ root: SCRIPTED_ROOT });
      return [first, second, (await session.runTask({})).success];`);
    expect(answers).toEqual([
      expect.objectContaining({
        code: 'ERR_WANGP_IMPORT',
        pythonType: 'SystemExit',
        message: expect.stringContaining(`WanGP in ${leaving} called exit('bad flag') while it was initialised`),
      }),
      expect.objectContaining({
        code: 'ERR_WANGP_IMPORT',
        message: expect.stringContaining('called exit(2) while it was initialised'),
      }),
      true,
    ]);
  });
});

describe('a failed init()', () => {
  test('a module of preImport that is missing is named with the interpreter, and WanGP is not blamed', async () => {
    const root = await makeRoot('unshimmed', answering('1'));
    const file = path.join(folder, 'no_such_shim.py');
    const directory = path.join(folder, 'directory.py');
    await mkdir(directory);
    const answers = await inChild(`const root = ${JSON.stringify(root)};
      return [await failure({ root, preImport: ['wangp_no_such_module'] }),
        await failure({ root, preImport: ['colorsys', 'wangp_no_such.part'] }),
        await failure({ root, preImport: ['colorsys', ${JSON.stringify(file)}] }),
        await failure({ root, preImport: [${JSON.stringify(directory)}] }), await seen({ root })];`);
    const missing = (entry: string, module: string): unknown =>
      expect.objectContaining({
        code: 'ERR_WANGP_ARGUMENT',
        message:
          `preImport names the module '${entry}', but ${PYTHON} has no '${module}'. Install it there, or add its ` +
          'folder to pythonPath',
      });
    expect(answers).toEqual([
      missing('wangp_no_such_module', 'wangp_no_such_module'),
      missing('wangp_no_such.part', 'wangp_no_such'),
      expect.objectContaining({
        code: 'ERR_WANGP_FILE',
        message: `preImport[1] names ${file}, which does not exist`,
      }),
      expect.objectContaining({ code: 'ERR_WANGP_FILE', message: `preImport[0] names ${directory}, which is no file` }),
      1,
    ]);
  });

  test('a package that a module of preImport needs is named with that module', async () => {
    const root = await makeRoot('needing', answering('1'));
    const shim = path.join(folder, 'needing_shim.py');
    await writeFile(shim, 'import wangp_no_such_package\n');
    expect(await inChild(`return failure(${JSON.stringify({ root, preImport: [shim] })})`)).toMatchObject({
      code: 'ERR_WANGP_PACKAGE_MISSING',
      message: expect.stringContaining(
        `${PYTHON} has no package 'wangp_no_such_package', which the module '${shim}' of preImport needs`,
      ),
      pythonType: 'ModuleNotFoundError',
    });
  });

  test('a module of preImport that raises is named, and runs again at the next init()', async () => {
    const root = await makeRoot('raising-shim', answering('"raising_shim" in sys.modules'));
    const shim = path.join(folder, 'raising_shim.py');
    await writeFile(
      shim,
      'import os\nif not os.path.exists(__file__ + ".tried"): open(__file__ + ".tried", "w").close(); raise OSError("no")\n',
    );
    const answers = (await inChild(`const options = ${JSON.stringify({ root, preImport: [shim] })};
      return [await failure(options), await seen(options)];`)) as unknown[];
    expect(answers).toEqual([
      expect.objectContaining({
        code: 'ERR_WANGP_IMPORT',
        message: `the module '${shim}' of preImport could not be imported: OSError: no`,
      }),
      true,
    ]);
  });

  test('a file of preImport that has the name of a loaded module is refused, not skipped', async () => {
    const root = await makeRoot('same-name', answering('1'));
    const shim = path.join(folder, 'json.py');
    await writeFile(shim, '');
    expect(await inChild(`return failure(${JSON.stringify({ root, preImport: [shim] })})`)).toMatchObject({
      code: 'ERR_WANGP_ARGUMENT',
      message: expect.stringMatching(/json\.py, but another module 'json' is loaded already from .*: give the file/),
    });
  });

  test('env, sys.path and the files of preImport are put back, removed variables too', async () => {
    const broken = await makeRoot('broken-env', 'import os\nassert os.environ["WANGP_A"] == "new"\nraise ValueError\n');
    const wanted = '[os.environ.get(n) for n in ("WANGP_A", "WANGP_B", "WANGP_C")]';
    const good = await makeRoot('good-env', answering(`[${wanted}, [p for p in sys.path if "put-back" in p], "put_back" in sys.modules]`)); // prettier-ignore
    const shim = path.join(folder, 'put_back.py');
    await writeFile(shim, '');
    const answers = await inChild(
      `const env = { WANGP_A: 'new', WANGP_B: undefined, WANGP_C: 'added' };
       const options = { root: ${JSON.stringify(broken)}, env, pythonPath: ['/put-back'], preImport: [${JSON.stringify(shim)}] };
       const { code } = await failure(options);
       return [code, process.env.WANGP_A, process.env.WANGP_B, process.env.WANGP_C ?? null,
         await seen({ root: ${JSON.stringify(good)} })];`,
      { WANGP_A: 'old', WANGP_B: 'kept' },
    );
    const state = ['old', 'kept', null];
    expect(answers).toEqual(['ERR_WANGP_IMPORT', ...state, [state, [], false]]);
  });
});
