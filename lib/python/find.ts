/**
 * Finds the interpreter that WanGP is installed in and says, before anything is loaded, whether it can be embedded.
 */
import { WanGPError } from '../errors';
import { AnswerCache, defaultCacheFolders, fileState, fingerprint, type FileState } from './cache';
import {
  type Candidate,
  candidatesOf,
  environmentFolder,
  placeCandidate,
  type PythonSource,
  type SearchOptions,
  SOURCES,
} from './candidates';
import { expandPath, machineInterpreters } from './places';
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

export type { PythonSource } from './candidates';

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

export interface FindPythonOptions extends ProbeOptions, SearchOptions {}

/** An interpreter of this machine, and whether it can be embedded. */
export interface InterpreterCandidate {
  readonly executable: string;
  /** Undefined where it doesn't run. */
  readonly version: string | undefined;
  readonly suitable: boolean;
  readonly environment: PythonEnvironment | undefined;
  /** Why it can't be used. */
  readonly error: WanGPError | undefined;
  /** The same without the remedy; completes "the interpreter …". */
  readonly problem: string | undefined;
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
  const { chosen, refused, examiner } = await search(options);
  if (chosen !== undefined) return chosen;
  throw await examiner.refusalOf(refused, options.root);
}

/** An interpreter that a survey came by. */
export interface SurveyedInterpreter extends InterpreterCandidate {
  /** The place of the search that leads to it; undefined where none does. */
  readonly source: PythonSource | undefined;
}

/** What {@link findPython} decides, and everything that it looked at or would look at. */
export interface PythonSurvey {
  readonly chosen: PythonEnvironment | undefined;
  /** Why there is none; what {@link findPython} rejects with. */
  readonly error: WanGPError | undefined;
  /** In the order of the search, then the others of this machine; each once. */
  readonly interpreters: readonly SurveyedInterpreter[];
}

/** Decides as {@link findPython} does, and tells of every interpreter, in the search or not, whether it would do. */
export async function surveyPython(options: FindPythonOptions = {}): Promise<PythonSurvey> {
  const { chosen, refused, examiner } = await search(options);
  const found = new Map<string, SurveyedInterpreter>();
  const add = (interpreter: InterpreterCandidate, source: PythonSource | undefined): void => {
    const { environment, executable } = interpreter;
    // One installation often has several names: python3 and python3.11.
    const key = environment === undefined ? executable : `${environment.prefix} ${environment.version}`;
    if (!found.has(key)) found.set(key, { ...interpreter, executable: environment?.executable ?? executable, source });
  };
  for (const source of SOURCES) {
    for (const candidate of await candidatesOf(source, options, options.environment ?? process.env)) {
      add(await examiner.describe(candidate), source);
    }
  }
  for (const interpreter of await examiner.list()) add(interpreter, undefined);
  const error = chosen === undefined ? await examiner.refusalOf(refused, options.root) : undefined;
  return { chosen, error, interpreters: [...found.values()] };
}

interface Search {
  readonly examiner: Examiner;
  readonly chosen: PythonEnvironment | undefined;
  /** What the search came by and could not use: the one that decided, or those on PATH. */
  readonly refused: readonly [Candidate, Unsuitable][];
}

async function search(options: FindPythonOptions): Promise<Search> {
  const { python, environment = process.env } = options;
  if (python !== undefined && (typeof python !== 'string' || python === '')) {
    throw new WanGPError('ERR_WANGP_ARGUMENT', 'The option `python` must be the path or the name of an interpreter.');
  }
  const examiner = new Examiner(options);
  const refused: [Candidate, Unsuitable][] = [];
  for (const source of SOURCES) {
    for (const candidate of await candidatesOf(source, options, environment)) {
      const verdict = await examiner.examine(candidate);
      if ('facts' in verdict) return { examiner, chosen: { ...verdict.facts, source }, refused };
      refused.push([candidate, verdict.unsuitable]);
    }
    // Whatever comes later was not meant: a named interpreter is refused, not passed over.
    if (refused.length > 0) break;
  }
  return { examiner, chosen: undefined, refused };
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
    const candidates = await inTurns(files, PROCESSES_AT_ONCE, (subject) =>
      this.describe({ source: 'PATH', subject, origin: 'found on this machine' }),
    );
    const unique = new Map(candidates.map((each) => [each.environment?.executable ?? each.executable, each]));
    return [...unique.values()].sort(newestFirst);
  }

  async describe(candidate: Candidate): Promise<InterpreterCandidate> {
    const { subject: executable, source } = candidate;
    const verdict = await this.examine(candidate);
    if ('facts' in verdict) {
      const environment: PythonEnvironment = { ...verdict.facts, source };
      return { executable, version: environment.version, suitable: true, environment, error: undefined, problem: undefined };
    }
    const { code, problem, remedy, version, cause } = verdict.unsuitable;
    const error = new WanGPError(code, `The interpreter ${executable} ${problem}. ${remedy}`, { cause });
    return { executable, version, suitable: false, environment: undefined, error, problem };
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

  /** What to reject with where the search came to no interpreter. */
  refusalOf(refused: readonly (readonly [Candidate, Unsuitable])[], root: string | undefined): Promise<WanGPError> {
    return refused.length === 0 ? this.nothingFound(root) : this.refusal(refused);
  }

  private async nothingFound(root: string | undefined): Promise<WanGPError> {
    const inRoot = root === undefined ? 'no `root` was given' : `${root} holds no environment`;
    return new WanGPError(
      'ERR_WANGP_PYTHON_NOT_FOUND',
      'No Python interpreter was found: the option `python` and the variable WANGP_PYTHON are not set, ' +
        `${inRoot}, no environment is activated (VIRTUAL_ENV, CONDA_PREFIX), and PATH has no \`python3\`. ` +
        `Name the interpreter that WanGP is installed in.\n${describeSuitable(await this.list())}`,
    );
  }
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
