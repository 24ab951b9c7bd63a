/**
 * Whether an interpreter can be embedded, from what it said about itself, and what to do where it can't.
 */
import path from 'node:path';

import type { WanGPErrorCode } from '../errors';
import { fileState, type FileState } from './cache';
import type { InterpreterAnswer } from './probe';

export const OLDEST_MINOR = 10;
export const NEWEST_MINOR = 14;
/** The version that WanGP's own installer recommends. */
const RECOMMENDED = '3.11';

/** What embedding needs to know of an interpreter. */
export interface PythonFacts {
  /** `sys.executable`: in a virtual environment its own `python`, not the one it links to. */
  readonly executable: string;
  /** `3.11.7` */
  readonly version: string;
  /** `3.11` */
  readonly minor: string;
  /** Absolute path of `libpython3.11.so.1.0`, a `.dylib`, a framework's `Python` or `python311.dll`. */
  readonly libraryPath: string;
  readonly prefix: string;
  /** The installation that a virtual environment was made from; elsewhere the same as `prefix`. */
  readonly basePrefix: string;
  readonly execPrefix: string;
  readonly baseExecutable: string;
  readonly isVirtualEnvironment: boolean;
  /** `sys.platform` */
  readonly platform: string;
}

/** Why an interpreter can't be used. The problem completes "the interpreter …", the remedy is whole sentences. */
export interface Unsuitable {
  readonly code: WanGPErrorCode;
  readonly problem: string;
  readonly remedy: string;
  readonly version?: string;
  readonly cause?: unknown;
}

export type Verdict = { readonly facts: PythonFacts } | { readonly unsuitable: Unsuitable };

/** Judges an answer; `library` is what {@link locateLibrary} found for it. */
export function judge(answer: InterpreterAnswer, library: FileState | null): Verdict {
  const refused = wrongVersion(answer) ?? wrongPlatform(answer) ?? freeThreaded(answer);
  if (refused !== undefined || library === null) {
    return { unsuitable: { ...(refused ?? withoutLibrary(answer)), version: answer.version } };
  }
  return {
    facts: {
      executable: answer.executable,
      version: answer.version,
      minor: minorOf(answer),
      libraryPath: library.path,
      prefix: answer.prefix,
      basePrefix: answer.basePrefix,
      execPrefix: answer.execPrefix,
      baseExecutable: answer.baseExecutable,
      isVirtualEnvironment: isVirtual(answer),
      platform: answer.platform,
    },
  };
}

/**
 * Finds the file of the shared library: the one that the interpreter had mapped, else the one that its `sysconfig`
 * names, looked for in its own installation before the folder it was configured for (a moved installation still
 * names the old one, which may hold another Python by now). Null where there is none.
 */
export async function locateLibrary(answer: InterpreterAnswer): Promise<FileState | null> {
  for (const candidate of await libraryCandidates(answer)) {
    const state = path.isAbsolute(candidate) ? await fileState(candidate) : null;
    if (state !== null) return state;
  }
  return null;
}

async function libraryCandidates(answer: InterpreterAnswer): Promise<readonly string[]> {
  const { basePrefix, libDir, mappedLibrary } = answer;
  const mapped = mappedLibrary === '' ? [] : [mappedLibrary];
  if (answer.platform === 'win32') {
    return [...mapped, path.join(basePrefix, `python${answer.majorVersion}${answer.minorVersion}.dll`)];
  }
  if (answer.frameworkPrefix !== '') {
    return [...mapped, path.join(answer.frameworkPrefix, answer.ldLibrary), path.join(basePrefix, 'Python')];
  }
  const lib = path.join(basePrefix, 'lib');
  const own = [path.join(basePrefix, answer.platLibDir), lib, path.join(lib, answer.multiarch)];
  // Conda links its interpreter statically, says so, and installs the shared library of the same build beside it.
  const isConda = (await fileState(path.join(basePrefix, 'conda-meta', 'history'))) !== null;
  if (!answer.enableShared && !isConda) return mapped;
  const folders = libDir.startsWith(basePrefix + path.sep) ? [libDir, ...own] : [...own, libDir];
  return [...mapped, ...folders.flatMap((folder) => libraryNames(answer).map((name) => path.join(folder, name)))];
}

function libraryNames(answer: InterpreterAnswer): readonly string[] {
  const stem = `libpython${minorOf(answer)}${answer.abiFlags}`;
  const usual = answer.platform === 'darwin' ? [`${stem}.dylib`] : [`${stem}.so.1.0`, `${stem}.so`];
  return [answer.instSoName, answer.ldLibrary, ...usual].filter((name) => name !== '' && !name.endsWith('.a'));
}

function wrongVersion(answer: InterpreterAnswer): Unsuitable | undefined {
  const range = `CPython 3.${OLDEST_MINOR} to 3.${NEWEST_MINOR}`;
  const code = 'ERR_WANGP_PYTHON_VERSION';
  const remedy = isVirtual(answer)
    ? `Make the environment anew with one of them: ${renewal(`python${RECOMMENDED}`, answer.prefix)}.`
    : `Install one of them: ${installCommands(RECOMMENDED)}.`;
  if (answer.implementation !== 'cpython') {
    const name = answer.implementation === 'pypy' ? 'PyPy' : answer.implementation;
    return { code, problem: `is ${name} ${answer.version}; only ${range} can be embedded`, remedy };
  }
  const { majorVersion: major, minorVersion: minor, version } = answer;
  if (major === 3 && minor >= OLDEST_MINOR && minor <= NEWEST_MINOR) return undefined;
  if (major < 3 || (major === 3 && minor < OLDEST_MINOR)) {
    return { code, problem: `is CPython ${version}, which is too old: wangp-node needs ${range}`, remedy };
  }
  return { code, problem: `is CPython ${version}, which is newer than this wangp-node knows: ${range}`, remedy };
}

