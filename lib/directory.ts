import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { WanGPError } from './errors';

/** This process's working directory; undefined where it was deleted. Node may still remember the name of such a one. */
export function currentDirectory(): string | undefined {
  let directory: string;
  try {
    directory = process.cwd();
  } catch {
    return undefined;
  }
  return existsSync(directory) ? directory : undefined;
}

/** Throws `ERR_WANGP_FILE` where there is no working directory; `use` says what it is needed for. */
export function workingDirectory(use: string): string {
  const directory = currentDirectory();
  if (directory !== undefined) return directory;
  throw new WanGPError(
    'ERR_WANGP_FILE',
    `the working directory of this process was deleted, and ${use}: process.chdir() to a folder that exists first`,
  );
}

/** `file` as an absolute path; `name` is what the caller calls it. Throws `ERR_WANGP_FILE` as above. */
export function absolutePath(file: string, name: string): string {
  if (path.isAbsolute(file)) return path.resolve(file);
  return path.resolve(workingDirectory(`${name} is relative to it`), file);
}

/** Two names of one file or folder are one; what doesn't exist has the real name of the folder that it would be in. */
export function realPath(file: string): string {
  if (existsSync(file)) return nameOnDisk(realpathSync(file));
  const parent = path.dirname(file);
  return parent === file ? file : path.join(realPath(parent), path.basename(file));
}

/** Where a system takes any case for a name, the one that it has. A drive that stands for a folder stays that drive. */
function nameOnDisk(file: string): string {
  const name = realpathSync.native(file);
  return name.toLowerCase() === file.toLowerCase() ? name : file;
}

/** Whether two absolute paths that lead through no links name one file: Windows doesn't tell cases apart. */
export function isSamePath(one: string, other: string): boolean {
  return process.platform === 'win32' ? one.toLowerCase() === other.toLowerCase() : one === other;
}
