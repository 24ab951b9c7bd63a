/**
 * A private environment in the user's cache folder, for a root of this package's: nobody has to install into a Python
 * that their system manages. It is made beside whatever was there and becomes valid at once, by a file that names it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { WanGPError } from '../errors';
import { makeCacheFolder, openCacheFolder } from './cache';
import { makeEnvironment, type MakeOptions } from './make-environment';
import { fileKind, interpreterIn } from './places';
import type { PythonFacts } from './suitability';

/** The name that {@link makeOwnEnvironment} has given to a finished one. */
interface Pointer {
  readonly folder: string;
}

/** What other processes may still be making is younger than this. */
const UNFINISHED_MS = 60 * 60 * 1000;

const FOLDER_NAME = /^sample-3\.\d+-[0-9a-f]{12}$/;

function pointerName(requirements: string): string {
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  return `sample-${digest.slice(0, 16)}.json`;
}

function isPointer(value: unknown): value is Pointer {
  const folder: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'folder') : undefined;
  return typeof folder === 'string' && FOLDER_NAME.test(folder);
}

/** The folder that a file names; undefined where there is no such file, or it holds something else. */
async function read(file: string): Promise<string | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isPointer(value) ? path.join(path.dirname(file), value.folder) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The interpreter of the environment that was made for the file `requirements` as it is now; undefined where there is
 * none, or the Python that it was made from is gone.
 */
export async function findOwnEnvironment(
  requirements: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const cache = openCacheFolder(environment);
  const folder = cache === undefined ? undefined : await read(path.join(cache, pointerName(requirements)));
  const executable = folder === undefined ? undefined : await interpreterIn(folder);
  return executable !== undefined && (await fileKind(executable)) === 'file' ? executable : undefined;
}

/**
 * Makes an environment with what the file `requirements` names, from the interpreter `base`, in place of one that was
 * made before, and returns its interpreter. Rejects with `ERR_WANGP_SETUP`.
 */
export async function makeOwnEnvironment(
  requirements: string,
  base: PythonFacts,
  options: MakeOptions = {},
): Promise<string> {
  const cache = await makeCacheFolder(options.environment ?? process.env);
  if (cache === undefined) {
    throw new WanGPError(
      'ERR_WANGP_SETUP',
      'there is no folder to make the environment in: neither the cache folder of this user nor the one for ' +
        'temporary files can be written. Name a folder that can be: XDG_CACHE_HOME on Linux, LOCALAPPDATA on Windows',
    );
  }
  const folder = path.join(cache, `sample-${base.minor}-${randomBytes(6).toString('hex')}`);
  const executable = await makeEnvironment(folder, base, ['-r', requirements], options);
  const pointer = path.join(cache, pointerName(requirements));
  // Something else in its place would keep what was made from being found, each time anew.
  if ((await fileKind(pointer)) === 'folder') await rm(pointer, { recursive: true, force: true });
  await writeFile(`${folder}.tmp`, JSON.stringify({ folder: path.basename(folder) } satisfies Pointer));
  await rename(`${folder}.tmp`, pointer);
  await removeUnnamed(cache);
  return executable;
}

/** Removes the environments that no file names any more. */
async function removeUnnamed(cache: string): Promise<void> {
  const names = await readdir(cache);
  const pointers = names.filter((name) => /^sample-[0-9a-f]{16}\.json$/.test(name));
  const named = await Promise.all(pointers.map((name) => read(path.join(cache, name))));
  for (const name of names.filter((each) => FOLDER_NAME.test(each))) {
    const folder = path.join(cache, name);
    if (named.includes(folder) || !existsSync(folder)) continue;
    const { mtimeMs } = await stat(folder);
    if (Date.now() - mtimeMs < UNFINISHED_MS) continue;
    await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}
