/**
 * Finds the interpreter that WanGP is installed in and says, before anything is loaded, whether it can be embedded.
 */
import path from 'node:path';

import { absolutePath } from '../directory';
import { WanGPError } from '../errors';
import { AnswerCache, defaultCacheFolders, fileState, fingerprint, type FileState } from './cache';
import {
  commandsOnPath,
  danglingTarget,
  expandPath,
  fileKind,
  interpreterIn,
  INTERPRETER_NAMES,
  machineInterpreters,
  rootEnvironments,
  variable,
} from './places';
import { askInterpreter, ProbeFailure, type InterpreterAnswer } from './probe';
import {
  installCommands,
  judge,
  locateLibrary,
  renewal,
  shellWord,
  type PythonFacts,
  type Unsuitable,
  type Verdict,
} from './suitability';

export type PythonSource = 'option' | 'WANGP_PYTHON' | 'root' | 'VIRTUAL_ENV' | 'CONDA_PREFIX' | 'PATH';

/** An interpreter that can be embedded, as it described itself. */
export interface PythonEnvironment extends PythonFacts {
  /** What led to it. */
  readonly source: PythonSource;
}

export interface ProbeOptions {
  /** @default process.env */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Where answers are kept. @default the user's cache folder, else one in the folder of temporary files */
  readonly cacheFolder?: string | undefined;
  /** How long an interpreter may take to answer. @default 20000 */
  readonly timeoutMs?: number | undefined;
}

export interface FindPythonOptions extends ProbeOptions {
  /** Path of an interpreter, folder of an environment, or the name of a command on PATH. */
  readonly python?: string | undefined;
  /** The WanGP checkout, in which its environment is looked for. */
  readonly root?: string | undefined;
}

/** An interpreter of this machine, and whether it can be embedded. */
export interface InterpreterCandidate {
  readonly executable: string;
  /** Undefined where it doesn't run. */
  readonly version: string | undefined;
  readonly suitable: boolean;
  readonly environment: PythonEnvironment | undefined;
  /** Why it can't be used. */
  readonly error: WanGPError | undefined;
}

/** An interpreter to be examined, or why what was named is none. `origin` tells how it was come by. */
interface Candidate {
  readonly source: PythonSource;
  readonly subject: string;
  readonly origin: string;
  readonly unsuitable?: Unsuitable;
}

const DEFAULT_TIMEOUT_MS = 20_000;

/**
 * Finds the interpreter to embed: the `python` option, else `WANGP_PYTHON`, else the environment in `root` (see
 * `rootEnvironments`), else the activated `VIRTUAL_ENV` or `CONDA_PREFIX`, else the first usable `python3` on PATH.
 * The first of these that is there decides; only on PATH is an unusable one passed over. Every fact comes from the
 * interpreter itself, which is run once and whose answer is kept until the interpreter changes.
 *
 * Rejects with a {@link WanGPError}: `ERR_WANGP_PYTHON_NOT_FOUND`, `_BROKEN`, `_VERSION`, `_STATIC`,
 * `_FREE_THREADED`, or `ERR_WANGP_PLATFORM` where interpreter and Node don't go together. The message names the
 * interpreter, what is wrong, what to do, and which interpreters of this machine would do.
 */
export async function findPython(options: FindPythonOptions = {}): Promise<PythonEnvironment> {
  const { python, root, environment = process.env } = options;
  if (python !== undefined && (typeof python !== 'string' || python === '')) {
    throw new WanGPError('ERR_WANGP_ARGUMENT', 'The option `python` must be the path or the name of an interpreter.');
  }
  const examiner = new Examiner(options);
  const decided = await decidingCandidate(python, root, environment);
  if (decided !== undefined) {
    const verdict = await examiner.examine(decided);
    if ('facts' in verdict) return { ...verdict.facts, source: decided.source };
    throw await examiner.refusal([[decided, verdict.unsuitable]]);
  }

  const refused: [Candidate, Unsuitable][] = [];
  for (const candidate of await pathCandidates(environment)) {
    const verdict = await examiner.examine(candidate);
    if ('facts' in verdict) return { ...verdict.facts, source: 'PATH' };
    refused.push([candidate, verdict.unsuitable]);
  }
  throw refused.length === 0 ? await examiner.nothingFound(root) : await examiner.refusal(refused);
}

