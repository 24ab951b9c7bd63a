import { constants } from 'node:os';
import { WanGPError } from '../errors';
import { coreName, findBinary, LOADER, missingBinary, muslError, SHARED_MEMORY } from './binaries';
import type { CoreAddon, LoaderAddon, SharedMemoryAddon } from './native';
import { buildCommand, checkUnbundled } from './package';
import type { PythonEnvironment } from '../python/find';

function dlopen(file: string, python?: string): unknown {
  const module = { exports: {} };
  try {
    // What is missing fails here, not at its first use.
    process.dlopen(module, file, constants.dlopen.RTLD_NOW);
  } catch (cause) {
    const musl = muslError();
    if (musl !== undefined) throw musl;
    throw new WanGPError(
      'ERR_WANGP_ADDON_LOAD',
      `${file} could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}. ` +
        `Build it for this machine: ${buildCommand(python)}`,
      { cause },
    );
  }
  return module.exports;
}

/**
 * Opens the interpreter's libpython and loads the core that was built for its version.
 * Throws `ERR_WANGP_CORE_MISSING`, `ERR_WANGP_ADDON_LOAD` or `ERR_WANGP_PYTHON_IN_USE`; what is thrown once the library
 * is open goes through `explain`.
 */
export function loadCore(
  python: PythonEnvironment,
  explain: (error: unknown, python: PythonEnvironment) => unknown,
): { readonly core: CoreAddon; readonly deepBind: boolean } {
  const loaderFile = findBinary(LOADER);
  if (loaderFile === undefined) throw missingBinary(LOADER, 'the native addon is not built', python.executable);
  const coreFile = findBinary(coreName(python.minor));
  if (coreFile === undefined) {
    const why = `there is no native core for Python ${python.minor} (${python.executable})`;
    throw missingBinary(coreName(python.minor), why, python.executable);
  }
  const loader = dlopen(loaderFile, python.executable) as LoaderAddon;
  try {
    loader.openPython(python.libraryPath, { deepBind: loader.deepBinds });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new WanGPError((code ?? 'ERR_WANGP_ADDON_LOAD') as WanGPError['code'], message, { cause });
  }
  try {
    return { core: dlopen(coreFile, python.executable) as CoreAddon, deepBind: loader.deepBinds };
  } catch (error) {
    throw explain(error, python);
  }
}

/** An error of a time when the interpreter's library was loaded already, which can't be undone. */
export function spent(error: unknown, python: PythonEnvironment): unknown {
  if (!(error instanceof WanGPError)) return error;
  const message = `${error.message}. This process has loaded ${python.libraryPath}: for another Python, start a new one`;
  return new WanGPError(error.code, message, error);
}

/** The core of the Python that another environment of this process has started, for its minor version. */
export function joinCore(minor: string): CoreAddon {
  checkUnbundled();
  const file = findBinary(coreName(minor));
  if (file === undefined)
    throw missingBinary(coreName(minor), `there is no native core for Python ${minor}`, undefined);
  return dlopen(file) as CoreAddon;
}

/** The part of the addon that has no Python in it. Throws `ERR_WANGP_CORE_MISSING` or `ERR_WANGP_ADDON_LOAD`. */
export function loadSharedMemory(): SharedMemoryAddon {
  checkUnbundled();
  const file = findBinary(SHARED_MEMORY);
  if (file === undefined) throw missingBinary(SHARED_MEMORY, 'the native addon is not built', undefined);
  return dlopen(file) as SharedMemoryAddon;
}
