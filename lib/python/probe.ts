/**
 * Asks a Python interpreter about itself by running it once. Nothing here judges the answer.
 */
import { spawn } from 'node:child_process';

/** What an interpreter says about itself; a string that it doesn't know is empty. */
export interface InterpreterAnswer {
  /** `cpython`, `pypy`, … */
  readonly implementation: string;
  readonly version: string;
  readonly majorVersion: number;
  readonly minorVersion: number;
  readonly executable: string;
  readonly baseExecutable: string;
  readonly prefix: string;
  readonly basePrefix: string;
  readonly execPrefix: string;
  /** `sys.platform` */
  readonly platform: string;
  /** `sysconfig.get_platform()`, on Windows the only thing that tells the architecture of the process. */
  readonly platformTag: string;
  readonly machine: string;
  readonly pointerSize: number;
  /** `glibc 2.36`, or empty where the C library is another one. */
  readonly libc: string;
  /** The triple that the interpreter was built for, and the suffix of its extension modules. */
  readonly hostType: string;
  readonly extensionSuffix: string;
  readonly freeThreaded: boolean;
  readonly enableShared: boolean;
  readonly abiFlags: string;
  /** The shared library that the running interpreter had mapped, where it is not linked statically. */
  readonly mappedLibrary: string;
  readonly ldLibrary: string;
  readonly instSoName: string;
  readonly libDir: string;
  readonly platLibDir: string;
  readonly multiarch: string;
  readonly frameworkPrefix: string;
}

/** The interpreter did not answer. `problem` completes the sentence "the interpreter …". */
export class ProbeFailure extends Error {
  constructor(
    readonly problem: string,
    cause?: unknown,
    /** Whether it was still running when its time was up. */
    readonly isTimeout = false,
  ) {
    super(problem, { cause });
  }
}

export interface AskOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}

/** Stands before and after the answer: `sitecustomize`, `.pth` files and launchers may print as well. */
export const ANSWER_MARKER = '#wangp-node-answer#';

/** Python 2 must be able to read this too, so that it is refused for its version and not as broken. */
const PROBE_SCRIPT = `
import sys
sys.path[:] = [p for p in sys.path if p]
import json, os, struct, sysconfig

def attempt(function):
    try:
        return function()
    except Exception:
        return ''

def mapped_windows():
    import ctypes
    from ctypes import wintypes
    name = ctypes.create_unicode_buffer(32768)
    get = ctypes.WinDLL('kernel32').GetModuleFileNameW
    get.argtypes = [wintypes.HMODULE, wintypes.LPWSTR, wintypes.DWORD]
    get(sys.dllhandle, name, 32768)
    return name.value

def mapped_linux():
    wanted = 'libpython%d.%d' % sys.version_info[:2]
    with open('/proc/self/maps', 'rb') as file:
        text = file.read().decode(sys.getfilesystemencoding(), 'surrogateescape')
    for line in text.split('\\n'):
        path = line.split(None, 5)[5:]
        if path and os.path.basename(path[0]).startswith(wanted):
            return path[0]

def variable(name):
    return attempt(lambda: sysconfig.get_config_var(name))

def implementation():
    if hasattr(sys, 'implementation'):
        return sys.implementation.name
    return 'pypy' if 'PyPy' in sys.version else 'cpython'

def version():
    v = sys.version_info
    stage = {'alpha': 'a', 'beta': 'b', 'candidate': 'rc'}.get(v[3])
    return '%d.%d.%d' % v[:3] + ('%s%d' % (stage, v[4]) if stage else '')

answer = {
    'implementation': implementation(),
    'version': version(),
    'majorVersion': sys.version_info[0],
    'minorVersion': sys.version_info[1],
    'executable': sys.executable,
    'baseExecutable': getattr(sys, '_base_executable', sys.executable),
    'prefix': sys.prefix,
    'basePrefix': getattr(sys, 'base_prefix', sys.prefix),
    'execPrefix': sys.exec_prefix,
    'platform': sys.platform,
    'platformTag': attempt(sysconfig.get_platform),
    'machine': attempt(lambda: os.uname()[4]),
    'pointerSize': struct.calcsize('P'),
    'libc': attempt(lambda: os.confstr('CS_GNU_LIBC_VERSION')),
    'hostType': variable('HOST_GNU_TYPE'),
    'extensionSuffix': variable('EXT_SUFFIX'),
    'freeThreaded': bool(variable('Py_GIL_DISABLED')),
    'enableShared': bool(variable('Py_ENABLE_SHARED')),
    'abiFlags': getattr(sys, 'abiflags', ''),
    'mappedLibrary': attempt(mapped_windows if os.name == 'nt' else mapped_linux),
    'ldLibrary': variable('LDLIBRARY'),
    'instSoName': variable('INSTSONAME'),
    'libDir': variable('LIBDIR'),
    'platLibDir': getattr(sys, 'platlibdir', 'lib'),
    'multiarch': variable('MULTIARCH'),
    'frameworkPrefix': variable('PYTHONFRAMEWORKPREFIX'),
}
for name in answer:
    if answer[name] is None:
        answer[name] = ''
sys.stdout.write('\\n${ANSWER_MARKER}' + json.dumps(answer) + '${ANSWER_MARKER}\\n')
sys.stdout.flush()
`;

