// What the published binaries are, and whether that is what they have to be.
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { PLATFORMS } from './cpythons.mjs';
import { fail, ROOT, run } from './lib.mjs';
import { liefPython, setUpZig } from './zig.mjs';

const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
/**
 * zig's linker for macOS exports a library's own marks, and can't leave out the operators `new` and `delete` of its C++
 * library, nor on x64 the type information of functions. Nobody takes them: a binary there asks each symbol of one
 * library.
 */
const EXPORTED_BESIDES = { darwin: /^(_mh_dylib_header|__dso_handle|_Z(n[aw]|d[al]).*|_ZT[IS]P?F\w+)$/ };
const MEBIBYTE = 2 ** 20;
const LARGEST = { loader: MEBIBYTE / 2, shared_memory: MEBIBYTE, core: 2 * MEBIBYTE };
const GLIBC = [2, 28];
const MACOS = [11, 0];

/** The libraries that every machine of a system has; and Python's on Windows, where they are named. */
const LIBRARIES = {
  linux: /^(lib(c|m|dl|pthread)\.so\.\d|ld-linux-[\w-]+\.so\.\d)$/,
  win32: /^(node\.exe|kernel32\.dll|ntdll\.dll|msvcrt\.dll|api-ms-win-crt-[\w-]+\.dll)$/i,
  darwin: /^\/usr\/lib\/libSystem\.B\.dylib$/,
};

/** What the process has by the time a binary is loaded: Node's functions, and for a core Python's. */
const FROM_THE_PROCESS = {
  loader: /^(napi|node_api)_/,
  shared_memory: /^(napi|node_api)_/,
  core: /^(napi_|node_api_|_?Py)/,
};

/** `GLIBC_2.17` to [2, 17]; undefined for another name. */
function versionOf(name, prefix) {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length).split('.').map(Number) : [];
  return digits.length > 0 && digits.every(Number.isInteger) ? digits : undefined;
}

const isNewer = ([major, minor], [otherMajor, otherMinor]) =>
  major > otherMajor || (major === otherMajor && minor > otherMinor);

/** The newest version that a binary asks for: `2.17`. */
function floorOf(versions, prefix) {
  const known = versions.map((name) => versionOf(name, prefix)).filter((version) => version !== undefined);
  return known.reduce((newest, version) => (isNewer(version, newest) ? version : newest), [0, 0]);
}

/** What is wrong with a binary; empty where nothing is. `about` is what describe_binaries.py says of it, null where it is none. */
export function faultsOf(platform, name, size, about) {
  if (about === null) return ['is no binary of Linux, Windows or macOS'];
  const [system] = platform.split('-');
  const [kind] = name.split('.');
  const faults = [];
  if (about.platform !== platform) faults.push(`is for ${about.platform}`);
  if (size > LARGEST[kind]) faults.push(`is larger than ${LARGEST[kind] / MEBIBYTE} MiB`);
  const exported = about.exports.filter((symbol) => !EXPORTED_BESIDES[system]?.test(symbol)).sort();
  if (exported.join() !== EXPORTS.join()) faults.push(`exports ${exported.join(', ') || 'nothing'}`);
  if (!about.stripped) faults.push('has symbols of its own');
  const python = kind === 'core' && system === 'win32' ? `python${name.replace('core.cp', '')}.dll` : undefined;
  const strange = about.libraries.filter((library) => !LIBRARIES[system].test(library) && library !== python);
  if (strange.length > 0) faults.push(`needs ${strange.join(', ')}`);
  const unknown = about.imports.filter((symbol) => !FROM_THE_PROCESS[kind].test(symbol));
  if (unknown.length > 0) faults.push(`imports ${unknown.join(', ')}`);
  if (system === 'linux') {
    const other = about.versions.filter((version) => versionOf(version, 'GLIBC_') === undefined);
    if (other.length > 0) faults.push(`asks for ${other.join(', ')}`);
    if (isNewer(floorOf(about.versions, 'GLIBC_'), GLIBC)) faults.push(`needs a glibc newer than ${GLIBC.join('.')}`);
    if (!about.staysLoaded) faults.push('can be unloaded under its own threads (-z nodelete)');
  }
  if (system === 'darwin') {
    if (isNewer(floorOf(about.versions, 'macOS_'), MACOS)) faults.push(`needs a macOS newer than ${MACOS.join('.')}`);
    if (platform === 'darwin-arm64' && !about.signed) faults.push('has no signature, not even an ad-hoc one');
  }
  return faults;
}

function summary(platform, size, about) {
  if (about === null) return `${(size / 1024).toFixed(0).padStart(5)} kB `;
  const floors = {
    linux: () => `glibc ${floorOf(about.versions, 'GLIBC_').join('.')}`,
    darwin: () => `macOS ${floorOf(about.versions, 'macOS_').join('.')}`,
    win32: () => 'Windows',
  };
  const exported = `${about.exports.length} exported`;
  const libraries = about.libraries.map((library) => path.posix.basename(library)).join(' ') || 'no libraries';
  return `${(size / 1024).toFixed(0).padStart(5)} kB  ${floors[platform.split('-')[0]]()}  ${exported}  ${libraries}`;
}

/** Describes the binaries in `folder`, one line each, and returns the exit code: 1 where one is off or missing. */
export async function checkPrebuilds(folder, { platforms, names }) {
  const strange = platforms.filter((platform) => !PLATFORMS.includes(platform));
  if (strange.length > 0) {
    fail(`${path.relative(ROOT, folder)} has ${strange.join(', ')}, which is none of ${PLATFORMS.join(', ')}`);
  }
  const files = platforms.flatMap((platform) => names.map((name) => ({ platform, name })));
  const missing = files.filter(({ platform, name }) => !existsSync(path.join(folder, platform, `${name}.node`)));
  if (missing.length === files.length)
    fail(`${path.relative(ROOT, folder)} has none of these binaries: npm run prebuild`);
  await setUpZig();
  const present = files.filter((file) => !missing.includes(file));
  const paths = present.map(({ platform, name }) => path.join(folder, platform, `${name}.node`));
  const described = JSON.parse(await run(liefPython, [path.join(ROOT, 'scripts', 'describe_binaries.py'), ...paths]));
  let wrong = missing.length;
  for (const [index, { platform, name }] of present.entries()) {
    const { size } = statSync(paths[index]);
    const about = described[paths[index]];
    const faults = faultsOf(platform, name, size, about);
    if (faults.length > 0) wrong += 1;
    const verdict = faults.length > 0 ? `✗ ${faults.join('; ')}` : '✓';
    console.log(`${`${platform}/${name}`.padEnd(24)} ${summary(platform, size, about)}  ${verdict}`);
  }
  for (const { platform, name } of missing) console.log(`${`${platform}/${name}`.padEnd(24)} ✗ is missing`);
  return wrong === 0 ? 0 : 1;
}

/** The platforms that `folder` has binaries for. */
export function builtPlatforms(folder) {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
