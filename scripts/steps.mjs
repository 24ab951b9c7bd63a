// The steps of set-up and build, each quick when there is nothing left to do.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { bin, CACHE, fail, once, ROOT, run, say } from './lib.mjs';

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
      const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--no-dry-run'];
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
      // Names, no default: bundlers disagree about the default of such a file.
      writeFileSync(path.join(fresh, 'bundled.mjs'), bundledGuard(fresh));
      writeFileSync(
        path.join(fresh, 'index.mjs'),
        `import './bundled.mjs';\nexport { ${names.join(', ')} } from './index.js';\n`,
      );
      writeFileSync(path.join(fresh, 'index.d.mts'), `export * from './index.js';\n`);
      easeDeclarations(fresh);
      rmSync(path.join(ROOT, 'dist'), { recursive: true, force: true });
      renameSync(fresh, path.join(ROOT, 'dist'));
    },
  );
}

/**
 * What the entry for `import` evaluates first. A bundler that makes an ES module of CommonJS may leave a `require` there
 * that throws before `init()` could say what is wrong.
 */
function bundledGuard(folder) {
  const { BUNDLED_ADVICE } = createRequire(import.meta.url)(path.join(folder, 'runtime', 'package.js'));
  return `import { readFileSync } from 'node:fs';

function isInstalled() {
  try {
    return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).name === 'wangp-node';
  } catch {
    return false;
  }
}

// Without it this is CommonJS, where init() itself says it.
if (import.meta.url !== undefined && !isInstalled()) {
  const message = 'wangp-node was bundled: its code runs from ' + import.meta.url + ${JSON.stringify(BUNDLED_ADVICE)};
  throw Object.assign(new Error(message), { name: 'WanGPError', code: 'ERR_WANGP_BUNDLED' });
}
`;
}

/**
 * TypeScript 5 refuses `#private` where the target is its default, ES5, in declarations too. A private property of its
 * own keeps a class as distinct.
 */
function easeDeclarations(folder) {
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue;
    const file = path.join(folder, name);
    const text = readFileSync(file, 'utf8');
    let className;
    const lines = text.split('\n').map((line) => {
      className = /\bclass (\w+)/.exec(line)?.[1] ?? className;
      return line.replace(/^( +)#private;$/, `$1private readonly '#${className}': unknown;`);
    });
    const eased = lines.join('\n');
    if (eased !== text) writeFileSync(file, eased);
  }
}

/** The package's own search for Python, once it is compiled. */
export function pythonEnvironments() {
  return createRequire(import.meta.url)(path.join(ROOT, 'dist', 'python', 'find.js'));
}

/** A Python environment by the package's own rules; ends the script where there is none. */
export async function findPython(options = {}) {
  return orFail(pythonEnvironments().findPython(options));
}

/** What the command line's `build` is made of, once it is compiled. */
const compiled = (name) => createRequire(import.meta.url)(path.join(ROOT, 'dist', 'cli', `${name}.js`));

/** pybind11's headers, from PyPI, for building only. */
export async function fetchPybind11(python) {
  const folder = path.join(CACHE, 'pybind11');
  const include = path.join(folder, 'pybind11', 'include');
  await once('pybind11', { inputs: [], outputs: [include], key: 'pybind11>=3.0,<4' }, () => {
    say('fetching the headers of pybind11');
    return orFail(compiled('build-tools').fetchPybind11(folder, python));
  });
  return include;
}

/** An interpreter with pip: this one, or that of an environment made for it. */
export function pipOf(python) {
  return orFail(compiled('build-tools').pipOf(python, path.join(CACHE, 'pip')));
}

/** Ends the script with the message of an error that says what to do. */
async function orFail(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error?.code === undefined) throw error;
    return fail(`${error.message} [${error.code}]`);
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

/** What needs no Python, and the core for one Python minor version, in build/Release. */
export async function buildNative(python) {
  const core = `core.cp${python.minor.replace('.', '')}`;
  const outputs = ['loader', 'shared_memory', core].map((name) => path.join(ROOT, 'build', 'Release', `${name}.node`));
  const inputs = ['native', 'binding.gyp', 'lib/cli/build-native.ts'];
  await once(`native ${core}`, { inputs, outputs, key: process.arch }, async () => {
    say(`building the native addon for Python ${python.minor}`);
    const build = {
      folder: ROOT,
      python,
      nodeGyp: bin('node-gyp', 'bin/node-gyp.js'),
      nodeAddonApi: path.join(ROOT, 'node_modules', 'node-addon-api'),
      pybind11: await fetchPybind11(python),
    };
    await orFail(compiled('build-native').buildAddon(build));
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
