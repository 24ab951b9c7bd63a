// npm run test:windows [-- --short]: the Windows binaries under Wine, on Linux x64. Installs Wine where it is missing,
// fetches a Node and a CPython for Windows, and runs test/foreign/ there in a project into which npm has installed the
// packed package. `--short`: one generation by the API and one by the command line, and
// a child's life.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fetchCPython } from './cpythons.mjs';
import {
  begin,
  cleanVariables,
  copyScriptedRoot,
  fetchNode,
  FOREIGN,
  installDebianPackages,
  installProject,
  installWheels,
  runAtMost,
  runTestsIn,
} from './foreign.mjs';
import { once, run, say } from './lib.mjs';

const MINOR = '3.13';
const PLATFORM = 'win32-x64';
// NumPy 2.2 and newer call a function that Wine 8 lacks; PyAV 15 and newer need a python3.dll, which the CPython of
// Maven doesn't have.
const WHEELS = { version: MINOR, platforms: ['win_amd64'], requirements: ['numpy==2.1.0', 'pillow', 'av==14.0.0'] };

const PREFIX = path.join(FOREIGN, 'wine');
const DRIVE = path.join(PREFIX, 'drive_c');
// Umlauts in the names of files need a locale that has them.
const ENV = cleanVariables({ WINEPREFIX: PREFIX, WINEDEBUG: '-all', WINEARCH: 'win64', LC_ALL: 'C.UTF-8' });

/** A path on drive C: as Wine's programs write it. */
function windowsPath(file) {
  return `C:\\${path.relative(DRIVE, file).replaceAll('/', '\\')}`;
}

async function makePrefix() {
  await once('wine prefix', { inputs: [], outputs: [path.join(PREFIX, 'system.reg')], key: '1' }, async () => {
    say('making a Windows for Wine');
    rmSync(PREFIX, { recursive: true, force: true });
    await run('wineboot', ['--init'], { env: ENV });
    // Node needs Windows 10.
    await run('wine', ['winecfg', '-v', 'win10'], { env: ENV });
    await run('wineserver', ['--wait'], { env: ENV });
  });
}

/** `C:\Python313`, with what the sample root needs. Returns its folder. */
async function installPython() {
  const folder = path.join(DRIVE, `Python${MINOR.replace('.', '')}`);
  const source = await fetchCPython(PLATFORM, MINOR);
  await once('python for wine', { inputs: [source], outputs: [path.join(folder, 'python.exe')] }, () => {
    rmSync(folder, { recursive: true, force: true });
    cpSync(source, folder, { recursive: true });
  });
  await installWheels(path.join(folder, 'lib', 'site-packages'), WHEELS);
  return folder;
}

/** `C:\WanGP`: the tests' root, with an environment in it as `python -m venv --copies` made them. */
function installRoot(python) {
  const root = path.join(DRIVE, 'WanGP');
  copyScriptedRoot(root);
  const environment = path.join(root, 'venv');
  const scripts = path.join(environment, 'Scripts');
  const packages = path.join(environment, 'Lib', 'site-packages');
  for (const folder of [scripts, packages]) mkdirSync(folder, { recursive: true });
  for (const name of ['python.exe', `python${MINOR.replace('.', '')}.dll`]) {
    cpSync(path.join(python, name), path.join(scripts, name));
  }
  writeFileSync(path.join(environment, 'pyvenv.cfg'), `home = ${windowsPath(python)}\n`);
  writeFileSync(path.join(packages, 'only_in_venv.py'), 'WORD = "from the venv"\n');
  return root;
}

/**
 * Runs Node to its end, on a terminal: Wine can't give Node or Python files and pipes of Linux for their standard
 * streams. Within Wine they have pipes as on Windows.
 */
async function runInWine(node, args, { cwd, limitMs, env }) {
  const command = ['wine', node, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const script = ['-qec', `stty cols 500 rows 100; ${command}`, '/dev/null'];
  const ended = await runAtMost(limitMs, 'script', script, { cwd, env: { ...ENV, ...env } });
  // What a killed test has left runs on in Wine.
  await run('wineserver', ['--kill'], { env: ENV }).catch(() => {});
  return ended;
}

const started = Date.now();
await begin('npm run test:windows');
await installDebianPackages({ wine: ['wine', 'wine64'], script: ['bsdutils'] });
const node = await fetchNode('win-x64');
await makePrefix();
const python = await installPython();
const root = installRoot(python);
const project = path.join(DRIVE, 'Projekte', 'Film für Anna');
await installProject(project, { platform: PLATFORM, minor: MINOR });

process.exitCode = await runTestsIn(project, {
  name: 'windows',
  place: {
    node: `Z:${node.replaceAll('/', '\\')}`,
    python: windowsPath(path.join(python, 'python.exe')),
    core: `core.cp${MINOR.replace('.', '')}.node`,
    root: windowsPath(root),
    workingDirectory: 'absolute-paths',
    slow: 3,
  },
  shortMore: ['child'],
  more: ['windows'],
  pathOf: windowsPath,
  start: (args, options) => runInWine(node, args, { cwd: project, ...options }),
  started,
});
