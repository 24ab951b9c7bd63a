// npm run prebuild [-- --platform linux-x64]... [--python 3.11]...   the binaries that are published, in prebuilds/
// npm run prebuild -- --check                                        what each of them is; fails where one is off
//
// On one machine for all platforms: CMake and zig compile (scripts/zig.mjs), prebuildify puts each binary where
// lib/runtime/addon.ts finds it.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { builtPlatforms, checkPrebuilds } from './check-prebuilds.mjs';
import { fetchHeaders, MINORS, PLATFORMS } from './cpythons.mjs';
import { CACHE, fail, once, ROOT } from './lib.mjs';
import { compileTypeScript, fetchPybind11, findPython, installPackages } from './steps.mjs';
import { compileWithZig, setUpZig } from './zig.mjs';

const PREBUILDS = path.join(ROOT, 'prebuilds');

/** Binaries of a platform: those without Python in them, and a core for each minor version of Python. */
export const binaryNames = (minors) => [
  'loader',
  'shared_memory',
  ...minors.map((minor) => `core.cp${minor.replace('.', '')}`),
];

/** Compiles for the platforms and Pythons that are named. */
export async function prebuild({ platforms = PLATFORMS, minors = MINORS } = {}) {
  await installPackages();
  await compileTypeScript();
  await setUpZig();
  const pybind11 = await fetchPybind11(await findPython());
  for (const platform of platforms) {
    const names = binaryNames(minors);
    const outputs = names.map((name) => path.join(PREBUILDS, platform, `${name}.node`));
    const inputs = ['native', 'CMakeLists.txt', 'scripts/zig.mjs', 'scripts/cpythons.mjs', 'package-lock.json'];
    await once(`prebuild ${platform} ${minors.join(' ')}`, { inputs, outputs }, async () => {
      const build = path.join(CACHE, 'prebuild', platform);
      await compileWithZig(platform, { build, cores: await coresOf(platform, minors), pybind11 });
      for (const name of names) await placeBinary(platform, build, name);
    });
  }
}

async function coresOf(platform, minors) {
  const cores = {};
  for (const minor of minors) {
    const folder = await fetchHeaders(platform, minor);
    const tag = minor.replace('.', '');
    cores[`core.cp${tag}`] = platform.startsWith('win32')
      ? { include: path.join(folder, 'include'), library: path.join(folder, 'libs', `python${tag}.lib`) }
      : { include: path.join(folder, 'include', `python${minor}`) };
  }
  return cores;
}

/** Has prebuildify take what is compiled in place of what node-gyp would. */
async function placeBinary(platform, build, name) {
  const prebuildify = promisify(createRequire(import.meta.url)('prebuildify'));
  const [system, arch] = platform.split('-');
  const stage = path.join(CACHE, 'prebuild', 'stage');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(path.join(stage, 'build', 'Release'), { recursive: true });
  copyFileSync(path.join(build, `${name}.node`), path.join(stage, 'build', 'Release', `${name}.node`));
  await prebuildify({
    cwd: stage,
    out: ROOT,
    platform: system,
    arch,
    name,
    napi: true,
    targets: [process.versions.node],
    // Its compiler has nothing to do: what it looks for is there.
    nodeGyp: 'true',
    quiet: true,
  });
}

function readArguments() {
  const options = {
    platform: { type: 'string', multiple: true },
    python: { type: 'string', multiple: true },
    check: { type: 'boolean', default: false },
  };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    fail(`${error.message}\nUsage: npm run prebuild [-- --platform NAME]... [--python 3.X]... [--check]`);
  }
  for (const [name, known] of [
    ['platform', PLATFORMS],
    ['python', MINORS],
  ]) {
    const unknown = values[name]?.find((value) => !known.includes(value));
    if (unknown !== undefined) fail(`--${name} ${unknown} is unknown: ${known.join(', ')}`);
  }
  return values;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { platform, python: minors = MINORS, check } = readArguments();
  if (!check) await prebuild({ platforms: platform, minors });
  // Alone, it looks at what is there.
  const platforms = platform ?? (check ? builtPlatforms(PREBUILDS) : PLATFORMS);
  process.exitCode = await checkPrebuilds(PREBUILDS, { platforms, names: binaryNames(minors) });
}
