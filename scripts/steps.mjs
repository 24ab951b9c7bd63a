// The steps of set-up and build, each quick when there is nothing left to do.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { bin, CACHE, fail, once, ROOT, run, say } from './lib.mjs';

const PYBIND11 = 'pybind11>=3.0,<4';

/** The environment of the embedded sample root: `init()` without options finds it there. */
export const SAMPLE_ENVIRONMENT = path.join(ROOT, 'python', 'sample_root', '.venv');

const isWindows = process.platform === 'win32';

/** The interpreter of a virtual environment. */
export function environmentPython(folder) {
  return isWindows ? path.join(folder, 'Scripts', 'python.exe') : path.join(folder, 'bin', 'python');
}

/** The packages of package-lock.json. */
export async function installPackages() {
  await once(
    'npm install',
    { inputs: ['package.json', 'package-lock.json'], outputs: [bin('typescript', 'package.json')] },
    () => {
      say('installing npm packages');
      const npm = process.env.npm_execpath;
      const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts'];
      return npm === undefined ? run(isWindows ? 'npm.cmd' : 'npm', args) : run(process.execPath, [npm, ...args]);
    },
  );
}

/** `lib/` to `dist/`, with an entry for `import` that shares the one for `require`. */
export async function compileTypeScript() {
  await once(
    'compile',
    { inputs: ['lib', 'tsconfig.json', 'scripts/steps.mjs'], outputs: [path.join(ROOT, 'dist', 'index.mjs')] },
    async () => {
      say('compiling TypeScript');
      // Beside the old one, which somebody may be using.
      const fresh = path.join(ROOT, 'dist.new');
      rmSync(fresh, { recursive: true, force: true });
      await run(process.execPath, [bin('typescript', 'bin/tsc'), '-p', ROOT, '--outDir', fresh]);
      const names = Object.keys(createRequire(import.meta.url)(path.join(fresh, 'index.js')));
      const entry = `import entry from './index.js';\nexport const { ${names.join(', ')} } = entry;\n`;
      writeFileSync(path.join(fresh, 'index.mjs'), entry);
      writeFileSync(path.join(fresh, 'index.d.mts'), `export * from './index.js';\n`);
      rmSync(path.join(ROOT, 'dist'), { recursive: true, force: true });
      renameSync(fresh, path.join(ROOT, 'dist'));
    },
  );
}

/** The package's own search for Python, once it is compiled. */
export function pythonEnvironments() {
  return createRequire(import.meta.url)(path.join(ROOT, 'dist', 'python', 'find.js'));
}

/** A Python environment by the package's own rules; ends the script where there is none. */
export async function findPython(options = {}) {
  try {
    return await pythonEnvironments().findPython(options);
  } catch (error) {
    if (error?.code === undefined) throw error;
    return fail(`${error.message} [${error.code}]`);
  }
}

/** pybind11's headers, from PyPI, for building only. */
export async function fetchPybind11(python) {
  const folder = path.join(CACHE, 'pybind11');
  const include = path.join(folder, 'pybind11', 'include');
  await once('pybind11', { inputs: [], outputs: [include], key: PYBIND11 }, async () => {
    say('fetching the headers of pybind11');
    const runner = await pipOf(python);
    await run(runner, ['-m', 'pip', 'install', '-q', '--no-deps', '--upgrade', '--target', folder, PYBIND11]);
  });
  return include;
}

/** An interpreter with pip: this one, or an environment made for that. */
export async function pipOf(python) {
  try {
    await run(python.executable, ['-m', 'pip', '--version']);
    return python.executable;
  } catch {
    const folder = path.join(CACHE, 'pip');
    await makeEnvironment(folder, python, []);
    return environmentPython(folder);
  }
}

/** A fresh virtual environment in `folder`, with `requirements` installed. */
export async function makeEnvironment(folder, python, requirements, options = []) {
  rmSync(folder, { recursive: true, force: true });
  try {
    await run(python.baseExecutable, ['-m', 'venv', ...options, folder]);
  } catch (error) {
    fail(
      `${python.baseExecutable} could not make a virtual environment: ${error.message}\n` +
        `On Debian and Ubuntu: apt install python${python.minor}-venv`,
    );
  }
  if (requirements.length === 0) return;
  const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--prefer-binary'];
  await run(environmentPython(folder), [...pip, ...requirements]);
}

