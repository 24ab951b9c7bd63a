import type { Dirent } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolders } from '../../python/cache';
import { type Check, Finding, size } from './check';

const CLEAR = '`npx wangp-node doctor --clear-cache` empties it';

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

/** Bytes of all files of a folder; links are not followed. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await entriesOf(folder)) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) bytes += await sizeOf(file);
    else if (entry.isFile()) bytes += await stat(file).then(({ size: length }) => length, () => 0); // prettier-ignore
  }
  return bytes;
}

/** The folders of the cache, and how much they hold. */
export async function checkCaches(environment: NodeJS.ProcessEnv): Promise<Check> {
  const finding = new Finding('cache', 'Cache');
  const folders = cacheFolders(environment);
  if (folders.length === 0) return finding.ok('there is none yet');
  const sizes = await Promise.all(folders.map(sizeOf));
  const texts = folders.map((folder, index) => `${folder}, ${size(sizes[index] ?? 0)}`);
  return finding.ok(`${texts.join('; ')}; ${CLEAR}`);
}

/** Removes the cache: what interpreters have answered, environments and builds that this package made. */
export async function clearCaches(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const told: string[] = [];
  for (const folder of cacheFolders(environment)) {
    const bytes = await sizeOf(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    told.push(`removed ${folder} (${size(bytes)})`);
  }
  return told.length === 0 ? ['there is no cache to remove'] : told;
}
