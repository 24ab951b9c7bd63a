/**
 * What each place of the search leads to: an interpreter to be examined, or why what was named is none.
 */
import path from 'node:path';
import { absolutePath } from '../directory';
import {
  commandsOnPath,
  danglingTarget,
  expandPath,
  fileKind,
  interpreterIn,
  INTERPRETER_NAMES,
  rootEnvironments,
  variable,
} from './places';
import { renewal, type Unsuitable } from './suitability';

/** The places of the search, in its order. */
export const SOURCES = ['option', 'WANGP_PYTHON', 'root', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'PATH'] as const;

export type PythonSource = (typeof SOURCES)[number];

/** An interpreter to be examined, or why what was named is none. `origin` tells how it was come by. */
export interface Candidate {
  readonly source: PythonSource;
  readonly subject: string;
  readonly origin: string;
  readonly unsuitable?: Unsuitable;
}

export interface SearchOptions {
  /** Path of an interpreter, folder of an environment, or the name of a command on PATH. */
  readonly python?: string | undefined;
  /** The WanGP checkout, in which its environment is looked for. */
  readonly root?: string | undefined;
  /** The interpreter of an environment that was made for this root elsewhere: used where the root itself has none. */
  readonly rootPython?: string | undefined;
}

/**
 * What a place of the search leads to; nothing where it isn't there. Only PATH may give several, of which the first
 * usable one is meant.
 */
export async function candidatesOf(
  source: PythonSource,
  options: SearchOptions,
  environment: NodeJS.ProcessEnv,
): Promise<readonly Candidate[]> {
  if (source === 'PATH') return pathCandidates(environment);
  const candidate = await candidateOf(source, options, environment);
  return candidate === undefined ? [] : [candidate];
}

async function candidateOf(
  source: Exclude<PythonSource, 'PATH'>,
  { python, root, rootPython }: SearchOptions,
  environment: NodeJS.ProcessEnv,
): Promise<Candidate | undefined> {
  if (source === 'option') {
    return python === undefined ? undefined : writtenCandidate(python, source, 'the option `python`', environment);
  }
  if (source === 'root') {
    const inRoot = root === undefined ? undefined : await rootCandidate(expandPath(root, environment));
    if (inRoot !== undefined || rootPython === undefined) return inRoot;
    return placeCandidate(rootPython, source, `an environment that was made for ${root ?? 'the root'}`);
  }
  const value = variable(environment, source);
  if (value === undefined) return undefined;
  if (source === 'WANGP_PYTHON') {
    return writtenCandidate(value, source, 'the variable WANGP_PYTHON', environment);
  }
  // A shell may outlive the environment that it activated, and a conda environment need not hold a Python.
  const executable = await interpreterIn(absolutePath(value, source));
  return executable === undefined ? undefined : placeCandidate(executable, source, `activated by ${source}`);
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

/** What stands at a path: an interpreter, or the folder of an environment. */
export async function placeCandidate(place: string, source: PythonSource, origin: string): Promise<Candidate> {
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

/** The virtual environment that an interpreter belongs to. */
export async function environmentFolder(executable: string): Promise<string | undefined> {
  const folder = path.dirname(path.dirname(executable));
  return (await fileKind(path.join(folder, 'pyvenv.cfg'))) === 'file' ? folder : undefined;
}