/**
 * Asks one interpreter, or the one of an environment's folder, and says what embedding needs to know.
 * Rejects as {@link findPython} does.
 */
export async function probeInterpreter(
  executable: string,
  options: ProbeOptions & { readonly source?: PythonSource } = {},
): Promise<PythonEnvironment> {
  const { source = 'option', environment = process.env } = options;
  const examiner = new Examiner(options);
  const candidate = await placeCandidate(expandPath(executable, environment), source, 'named by its path');
  const verdict = await examiner.examine(candidate);
  if ('facts' in verdict) return { ...verdict.facts, source };
  throw await examiner.refusal([[candidate, verdict.unsuitable]]);
}

/**
 * Lists the Pythons of this machine, newest first: those on PATH, in `/usr/bin`, `/usr/local/bin` and Homebrew, and
 * the installations of pyenv, uv, conda and python.org. Never rejects because of one of them.
 */
export function listInterpreters(options: ProbeOptions = {}): Promise<readonly InterpreterCandidate[]> {
  return new Examiner(options).list();
}

/** Which of these would do, or how to install one; the last part of every refusal. */
export function describeSuitable(candidates: readonly InterpreterCandidate[]): string {
  const suitable = candidates.filter((candidate) => candidate.suitable);
  if (suitable.length === 0) {
    return `No interpreter that was found on this machine would do. To install one: ${installCommands()}.`;
  }
  const lines = suitable.map(({ executable, version }) => `\n  ${executable} (CPython ${version})`);
  return (
    'These can be embedded: name the one that WanGP is installed in by the option `python` or by WANGP_PYTHON.' +
    lines.join('')
  );
}

/** Examines interpreters, each at most once, so that a refusal can look at the whole machine without asking again. */
class Examiner {
  private readonly environment: NodeJS.ProcessEnv;
  private readonly timeoutMs: number;
  private readonly cache: AnswerCache;
  private readonly verdicts = new Map<string, Promise<Verdict>>();

  constructor(options: ProbeOptions) {
    this.environment = options.environment ?? process.env;
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const { cacheFolder } = options;
    this.cache = new AnswerCache(cacheFolder === undefined ? defaultCacheFolders(this.environment) : [cacheFolder]);
  }

  async examine(candidate: Candidate): Promise<Verdict> {
    if (candidate.unsuitable !== undefined) return { unsuitable: candidate.unsuitable };
    const executable = candidate.subject;
    let verdict = this.verdicts.get(executable);
    if (verdict === undefined) {
      verdict = this.ask(executable);
      this.verdicts.set(executable, verdict);
    }
    return verdict;
  }

  private async ask(executable: string): Promise<Verdict> {
    const key = await fingerprint(executable, this.environment);
    const cached = key === undefined ? undefined : await this.cache.read(key);
    if (cached !== undefined) {
      const library = await locateLibrary(cached.answer);
      if (sameState(library, cached.library)) return judge(cached.answer, library);
    }
    let answer: InterpreterAnswer;
    try {
      answer = await askInterpreter(executable, { environment: this.environment, timeoutMs: this.timeoutMs });
    } catch (error) {
      if (error instanceof ProbeFailure) return { unsuitable: await broken(executable, error) };
      throw error;
    }
    const library = await locateLibrary(answer);
    // A launcher (a pyenv shim, Xcode's stub) answers as another file, and as yet another one tomorrow.
    const itself = await fileState(answer.executable);
    if (key !== undefined && sameState(itself, key.real)) await this.cache.write(key, { answer, library });
    return judge(answer, library);
  }

