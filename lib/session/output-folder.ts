import { accessSync, constants, lstatSync, mkdtempSync, rmdirSync, type Stats, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { absolutePath } from '../directory';
import { WanGPError } from '../errors';

/** The absolute path of a folder for outputs. Throws as {@link checkOutputFolder} does. */
export function findOutputFolder(option: string, name: string): string {
  if (option === '') throw new WanGPError('ERR_WANGP_ARGUMENT', `${name} must be a non-empty string, not ""`);
  const folder = absolutePath(option, name);
  checkOutputFolder(folder, name);
  return folder;
}

/**
 * Throws `ERR_WANGP_FILE` where nothing could be saved in `folder` (absolute): it is a file, it can't be made or written
 * to, or its disk has no space left. Leaves nothing behind: a folder that isn't there is made when it is needed. `name` is
 * what the caller calls it. What can't be told (a quota, a file system that knows no free space) is left to the save.
 */
export function checkOutputFolder(folder: string, name: string): void {
  const problem = outputProblem(folder);
  if (problem === undefined) return;
  throw new WanGPError('ERR_WANGP_FILE', `${name} ${folder} ${problem.what}. ${problem.remedy}`, {
    cause: problem.cause,
  });
}

interface Problem {
  /** Completes "the folder …". */
  readonly what: string;
  /** A sentence. */
  readonly remedy: string;
  readonly cause?: unknown;
}

const ANOTHER = 'Name another folder';
const FULL: Problem = { what: 'lies on a disk without any space left', remedy: 'Free some, or name another folder.' };

function outputProblem(folder: string): Problem | undefined {
  try {
    return problemOf(folder);
  } catch (cause) {
    // A circle of links, a name that is too long, a folder on the way that this user may not look into.
    const reason = cause instanceof Error ? cause.message : String(cause);
    return { what: `can't be used: ${reason}`, remedy: `${ANOTHER}.`, cause };
  }
}

function problemOf(folder: string): Problem | undefined {
  const place = nearest(folder);
  const { stats } = place;
  const isThere = place.path === folder;
  if (stats === undefined) {
    const what = isThere ? 'is a link to nothing' : `can't be made: ${place.path} is a link to nothing`;
    return { what, remedy: `Remove the link, or name another folder.` };
  }
  if (!stats.isDirectory()) {
    return {
      what: isThere ? 'is no folder, but a file' : `can't be made: ${place.path} is no folder, but a file`,
      remedy: `${ANOTHER}, or one that can be made.`,
    };
  }
  return unwritable(place.path, isThere) ?? full(place.path);
}

/** The folder itself, or the nearest one above it that is there; without `stats` it is a link to nothing. */
function nearest(folder: string): { readonly path: string; readonly stats: Stats | undefined } {
  let place = folder;
  for (;;) {
    const stats = present(() => statSync(place));
    if (stats !== undefined) return { path: place, stats };
    if (present(() => lstatSync(place)) !== undefined) return { path: place, stats };
    const parent = path.dirname(place);
    // A drive that isn't there.
    if (parent === place) throw new Error(`${place} does not exist`);
    place = parent;
  }
}

/** Undefined for what isn't there; a part of the path may be a file, which is found further up. */
function present(look: () => Stats): Stats | undefined {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function unwritable(place: string, isThere: boolean): Problem | undefined {
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
    // Of root every right is said, also where nothing can be written (/proc, a network share); Windows tells by no other
    // way what its access control lists allow.
    if (process.platform === 'win32' || process.getuid?.() === 0)
      rmdirSync(mkdtempSync(path.join(place, '.wangp-node-')));
    return undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC') return { ...FULL, cause };
    const isRight = code === 'EACCES' || code === 'EPERM';
    const why =
      code === 'EROFS' ? 'lies on a read-only file system' : `can't be written to by this user (${code ?? 'no code'})`;
    return {
      what: isThere ? why : `can't be made: ${place} ${why}`,
      remedy: isRight ? `${ANOTHER}, or give this user the right to write there.` : `${ANOTHER}.`,
      cause,
    };
  }
}

/** Missing from Node 16, which Electron 22 has. */
const readSpace = statfsSync as typeof statfsSync | undefined;

function full(place: string): Problem | undefined {
  if (readSpace === undefined) return undefined;
  const { blocks, bfree, bavail } = readSpace(place);
  // Some network file systems and virtual ones say 0 of 0.
  if (blocks === 0) return undefined;
  // What is kept for root is root's to use.
  const free = process.getuid?.() === 0 ? bfree : bavail;
  if (free > 0) return undefined;
  return FULL;
}
