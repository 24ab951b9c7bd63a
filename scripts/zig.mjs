// zig as a C and C++ compiler for every platform: clang with the C libraries of all of them, from PyPI.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { bin, CACHE, once, run } from './lib.mjs';
import { environmentPython, findPython, makeEnvironment } from './steps.mjs';

// LIEF reads binaries of every platform.
const PACKAGES = ['ziglang==0.17.1', 'cmake>=3.25,<5', 'ninja>=1.11,<2', 'lief>=0.16,<1'];
const FOLDER = path.join(CACHE, 'zig');
const VENV = path.join(FOLDER, 'venv');

/**
 * What a platform is to zig and to CMake. Its version is that of the oldest C library, or macOS, that the binaries
 * run on: RHEL 8 and Debian 10 have glibc 2.28.
 */
const TARGETS = {
  'linux-x64': { target: 'x86_64-linux-gnu.2.28', system: 'Linux', processor: 'x86_64' },
  'linux-arm64': { target: 'aarch64-linux-gnu.2.28', system: 'Linux', processor: 'aarch64' },
  'win32-x64': { target: 'x86_64-windows-gnu', system: 'Windows', processor: 'AMD64' },
  'darwin-arm64': { target: 'aarch64-macos.11.0', system: 'Darwin', processor: 'arm64' },
  'darwin-x64': { target: 'x86_64-macos.11.0', system: 'Darwin', processor: 'x86_64' },
};

/** Installs zig, CMake, Ninja and LIEF in an environment of their own. */
export async function setUpZig() {
  await once('zig', { inputs: [], outputs: [environmentPython(VENV)], key: PACKAGES.join() }, async () => {
    await makeEnvironment(VENV, await findPython(), PACKAGES);
    // zig doesn't always make them itself.
    for (const name of ['o', 'tmp']) mkdirSync(path.join(homedir(), '.cache', 'zig', name), { recursive: true });
  });
}

/** The Python that has LIEF. */
export const liefPython = environmentPython(VENV);

const tool = (name) => path.join(path.dirname(environmentPython(VENV)), name);

async function zigExecutable() {
  const output = await run(liefPython, ['-c', 'import ziglang, pathlib; print(pathlib.Path(ziglang.__file__).parent)']);
  return path.join(output.trim(), 'zig');
}

/** A program that CMake can be given as a compiler: zig with its first arguments. */
function wrapper(name, words) {
  const file = path.join(FOLDER, 'bin', name);
  const text = `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')} "$@"\n`;
  mkdirSync(path.dirname(file), { recursive: true });
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

/** `node.lib`: what a Windows binary asks of Node, from the names that npm's node-api-headers lists. */
async function nodeImportLibrary(zig) {
  const library = path.join(FOLDER, 'node.lib');
  const names = ['js_native_api', 'node_api'].flatMap((name) =>
    readFileSync(bin('node-api-headers', `def/${name}.def`), 'utf8').match(/^\s*(napi|node_api)_\w+/gm),
  );
  const definition = path.join(FOLDER, 'node.def');
  writeFileSync(definition, ['LIBRARY node.exe', 'EXPORTS', ...names].join('\n') + '\n');
  await run(zig, ['dlltool', '-m', 'i386:x86-64', '-d', definition, '-l', library]);
  return library;
}

/**
 * Compiles the loader and cores for one platform into `build`. `cores`: `{ 'core.cp311': { include, library } }`,
 * `library` on Windows only. What is unchanged is not compiled again.
 */
export async function compileWithZig(platform, { build, cores, pybind11 }) {
  const { target, system, processor } = TARGETS[platform];
  const zig = await zigExecutable();
  const definitions = {
    CMAKE_BUILD_TYPE: 'Release',
    CMAKE_SYSTEM_NAME: system,
    CMAKE_SYSTEM_PROCESSOR: processor,
    CMAKE_MAKE_PROGRAM: tool('ninja'),
    CMAKE_C_COMPILER: wrapper(`${platform}-cc`, [zig, 'cc', '-target', target]),
    CMAKE_CXX_COMPILER: wrapper(`${platform}-c++`, [zig, 'c++', '-target', target]),
    CMAKE_AR: wrapper('ar', [zig, 'ar']),
    CMAKE_RANLIB: wrapper('ranlib', [zig, 'ranlib']),
    // Asked for on macOS, and not used without an installation.
    CMAKE_INSTALL_NAME_TOOL: 'true',
    CMAKE_OSX_SYSROOT: '',
    // Linking compiles the C and C++ libraries first: CMake's questions need not.
    CMAKE_TRY_COMPILE_TARGET_TYPE: 'STATIC_LIBRARY',
    CMAKE_C_FLAGS_RELEASE: '-O2 -DNDEBUG -g0',
    CMAKE_CXX_FLAGS_RELEASE: '-O2 -DNDEBUG -g0',
    // Most of the time goes into pybind11's headers: each core reads them once.
    CMAKE_UNITY_BUILD: 'ON',
    CMAKE_UNITY_BUILD_BATCH_SIZE: '0',
    CMAKE_JS_INC: bin('node-api-headers', 'include'),
    CMAKE_JS_LIB: platform.startsWith('win32') ? await nodeImportLibrary(zig) : '',
    PYBIND11_INCLUDE: pybind11,
    CORES: Object.entries(cores)
      .map(([name, { include, library }]) =>
        [name.replace('core.', ''), include, ...(library ? [library] : [])].join('='),
      )
      .join(';'),
    STRIP: 'ON',
  };
  const defines = Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`);
  await run(tool('cmake'), ['-G', 'Ninja', '-S', '.', '-B', build, ...defines]);
  await run(tool('ninja'), ['-C', build]);
}