  async list(): Promise<readonly InterpreterCandidate[]> {
    const files = await machineInterpreters(this.environment);
    const candidates = await inTurns(files, PROCESSES_AT_ONCE, (file) => this.describe(file));
    const unique = new Map(candidates.map((each) => [each.environment?.executable ?? each.executable, each]));
    return [...unique.values()].sort(newestFirst);
  }

  private async describe(executable: string): Promise<InterpreterCandidate> {
    const candidate: Candidate = { source: 'PATH', subject: executable, origin: 'found on this machine' };
    const verdict = await this.examine(candidate);
    if ('facts' in verdict) {
      const environment: PythonEnvironment = { ...verdict.facts, source: 'PATH' };
      return { executable, version: environment.version, suitable: true, environment, error: undefined };
    }
    const { code, problem, remedy, version, cause } = verdict.unsuitable;
    const error = new WanGPError(code, `The interpreter ${executable} ${problem}. ${remedy}`, { cause });
    return { executable, version, suitable: false, environment: undefined, error };
  }

  /** The error for interpreters that were found and can't be used; its code is that of the first. */
  async refusal(refused: readonly (readonly [Candidate, Unsuitable])[]): Promise<WanGPError> {
    const [[candidate, { code, problem, remedy, cause }]] = refused as [[Candidate, Unsuitable]];
    const others = describeSuitable(await this.list());
    if (refused.length === 1) {
      const subject = `${candidate.subject} (${candidate.origin})`;
      return new WanGPError(code, `${subject} ${problem}. ${remedy}\n${others}`, { cause });
    }
    const lines = refused.map(([each, unsuitable]) => `\n  ${each.subject} ${unsuitable.problem}.`);
    const message = `No \`python3\` on PATH can be used:${lines.join('')}\nFor the first: ${remedy}\n${others}`;
    return new WanGPError(code, message, { cause });
  }

  async nothingFound(root: string | undefined): Promise<WanGPError> {
    const inRoot = root === undefined ? 'no `root` was given' : `${root} holds no environment`;
    return new WanGPError(
      'ERR_WANGP_PYTHON_NOT_FOUND',
      'No Python interpreter was found: the option `python` and the variable WANGP_PYTHON are not set, ' +
        `${inRoot}, no environment is activated (VIRTUAL_ENV, CONDA_PREFIX), and PATH has no \`python3\`. ` +
        `Name the interpreter that WanGP is installed in.\n${describeSuitable(await this.list())}`,
    );
  }
}