/** What the sample root needs, and what else is asked for, in an environment of its own in `folder`. */
export async function setUpEnvironment(folder, python, { extra = [], systemPackages = false } = {}) {
  const requirements = path.join(ROOT, 'python', 'sample_root', 'requirements.txt');
  const key = createHash('sha256')
    .update(
      [readFileSync(requirements, 'utf8'), python.baseExecutable, python.version, ...extra, systemPackages].join(),
    )
    .digest('hex');
  await once(
    `environment ${path.relative(ROOT, folder).replaceAll(path.sep, '-')}`,
    {
      inputs: [],
      outputs: [environmentPython(folder)],
      key,
    },
    () => {
      say(`making a Python ${python.version} environment in ${path.relative(ROOT, folder)}`);
      const options = systemPackages ? ['--system-site-packages'] : [];
      return makeEnvironment(folder, python, ['-r', requirements, ...extra], options);
    },
  );
  return environmentPython(folder);
}

async function askPython(python, expression) {
  const output = await run(python.executable, ['-c', `import sysconfig, sys; print(${expression})`]);
  return output.trim();
}

/** Where the headers of the running Node lie; undefined lets node-gyp look for itself. */
function nodeHeaders() {
  const candidates = [process.env.npm_config_nodedir, path.resolve(process.execPath, '..', '..')];
  return candidates.find((folder) => folder !== undefined && existsSync(path.join(folder, 'include/node/node_api.h')));
}

/** `loader.node`, and the core for one Python minor version, in build/Release. */
export async function buildNative(python) {
  const core = `core.cp${python.minor.replace('.', '')}`;
  const outputs = ['loader', core].map((name) => path.join(ROOT, 'build', 'Release', `${name}.node`));
  const inputs = ['native', 'binding.gyp', 'scripts/steps.mjs'];
  await once(`native ${core}`, { inputs, outputs, key: process.arch }, async () => {
    say(`building the native addon for Python ${python.minor}`);
    const include = await askPython(python, 'sysconfig.get_path("include")');
    if (!existsSync(path.join(include, 'Python.h'))) {
      fail(
        `${python.executable} has no headers (${include}/Python.h). ` +
          `On Debian and Ubuntu: apt install libpython${python.minor}-dev`,
      );
    }
    const library = isWindows
      ? path.join(await askPython(python, 'sys.base_prefix'), 'libs', `python${python.minor.replace('.', '')}.lib`)
      : '';
    const gyp = bin('node-gyp', 'bin/node-gyp.js');
    const headers = nodeHeaders();
    const common = headers === undefined ? [] : [`--nodedir=${headers}`];
    // node-gyp itself is written in Python.
    const env = { ...process.env, NODE_GYP_FORCE_PYTHON: python.executable };
    const variables = {
      core_name: core,
      python_include: include,
      python_library: library,
      pybind11_include: await fetchPybind11(python),
    };
    const defines = Object.entries(variables).map(([name, value]) => `-D${name}=${value}`);
    try {
      await run(process.execPath, [gyp, 'configure', ...common, '--', ...defines], { env });
      await run(process.execPath, [gyp, 'build', '-j', 'max', ...common], { env });
    } catch (error) {
      fail(
        `the native addon could not be built: ${error.message}\n` +
          'It needs a C++20 compiler and make (Debian, Ubuntu: apt install g++ make) and the headers of Node.',
      );
    }
  });
}

/** The tests' own addon. */
export async function buildProbe() {
  const folder = path.join(ROOT, 'test', 'native');
  const outputs = ['probe', 'failures', 'refuse_threads'].map((name) =>
    path.join(folder, 'build', 'Release', `${name}.node`),
  );
  const inputs = ['probe.c', 'failures.c', 'refuse_threads.c', 'binding.gyp'].map((name) => path.join(folder, name));
  await once('test probe', { inputs, outputs }, () => {
    const headers = path.resolve(process.execPath, '..', '..');
    return run(process.execPath, [bin('node-gyp', 'bin/node-gyp.js'), 'rebuild', `--nodedir=${headers}`], {
      cwd: folder,
    });
  });
}
