/**
 * Every error that this package raises on purpose is a {@link WanGPError} with one of these codes. The message says what
 * happened and what to do; the code is stable.
 *
 * There is one exception: what an `AbortSignal` ended rejects with the signal's reason, by default an AbortError. A submit
 * that `session.cancel()` withdrew rejects with an AbortError too.
 */
export const ERROR_CODES = Object.freeze({
  /** No Python interpreter was found in any of the places that are searched. */
  ERR_WANGP_PYTHON_NOT_FOUND: 'No Python interpreter was found.',
  /** The interpreter that was named or found doesn't run or doesn't answer. */
  ERR_WANGP_PYTHON_BROKEN: 'The interpreter does not run.',
  /** The interpreter is older than CPython 3.10, newer than this package knows, or not CPython. */
  ERR_WANGP_PYTHON_VERSION: 'The interpreter has a version that is not supported.',
  /** The interpreter was built without a shared library, so it can't be embedded. */
  ERR_WANGP_PYTHON_STATIC: 'The interpreter has no shared library.',
  /** The interpreter is a free-threaded build. */
  ERR_WANGP_PYTHON_FREE_THREADED: 'Free-threaded builds of Python are not supported.',
  /** No native core was built for the interpreter's version. */
  ERR_WANGP_CORE_MISSING: 'There is no native core for this Python version.',
  /** The native addon was found and could not be loaded. */
  ERR_WANGP_ADDON_LOAD: 'The native addon could not be loaded.',
  /** A bundler or an Electron archive has taken this package's code away from its addon and its Python files. */
  ERR_WANGP_BUNDLED: 'The package was bundled.',
  /** The native addon could not be built from its sources (`wangp-node build`). */
  ERR_WANGP_BUILD: 'The native addon could not be built.',
  /** The environment of the embedded sample root could not be made (`wangp-node setup`). */
  ERR_WANGP_SETUP: 'The environment could not be made.',
  /** This platform (operating system, C library, processor) is not supported. */
  ERR_WANGP_PLATFORM: 'The platform is not supported.',
  /** There is no Node for the process that Python is to run in (`place: 'child'`), or the one that was named won't do. */
  ERR_WANGP_NODE_NOT_FOUND: 'No Node was found for a child.',
  /** The process that Python ran in (`place: 'child'`) has ended: it crashed, was killed, or has exited. */
  ERR_WANGP_CHILD_ENDED: 'The child has ended.',
  /** Another library has already started a Python interpreter in this process. */
  ERR_WANGP_PYTHON_IN_USE: 'Another library has already started Python in this process.',
  /** The interpreter was loaded and did not start. */
  ERR_WANGP_PYTHON_START: 'Python did not start.',
  /** `root` is no WanGP checkout: `shared/api.py` is missing. */
  ERR_WANGP_ROOT: 'The root is no WanGP checkout.',
  /** A package that `shared.api` or a module of `preImport` needs is missing from the interpreter's environment. */
  ERR_WANGP_PACKAGE_MISSING: 'A Python package is missing.',
  /** `shared.api` or a module of `preImport` could not be imported or initialised; the traceback says why. */
  ERR_WANGP_IMPORT: 'WanGP could not be imported.',
  /** With `place: 'here'`, `init` was called again with another root, configPath, cliArgs or python. */
  ERR_WANGP_ALREADY_INITIALIZED: 'WanGP is already initialised with other options.',
  /** An argument has the wrong type or an impossible value. */
  ERR_WANGP_ARGUMENT: 'An argument is invalid.',
  /** A value can't be given to Python: function, symbol, Date, circular structure, NaN, infinity. */
  ERR_WANGP_VALUE: 'A value cannot be handed to Python.',
  /** A file that was named does not exist or can't be read, or a folder is one in which nothing can be saved. */
  ERR_WANGP_FILE: 'A file cannot be read.',
  /** A settings or queue file is not what its name says (no JSON, broken zip). */
  ERR_WANGP_SETTINGS_FILE: 'A settings file is invalid.',
  /** The session has a job that is still running. */
  ERR_WANGP_BUSY: 'The session is busy.',
  /** As many jobs wait in the pool as its `maxQueued` allows. */
  ERR_WANGP_QUEUE_FULL: 'The queue is full.',
  /** Waiting took longer than `timeoutMs`; what was waited for goes on. */
  ERR_WANGP_TIMEOUT: 'Waiting took too long.',
  /** A job failed or was cancelled, and its result was asked to throw. */
  ERR_WANGP_GENERATION: 'The generation failed.',
  /** The call came too late: the pool is closed, the process or Worker is ending, or the call was withdrawn. */
  ERR_WANGP_CLOSED: 'It came too late.',
  /** A tensor was used after `dispose()`, or a token of `share()` was opened a second time or after its thread's end. */
  ERR_WANGP_DISPOSED: 'The memory has been released.',
  /** A tensor holds more than a Buffer can: 4 GiB on Node 20, 2 GiB in Electron 22. */
  ERR_WANGP_TOO_LARGE: 'The memory is too large for one Buffer.',
  /** The loaded WanGP, or this runtime, does not offer what was asked for. */
  ERR_WANGP_UNSUPPORTED: 'The loaded WanGP does not offer this.',
  /** Python raised an exception; `pythonType` and `pythonTraceback` tell which and where. */
  ERR_WANGP_PYTHON: 'Python raised an exception.',
} as const);

export type WanGPErrorCode = keyof typeof ERROR_CODES;

export interface WanGPErrorDetails {
  readonly cause?: unknown;
  readonly pythonType?: string | undefined;
  readonly pythonTraceback?: string | undefined;
}

/** The one class of errors of this package. See {@link ERROR_CODES} for the codes. */
export class WanGPError extends Error {
  override readonly name = 'WanGPError';
  readonly code: WanGPErrorCode;
  /** Qualified name of the Python exception's type (`ValueError`, `shared.api.Busy`), where Python raised. */
  readonly pythonType: string | undefined;
  /** The formatted Python traceback, where Python raised. */
  readonly pythonTraceback: string | undefined;

  constructor(code: WanGPErrorCode, message: string, details: WanGPErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.pythonType = details.pythonType;
    this.pythonTraceback = details.pythonTraceback;
  }

  /** For `JSON.stringify`, which leaves out an error's message. */
  toJSON(): { readonly name: string; readonly code: WanGPErrorCode; readonly message: string } {
    const { name, code, message } = this;
    return { name, code, message };
  }
}

/** The error that an aborted `AbortSignal` asks for: its reason, as the platform's own APIs do. */
export function abortError(signal: AbortSignal): unknown {
  return signal.reason ?? makeAbortError('This operation was aborted');
}

/** An AbortError that is no signal's reason. */
export function makeAbortError(message: string): DOMException {
  const { DOMException: known = unnamedDOMException() } = globalThis as Partial<typeof globalThis>;
  return new known(message, 'AbortError');
}

/** The class of what a signal has for a reason: Electron 22 has Node 16, where it is no global. */
function unnamedDOMException(): typeof DOMException {
  const controller = new AbortController();
  controller.abort();
  return (controller.signal.reason as object).constructor as typeof DOMException;
}