/** The candidate that is used or refused, whatever PATH holds. */
async function decidingCandidate(
  python: string | undefined,
  root: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<Candidate | undefined> {
  if (python !== undefined) return writtenCandidate(python, 'option', 'the option `python`', environment);
  const fromVariable = variable(environment, 'WANGP_PYTHON');
  if (fromVariable !== undefined) {
    return writtenCandidate(fromVariable, 'WANGP_PYTHON', 'the variable WANGP_PYTHON', environment);
  }
  const inRoot = root === undefined ? undefined : await rootCandidate(expandPath(root, environment));
  if (inRoot !== undefined) return inRoot;
  for (const source of ['VIRTUAL_ENV', 'CONDA_PREFIX'] as const) {
    const folder = variable(environment, source);
    // A shell may outlive the environment that it activated, and a conda environment need not hold a Python.
    const executable = folder === undefined ? undefined : await interpreterIn(absolutePath(folder, source));
    if (executable !== undefined) return placeCandidate(executable, source, `activated by ${source}`);
  }
  return undefined;
}

/** What a person wrote: a path, or a name that is looked up on PATH before it is taken for a path. */
async function writtenCandidate(
  written: string,
  source: PythonSource,
  origin: string,
  environment: NodeJS.ProcessEnv,
): Promise<Candidate> {
  const isName = !/[\\/]/.test(written) && !/^[~.]/.test(written);
  const [command] = isName ? await commandsOnPath(written, environment) : [];
  if (command !== undefined) return { source, subject: command, origin };
  const place = expandPath(written, environment);
  if (isName) {
    if ((await fileKind(place)) === 'missing') {
      const problem = `is neither a command on PATH nor a file or folder in ${process.cwd()}`;
      return missing(source, `\`${written}\``, origin, problem);
    }
  }
  return placeCandidate(place, source, origin);
}

async function placeCandidate(place: string, source: PythonSource, origin: string): Promise<Candidate> {
  const kind = await fileKind(place);
  if (kind === 'missing') return missing(source, place, origin, 'does not exist');
  if (kind === 'dangling') {
    return { source, subject: place, origin, unsuitable: await danglingLink(place) };
  }
  if (kind === 'file') return { source, subject: place, origin };
  const executable = await interpreterIn(place);
  if (executable !== undefined) return placeCandidate(executable, source, origin);
  return missing(source, place, origin, `is a folder without an interpreter: it has neither ${INTERPRETER_NAMES}`);
}

async function rootCandidate(root: string): Promise<Candidate | undefined> {
  const found = await rootEnvironments(root);
  if (found === undefined) return undefined;
  const [folder, ...others] = found.folders;
  if (folder !== undefined && others.length === 0) return placeCandidate(folder, 'root', found.reason);
  const problem = `holds several environments (${found.folders.join(', ')}), and nothing says which is WanGP's`;
  return missing('root', root, 'the WanGP checkout', problem);
}

async function pathCandidates(environment: NodeJS.ProcessEnv): Promise<readonly Candidate[]> {
  const names = process.platform === 'win32' ? ['python', 'python3'] : ['python3'];
  const files = await Promise.all(names.map((name) => commandsOnPath(name, environment)));
  return files.flat().map((subject) => ({ source: 'PATH', subject, origin: 'found on PATH' }));
}

function missing(source: PythonSource, subject: string, origin: string, problem: string): Candidate {
  const remedy = 'Name the interpreter, or the folder of the environment, that WanGP is installed in.';
  return { source, subject, origin, unsuitable: { code: 'ERR_WANGP_PYTHON_NOT_FOUND', problem, remedy } };
}

async function danglingLink(place: string): Promise<Unsuitable> {
  const problem = `is a link to ${await danglingTarget(place)}, which does not exist`;
  const folder = await environmentFolder(place);
  const remedy =
    folder === undefined
      ? 'Install that interpreter again or name another one.'
      : `The Python that the environment was made from is gone; make it anew: ${renewal('python3.11', folder)}.`;
  return { code: 'ERR_WANGP_PYTHON_BROKEN', problem, remedy };
}

async function broken(executable: string, failure: ProbeFailure): Promise<Unsuitable> {
  const folder = await environmentFolder(executable);
  const byHand = `\`${shellWord(executable)} -c "import sys, sysconfig; print(sys.version)"\``;
  const renew = folder === undefined ? '' : ` If that fails too, make it anew: ${renewal('python3.11', folder)}.`;
  return {
    code: 'ERR_WANGP_PYTHON_BROKEN',
    problem: failure.problem,
    remedy: `See what it says by itself: ${byHand}.${renew}`,
    cause: failure.cause,
  };
}

/** The virtual environment that an interpreter belongs to. */
async function environmentFolder(executable: string): Promise<string | undefined> {
  const folder = path.dirname(path.dirname(executable));
  return (await fileKind(path.join(folder, 'pyvenv.cfg'))) === 'file' ? folder : undefined;
}

function sameState(left: FileState | null, right: FileState | null): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function newestFirst(left: InterpreterCandidate, right: InterpreterCandidate): number {
  const numeric = (right.version ?? '').localeCompare(left.version ?? '', 'en', { numeric: true });
  return numeric === 0 ? left.executable.localeCompare(right.executable) : numeric;
}

const PROCESSES_AT_ONCE = 4;

/** Runs a task for every item, so many at a time; results in the order of the items. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  task: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Array<Result>(items.length);
  const waiting = items.entries();
  const worker = async () => {
    for (const [index, item] of waiting) results[index] = await task(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