const ANSWER_TYPES: Readonly<Record<keyof InterpreterAnswer, 'string' | 'number' | 'boolean'>> = {
  implementation: 'string',
  version: 'string',
  majorVersion: 'number',
  minorVersion: 'number',
  executable: 'string',
  baseExecutable: 'string',
  prefix: 'string',
  basePrefix: 'string',
  execPrefix: 'string',
  platform: 'string',
  platformTag: 'string',
  machine: 'string',
  pointerSize: 'number',
  libc: 'string',
  hostType: 'string',
  extensionSuffix: 'string',
  freeThreaded: 'boolean',
  enableShared: 'boolean',
  abiFlags: 'string',
  mappedLibrary: 'string',
  ldLibrary: 'string',
  instSoName: 'string',
  libDir: 'string',
  platLibDir: 'string',
  multiarch: 'string',
  frameworkPrefix: 'string',
};

/** Whether a value that came out of a process or a cache file is an answer. */
export function isAnswer(value: unknown): value is InterpreterAnswer {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Record<string, unknown>;
  return (
    Object.entries(ANSWER_TYPES).every(([name, type]) => typeof record[name] === type) && record['executable'] !== ''
  );
}

/**
 * Runs an interpreter once and returns what it says about itself: its `sys` and `sysconfig`, and on Linux and
 * Windows the shared library that its own process has mapped. Throws a {@link ProbeFailure}.
 */
export async function askInterpreter(executable: string, options: AskOptions): Promise<InterpreterAnswer> {
  return askScript(executable, ['-c', PROBE_SCRIPT], isAnswer, options);
}

/**
 * Runs an interpreter once, and returns the JSON that it printed between two of {@link ANSWER_MARKER}. Throws a
 * {@link ProbeFailure}, also where that is no answer.
 */
export async function askScript<Answer>(
  executable: string,
  args: readonly string[],
  isTheAnswer: (value: unknown) => value is Answer,
  options: AskOptions,
): Promise<Answer> {
  const { stdout, ending } = await runToEnd(executable, args, options);
  const answer = parse(stdout.split(ANSWER_MARKER).at(-2));
  if (!isTheAnswer(answer)) throw new ProbeFailure(`${ending} without answering`);
  return answer;
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is kept of each stream; a verbose interpreter writes megabytes before it answers. */
const KEPT_BYTES = 1 << 20;
/** How long a stream that a grandchild holds open is waited for once the interpreter has ended. */
const DRAIN_MS = 500;

/**
 * `execFile` waits until every descendant has closed the streams, so that its timeout does not end a launcher
 * script whose child hangs. Here the whole process group is ended and nothing is waited for.
 */
function runToEnd(
  executable: string,
  args: readonly string[],
  options: AskOptions,
): Promise<{ readonly stdout: string; readonly ending: string }> {
  return new Promise((resolve, reject) => {
    const ownGroup = process.platform !== 'win32';
    let child;
    try {
      child = spawn(executable, args, {
        env: probeVariables(options.environment),
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: ownGroup,
        windowsHide: true,
      });
    } catch (error) {
      reject(notStarted(error));
      return;
    }
    const { pid, stdout: output, stderr: errors } = child;
    const stdout = new Tail(KEPT_BYTES);
    const stderr = new Tail(KEPT_BYTES);
    output.on('data', (chunk: Buffer) => stdout.push(chunk));
    errors.on('data', (chunk: Buffer) => stderr.push(chunk));

    let drain: NodeJS.Timeout | undefined;
    let isSettled = false;
    const settle = (outcome: () => void) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      clearTimeout(drain);
      output.destroy();
      errors.destroy();
      outcome();
    };
    const timer = setTimeout(() => {
      endProcesses(pid, ownGroup);
      const problem = `gave no answer within ${options.timeoutMs / 1000} s${complaint(stderr)}`;
      settle(() => reject(new ProbeFailure(problem, undefined, true)));
    }, options.timeoutMs);
    const finish = (code: number | null, signal: NodeJS.Signals | null) => {
      const ending = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
      if (code === 0) settle(() => resolve({ stdout: stdout.text(), ending }));
      else settle(() => reject(new ProbeFailure(`${ending}${complaint(stderr)}`)));
    };
    child.on('error', (error) => settle(() => reject(notStarted(error))));
    child.on('exit', (code, signal) => {
      if (!isSettled) drain = setTimeout(() => finish(code, signal), DRAIN_MS);
    });
    child.on('close', finish);
  });
}

function notStarted(error: unknown): ProbeFailure {
  const reason = error instanceof Error ? error.message : String(error);
  return new ProbeFailure(`could not be started (${reason})`, error);
}

/** The caller's variables, less those that make the interpreter claim to be another one. */
function probeVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const variables: NodeJS.ProcessEnv = { ...environment };
  delete variables['__PYVENV_LAUNCHER__'];
  delete variables['PYTHONEXECUTABLE'];
  delete variables['PYTHONINSPECT'];
  // The working directory must not supply modules; paths are UTF-8, as Node reads them.
  variables['PYTHONSAFEPATH'] = '1';
  variables['PYTHONUTF8'] = '1';
  return variables;
}

function endProcesses(pid: number | undefined, group: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(group ? -pid : pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

/** The end of what the interpreter wrote to stderr, where the reason of a failure stands. */
function complaint(stderr: Tail): string {
  const lines = stderr
    .text()
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
  const end = lines
    .slice(-4)
    .map((line) => line.trim())
    .join(' | ');
  return end === '' ? '' : `: ${end.slice(-600)}`;
}

/** The last bytes of a stream. */
class Tail {
  private chunks: Buffer[] = [];
  private length = 0;

  constructor(private readonly limit: number) {}

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
    for (let [first] = this.chunks; first && this.length - first.length >= this.limit; [first] = this.chunks) {
      this.length -= first.length;
      this.chunks.shift();
    }
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}
