import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AGAIN, answering, inChild, makeRootIn } from '../fixtures/init-child.js';
import { PACKAGE } from '../tools.js';

const PYTHON = process.env['WANGP_PYTHON']!;

let folder: string;
/** An environment of the same Python, without a package. */
let bare: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'wangp-init-python-')));
  const base = execFileSync(PYTHON, ['-c', 'import sys; print(sys._base_executable)'], { encoding: 'utf8' }).trim();
  execFileSync(base, ['-m', 'venv', '--without-pip', path.join(folder, 'bare')]);
  bare = path.join(folder, 'bare', 'bin', 'python');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A root with a `wgp.py`, as WanGP's is. */
async function makeCheckout(name: string): Promise<string> {
  const root = await makeRootIn(folder, name, answering('1'));
  writeFileSync(path.join(root, 'wgp.py'), '');
  return root;
}

const LATER = '. No Python was started, so that this process can try again';

describe.skipIf(process.platform === 'win32')('an interpreter without the packages', () => {
  test('is refused for the sample before it is loaded: another one can still start in this process', async () => {
    const answers = await inChild(
      `const first = await failure({ python: ${JSON.stringify(bare)} });
       const session = await wangp.init({ python: ${JSON.stringify(PYTHON)}, outputDir: ${JSON.stringify(folder)} });
       return [first, session.info.python];`,
    );
    expect(answers).toEqual([
      expect.objectContaining({
        code: 'ERR_WANGP_PACKAGE_MISSING',
        message: expect.stringMatching(
          /^.*bare\/bin\/python has no package 'numpy', 'PIL', 'av', which the embedded sample root needs\. Run `npx wangp-node setup`.* WANGP_PYTHON, leave that out/,
        ),
      }),
      PYTHON,
    ]);
    expect((answers as [Error])[0].message.endsWith(LATER)).toBe(true);
  });

  test('is refused for a checkout without NumPy and torch, with the command that installs what it requires', async () => {
    const root = await makeCheckout('checkout');
    const options = JSON.stringify({ root, python: bare });
    expect(await inChild(`return failure(${options})`)).toMatchObject({
      code: 'ERR_WANGP_PACKAGE_MISSING',
      message:
        `${bare} has no package 'numpy', 'torch', which ${root} needs. Install what it requires ` +
        `("${bare}" -m pip install -r "${path.join(root, 'requirements.txt')}"), or name the environment that WanGP is ` +
        `installed in with the option \`python\` or WANGP_PYTHON${LATER}`,
    });
  });

  test('is accepted where the packages lie in pythonPath, in the root, or are stood in for by preImport', async () => {
    const root = await makeCheckout('stocked');
    const packages = path.join(folder, 'packages');
    mkdirSync(path.join(packages, 'torch'), { recursive: true });
    writeFileSync(path.join(root, 'numpy.py'), '');
    const shim = path.join(folder, 'shim.py');
    writeFileSync(shim, 'import sys\nsys.modules["torch"] = sys\n');
    for (const more of [{ pythonPath: [packages] }, { preImport: [shim] }]) {
      expect(await inChild(`return seen(${JSON.stringify({ root, python: bare, ...more })})`)).toBe(1);
    }
  });

  test('is not looked at where the root is neither the sample nor WanGP', async () => {
    const root = await makeRootIn(folder, 'own', answering('1'));
    expect(await inChild(`return seen(${JSON.stringify({ root, python: bare })})`)).toBe(1);
  });
});

describe('an init() that failed after Python was started', () => {
  test('says what can still be done in this process, which is so', async () => {
    const broken = await makeRootIn(folder, 'broken', 'raise OSError("no")\n');
    const good = await makeRootIn(folder, 'good', answering('1'));
    const answers = await inChild(
      `return [await failure({ root: ${JSON.stringify(broken)} }),
         await failure({ root: ${JSON.stringify(good)}, python: ${JSON.stringify(bare)} }),
         await seen({ root: ${JSON.stringify(good)} })]`,
    );
    expect(answers).toEqual([
      expect.objectContaining({
        code: 'ERR_WANGP_IMPORT',
        message: `WanGP in ${broken} could not be initialised by ${PYTHON}: OSError: no${AGAIN}`,
      }),
      expect.objectContaining({
        code: 'ERR_WANGP_ALREADY_INITIALIZED',
        message: expect.stringContaining(`this process already runs ${PYTHON}; ${bare} cannot run beside it`),
      }),
      1,
    ]);
  });

  test('a core that cannot be loaded is found after the library, and the message says that this process is spent', async () => {
    const copy = path.join(folder, 'package');
    mkdirSync(path.join(copy, 'build', 'Release'), { recursive: true });
    for (const name of ['dist', 'package.json']) cpSync(path.join(PACKAGE, name), path.join(copy, name), { recursive: true }); // prettier-ignore
    symlinkSync(path.join(PACKAGE, 'python'), path.join(copy, 'python'));
    for (const name of readdirSync(path.join(PACKAGE, 'build', 'Release'))) {
      if (!name.endsWith('.node')) continue;
      const target = path.join(copy, 'build', 'Release', name);
      if (name === 'loader.node') cpSync(path.join(PACKAGE, 'build', 'Release', name), target);
      else writeFileSync(target, 'no binary');
    }
    const body = `const { init } = require(${JSON.stringify(path.join(copy, 'dist', 'index.js'))});
      return init({ root: SCRIPTED_ROOT }).catch(plain);`;
    expect(await inChild(body)).toMatchObject({
      code: 'ERR_WANGP_ADDON_LOAD',
      message: expect.stringMatching(
        /core\.cp3\d+\.node could not be loaded: .*This process has loaded .*libpython.*: for another Python, start a new one$/,
      ),
    });
  });
});
