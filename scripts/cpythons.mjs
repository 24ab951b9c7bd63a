// CPythons of other platforms and versions, from Maven Central: headers to compile for, interpreters to test with.
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { CACHE, fail, run, say } from './lib.mjs';
import { findPython } from './steps.mjs';

export const MINORS = ['3.10', '3.11', '3.12', '3.13', '3.14'];

/** What the package has binaries for, in Node's words. */
export const PLATFORMS = ['linux-x64', 'linux-arm64', 'win32-x64', 'darwin-arm64', 'darwin-x64'];

const NAMES = {
  'linux-x64': 'linux-x86_64',
  'linux-arm64': 'linux-arm64',
  'win32-x64': 'windows-x86_64',
  'darwin-arm64': 'macosx-arm64',
  'darwin-x64': 'macosx-x86_64',
};

const VERSIONS = {
  '3.10': '3.10.8-1.5.8',
  3.11: '3.11.3-1.5.9',
  3.12: '3.12.1-1.5.10',
  3.13: '3.13.5-1.5.12',
  3.14: '3.14.3-1.5.13',
};

/**
 * Whose headers serve where that CPython was never published. Nothing that is compiled here reads what differs in their
 * `pyconfig.h`: features of the machine's assembler and of readline, and alignments.
 */
const BORROWED = {
  'linux-arm64': { 3.13: 'linux-x64' },
  'darwin-arm64': { '3.10': 'darwin-x64', 3.11: 'darwin-x64', 3.12: 'darwin-x64' },
};

/** The headers of a CPython, and on Windows its import library; the folder that holds `include` (and `libs`). */
export function fetchHeaders(platform, minor) {
  const owner = BORROWED[platform]?.[minor] ?? platform;
  return fetchPart(owner, minor, { suffix: '-headers', parts: ['include/', 'libs/'] });
}

/**
 * A whole CPython; the folder that holds it. On Linux and macOS it runs with PYTHONHOME set to that folder, since it
 * was configured for another one.
 */
export function fetchCPython(platform, minor) {
  return fetchPart(platform, minor, { suffix: '', parts: [''] });
}

/** Which file of a whole CPython is the interpreter. */
export function interpreterOf(folder, platform, minor) {
  return platform.startsWith('win32') ? path.join(folder, 'python.exe') : path.join(folder, 'bin', `python${minor}`);
}

async function fetchPart(platform, minor, { suffix, parts }) {
  if (NAMES[platform] === undefined || VERSIONS[minor] === undefined) {
    throw new Error(`there is no CPython ${minor} for ${platform}: ${PLATFORMS.join(', ')}; ${MINORS.join(', ')}`);
  }
  const folder = path.join(CACHE, 'cpython', `${platform}-${minor}${suffix}`);
  if (existsSync(folder)) return folder;
  say(`fetching ${suffix === '' ? 'CPython' : 'the headers of CPython'} ${minor} for ${platform}`);
  const name = NAMES[platform];
  const file = await fetchJar(VERSIONS[minor], name);
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const inside = `org/bytedeco/cpython/${name}`;
  const python = await findPython();
  await run(python.executable, ['-c', UNPACK, file, fresh, ...parts.map((part) => `${inside}/${part}`)]);
  const unpacked = path.join(fresh, ...inside.split('/'));
  makeRunnable(path.join(unpacked, 'bin'));
  renameSync(unpacked, folder);
  rmSync(fresh, { recursive: true, force: true });
  rmSync(file);
  return folder;
}

const UNPACK = `
import sys, zipfile
archive, folder, *parts = sys.argv[1:]
with zipfile.ZipFile(archive) as jar:
    jar.extractall(folder, [name for name in jar.namelist() if name.startswith(tuple(parts))])
`;

/** An archive of Java has no permissions. */
function makeRunnable(folder) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) chmodSync(path.join(folder, name), 0o755);
}

async function fetchJar(version, name) {
  const repository = path.join(CACHE, 'maven');
  mkdirSync(repository, { recursive: true });
  const artifact = `org.bytedeco:cpython:${version}:jar:${name}`;
  const args = ['-q', '-B', 'dependency:get', `-Dartifact=${artifact}`, '-Dtransitive=false'];
  try {
    await run('mvn', [...args, `-Dmaven.repo.local=${repository}`]);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    fail('Maven fetches the CPythons of other platforms. On Debian and Ubuntu: apt install maven');
  }
  return path.join(repository, 'org', 'bytedeco', 'cpython', version, `cpython-${version}-${name}.jar`);
}