function wrongPlatform(answer: InterpreterAnswer): Unsuitable | undefined {
  const code = 'ERR_WANGP_PLATFORM';
  if (answer.platform === 'linux' && answer.libc === '') {
    const isMusl = `${answer.hostType} ${answer.extensionSuffix} ${answer.multiarch}`.includes('musl');
    return {
      code,
      problem: `was built for ${isMusl ? 'musl libc (Alpine Linux)' : 'a C library other than glibc'}`,
      remedy:
        'PyTorch, which WanGP needs, and this package exist for glibc only: use a glibc system such as Debian or ' +
        'Ubuntu, in a container for example the image `node:22-bookworm` in place of `node:22-alpine`.',
    };
  }
  const architecture = architectureOf(answer);
  if (architecture === undefined || architecture === process.arch) return undefined;
  return {
    code,
    problem: `runs as ${architecture}, while this Node (${process.execPath}) runs as ${process.arch}`,
    remedy: `Both must be of the same kind: install a Python for ${process.arch}.`,
  };
}

/** In Node's words; undefined where the answer doesn't tell. */
function architectureOf(answer: InterpreterAnswer): string | undefined {
  const windows: Record<string, string> = { 'win-amd64': 'x64', 'win-arm64': 'arm64', win32: 'ia32' };
  if (answer.platform === 'win32') return windows[answer.platformTag];
  // A 32-bit process reports the machine of its 64-bit kernel.
  const long: Record<string, string> = { x86_64: 'x64', amd64: 'x64', aarch64: 'arm64', arm64: 'arm64' };
  const short: Record<string, string> = { x64: 'ia32', arm64: 'arm' };
  const architecture = long[answer.machine.toLowerCase()];
  return architecture !== undefined && answer.pointerSize === 4 ? short[architecture] : architecture;
}

function freeThreaded(answer: InterpreterAnswer): Unsuitable | undefined {
  if (!answer.freeThreaded) return undefined;
  const minor = minorOf(answer);
  return {
    code: 'ERR_WANGP_PYTHON_FREE_THREADED',
    problem: `is a free-threaded build of CPython ${answer.version}, on which WanGP's packages are not supported`,
    remedy: `Use the ordinary build of the same version: ${installCommands(minor)}.`,
  };
}

function withoutLibrary(answer: InterpreterAnswer): Unsuitable {
  const name = libraryNames(answer)[0] ?? `libpython${minorOf(answer)}`;
  const problem = answer.enableShared
    ? `is CPython ${answer.version}, whose shared library ${name} is not on this machine`
    : `is CPython ${answer.version} built without a shared library (${name}), so it can't be embedded`;
  return { code: 'ERR_WANGP_PYTHON_STATIC', problem, remedy: libraryRemedy(answer) };
}

function libraryRemedy(answer: InterpreterAnswer): string {
  const { basePrefix } = answer;
  const minor = minorOf(answer);
  const pyenvVersion = /[\\/]versions[\\/]([^\\/]+)$/.exec(basePrefix)?.[1];
  if (pyenvVersion !== undefined) {
    return (
      'Build it again with a shared library: ' +
      `\`env PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install --force ${pyenvVersion}\`.`
    );
  }
  if (basePrefix === '/usr' && answer.multiarch !== '') {
    return `Install the library: \`apt install libpython${minor}\`.`;
  }
  if (basePrefix === '/usr') {
    return `Install your distribution's package of libpython${minor}, for example \`dnf install python3-libs\`.`;
  }
  const renew = isVirtual(answer)
    ? ` Then make the environment anew with it: ${renewal(`python${minor}`, answer.prefix)}.`
    : '';
  return (
    `Install a Python that has one: ${installCommands(minor)}, or \`./configure --enable-shared\` ` +
    `where you build it yourself.${renew}`
  );
}

/** Commands that install an interpreter which can be embedded. */
export function installCommands(minor = RECOMMENDED): string {
  const pyenv = `\`env PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install ${minor}\``;
  if (process.platform === 'win32')
    return `\`winget install Python.Python.${minor}\` or \`uv python install ${minor}\``;
  if (process.platform === 'darwin')
    return `\`brew install python@${minor}\`, \`uv python install ${minor}\` or ${pyenv}`;
  return `\`uv python install ${minor}\`, ${pyenv} or \`apt install python${minor} libpython${minor}\``;
}

/** The command that makes a virtual environment anew in its folder. */
export function renewal(python: string, folder: string): string {
  return `\`${shellWord(python)} -m venv --clear ${shellWord(folder)}\``;
}

/** A path as it is typed in a shell. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./~\\-]+$/.test(word)) return word;
  return process.platform === 'win32' ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`;
}

function minorOf(answer: InterpreterAnswer): string {
  return `${answer.majorVersion}.${answer.minorVersion}`;
}

function isVirtual(answer: InterpreterAnswer): boolean {
  return answer.prefix !== answer.basePrefix;
}
