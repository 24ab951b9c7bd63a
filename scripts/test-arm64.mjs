// npm run test:arm64 [-- --short]: the binaries for Linux on ARM under qemu's user mode, on Linux x64. Fetches qemu, a
// Node, and Debian's own Python and libraries for ARM into .cache/foreign/, and runs test/foreign/ with them in a
// project into which npm has installed the packed package. `--short`: one generation by the API and one by the command
// line. Needs no root, and changes nothing outside .cache/.
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  begin,
  cleanVariables,
  copyScriptedRoot,
  fetchNode,
  FOREIGN,
  installProject,
  installWheels,
  runAtMost,
  runTestsIn,
} from './foreign.mjs';
import { fail, once, run, say } from './lib.mjs';

const PLATFORM = 'linux-arm64';
const MANYLINUX = ['manylinux_2_28_aarch64', 'manylinux_2_27_aarch64', 'manylinux2014_aarch64'];
const REQUIREMENTS = ['numpy', 'pillow', 'av'];
const HOME = path.join(FOREIGN, 'arm64');
const SYSTEM = path.join(HOME, 'system');

/** apt-get with lists and packages of its own, as if on another machine. */
async function apt(name, architecture, ...args) {
  const folder = path.join(HOME, name);
  const file = path.join(folder, 'apt.conf');
  for (const part of ['state/lists/partial', 'cache/archives/partial']) {
    mkdirSync(path.join(folder, part), { recursive: true });
  }
  writeFileSync(path.join(folder, 'status'), '');
  const lines = {
    'APT::Architecture': architecture,
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': '',
    'Debug::NoLocking': 'true',
    'Dir::Cache': path.join(folder, 'cache'),
    'Dir::State': path.join(folder, 'state'),
    'Dir::State::status': path.join(folder, 'status'),
  };
  const text = Object.entries(lines).map(([key, value]) => `${key} "${value}";\n`);
  writeFileSync(file, `${text.join('')}APT::Architectures { "${architecture}"; };\n`);
  await run('apt-get', ['-qq', ...args], { env: { ...process.env, APT_CONFIG: file } });
  return path.join(folder, 'cache', 'archives');
}

/** Fetches Debian's packages and what they need, and unpacks them into `folder`. */
async function unpackPackages(folder, name, architecture, packages) {
  await apt(name, architecture, 'update');
  const archives = await apt(name, architecture, 'install', '--yes', '--download-only', ...packages);
  for (const file of readdirSync(archives).filter((each) => each.endsWith('.deb'))) {
    await run('dpkg-deb', ['--extract', path.join(archives, file), folder]);
  }
}

/** qemu's user mode: one static program. */
async function fetchQemu() {
  const folder = path.join(HOME, 'qemu');
  const file = path.join(folder, 'usr', 'bin', 'qemu-aarch64-static');
  await once('qemu', { inputs: [], outputs: [file] }, async () => {
    say('fetching qemu');
    await unpackPackages(folder, 'apt-host', 'amd64', ['qemu-user-static']);
  });
  return file;
}

/** Debian's Python and its libraries for ARM, in a folder of their own. Returns the Python's version, as in 3.11. */
async function fetchSystem() {
  const done = path.join(SYSTEM, 'usr', 'bin', 'python3');
  await once('arm64 system', { inputs: [], outputs: [done] }, async () => {
    say("fetching Debian's Python for ARM");
    rmSync(SYSTEM, { recursive: true, force: true });
    for (const name of ['lib', 'bin']) {
      mkdirSync(path.join(SYSTEM, 'usr', name), { recursive: true });
      symlinkSync(path.join('usr', name), path.join(SYSTEM, name));
    }
    await unpackPackages(SYSTEM, 'apt-arm64', 'arm64', ['python3', 'libpython3-dev', 'libstdc++6']);
  });
  const names = readdirSync(path.join(SYSTEM, 'usr', 'bin')).map((name) => /^python(3\.\d+)$/.exec(name)?.[1]);
  return names.find((name) => name !== undefined) ?? fail(`there is no python3 in ${SYSTEM}`);
}

/**
 * A program for ARM as a command: without a change of the whole machine the system can't start one. `asItself` tells it
 * that it is the command, so that Python finds the environment in which that lies.
 */
function makeCommand(file, qemu, program, { asItself }) {
  const name = asItself ? `-0 "$0" ` : '';
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\nexec "${qemu}" -L "${SYSTEM}" ${name}"${program}" "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

/** An environment of that Python, with what the sample root needs. */
async function makeEnvironment(version, qemu) {
  const folder = path.join(HOME, 'venv');
  const home = path.join(SYSTEM, 'usr', 'bin');
  mkdirSync(folder, { recursive: true });
  // qemu finds the system's libraries under -L, but Node asks for files (statx) past it: Python's own are named in full.
  writeFileSync(path.join(folder, 'pyvenv.cfg'), `home = ${home}\ninclude-system-site-packages = false\n`);
  const program = path.join(home, `python${version}`);
  const python = makeCommand(path.join(folder, 'bin', 'python3'), qemu, program, { asItself: true });
  const packages = path.join(folder, 'lib', `python${version}`, 'site-packages');
  await installWheels(packages, { version, platforms: MANYLINUX, requirements: REQUIREMENTS });
  return python;
}

const started = Date.now();
await begin('npm run test:arm64');
const qemu = await fetchQemu();
const version = await fetchSystem();
const program = await fetchNode('linux-arm64');
const node = makeCommand(path.join(HOME, 'bin', 'node'), qemu, program, { asItself: false });
const python = await makeEnvironment(version, qemu);
const root = path.join(HOME, 'WanGP');
copyScriptedRoot(root);
const project = path.join(HOME, 'Film für Anna');
await installProject(project, { platform: PLATFORM, minor: version });

process.exitCode = await runTestsIn(project, {
  name: 'arm64',
  place: { node, python, root, core: `core.cp${version.replace('.', '')}.node`, workingDirectory: 'thread', slow: 5 },
  start: (args, { limitMs, env }) => runAtMost(limitMs, node, args, { cwd: project, env: cleanVariables(env) }),
  started,
});
