/**
 * Keeps what interpreters have answered, so that a second start runs none. Everything here is best effort: a cache
 * that is missing, corrupt, unwritable or somebody else's is no cache.
 */
import { createHash, randomUUID } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { isAnswer, type InterpreterAnswer } from './probe';

/** The state of a file; an equal one means that what was learned from the file still holds. */
export interface FileState {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** Everything that an interpreter's answer depends on, apart from its shared library. */
export interface Fingerprint {
  readonly path: string;
  readonly real: FileState;
  /** The `pyvenv.cfg` that makes it a virtual environment's interpreter. */
  readonly configuration: FileState | null;
  readonly variables: string;
}

export interface CachedAnswer {
  readonly answer: InterpreterAnswer;
  readonly library: FileState | null;
}

/** Raised when {@link InterpreterAnswer} or the way it is obtained changes. */
const CACHE_VERSION = 1;
const VARIABLES = ['PYTHONHOME', 'PYTHONPLATLIBDIR'] as const;

/** The state of a file after all links, or null where there is none. */
export async function fileState(file: string): Promise<FileState | null> {
  try {
    const [target, stats] = await Promise.all([realpath(file), stat(file)]);
    return stats.isFile() ? { path: target, size: stats.size, mtimeMs: stats.mtimeMs } : null;
  } catch {
    return null;
  }
}

/** What the answer of this interpreter will depend on, or undefined where the file can't be examined. */
export async function fingerprint(
  executable: string,
  environment: NodeJS.ProcessEnv,
): Promise<Fingerprint | undefined> {
  const real = await fileState(executable);
  if (real === null) return undefined;
  const folder = path.dirname(executable);
  const configuration =
    (await fileState(path.join(folder, 'pyvenv.cfg'))) ?? (await fileState(path.join(folder, '..', 'pyvenv.cfg')));
  const variables = JSON.stringify(VARIABLES.map((name) => environment[name] ?? null));
  return { path: executable, real, configuration, variables };
}

/** One file per interpreter, replaced as a whole: processes that start at the same time can't disturb each other. */
export class AnswerCache {
  private folder: Promise<string | undefined> | undefined;

  constructor(private readonly candidates: readonly string[]) {}

  async read(key: Fingerprint): Promise<CachedAnswer | undefined> {
    const folder = await this.open();
    if (folder === undefined) return undefined;
    try {
      const entry = JSON.parse(await readFile(entryFile(folder, key), 'utf8')) as Record<string, unknown>;
      const { version, answer, library } = entry;
      if (version !== CACHE_VERSION || JSON.stringify(entry['key']) !== JSON.stringify(key)) return undefined;
      return isAnswer(answer) ? { answer, library: (library ?? null) as FileState | null } : undefined;
    } catch {
      return undefined;
    }
  }

  async write(key: Fingerprint, cached: CachedAnswer): Promise<void> {
    const folder = await this.open();
    if (folder === undefined) return;
    const temporary = path.join(folder, `${randomUUID()}.tmp`);
    try {
      const entry = { version: CACHE_VERSION, key, answer: cached.answer, library: cached.library };
      await writeFile(temporary, JSON.stringify(entry), { mode: 0o600, flag: 'wx' });
      await rename(temporary, entryFile(folder, key));
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  private open(): Promise<string | undefined> {
    return (this.folder ??= firstUsable(this.candidates));
  }
}

/** Where answers are kept by default: the user's cache folder, else a folder of the user's own for temporary files. */
export function defaultCacheFolders(environment: NodeJS.ProcessEnv): readonly string[] {
  const user = typeof process.getuid === 'function' ? process.getuid() : safeUserName();
  const temporary = path.join(os.tmpdir(), `wangp-node-${user}`);
  const base = userCacheFolder(environment);
  return base === undefined ? [temporary] : [path.join(base, 'wangp-node'), temporary];
}

function userCacheFolder(environment: NodeJS.ProcessEnv): string | undefined {
  const home = environment['HOME'];
  if (process.platform === 'win32') return environment['LOCALAPPDATA'];
  if (environment['XDG_CACHE_HOME'] !== undefined && path.isAbsolute(environment['XDG_CACHE_HOME'])) {
    return environment['XDG_CACHE_HOME'];
  }
  if (home === undefined || !path.isAbsolute(home)) return undefined;
  return process.platform === 'darwin' ? path.join(home, 'Library', 'Caches') : path.join(home, '.cache');
}

function safeUserName(): string {
  try {
    return os.userInfo().username.replace(/[^\w.-]/g, '_');
  } catch {
    return 'user';
  }
}

function entryFile(folder: string, key: Fingerprint): string {
  return path.join(folder, `python-${createHash('sha256').update(key.path).digest('hex').slice(0, 32)}.json`);
}

/** Those of {@link defaultCacheFolders} that are there and this user's own. */
export function cacheFolders(environment: NodeJS.ProcessEnv): readonly string[] {
  return defaultCacheFolders(environment).filter((folder) => isOurs(folder));
}

/** The first of {@link defaultCacheFolders} that is there already and safe to load from; undefined where none is. */
export function openCacheFolder(environment: NodeJS.ProcessEnv): string | undefined {
  return defaultCacheFolders(environment).find((folder) => isOurs(folder));
}

/** The same, made where it is not there yet. */
export function makeCacheFolder(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  return firstUsable(defaultCacheFolders(environment));
}

async function firstUsable(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      if (isOurs(folder)) return folder;
    } catch {
      // The next one may be writable.
    }
  }
  return undefined;
}

/** What is kept here is loaded into this process, or names what is, so nobody else may have written it. */
function isOurs(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return false;
  if (typeof process.getuid !== 'function') return true;
  return stats.uid === process.getuid() && (stats.mode & 0o022) === 0;
}
