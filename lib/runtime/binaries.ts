/** Finds the binaries of the addon, and says what to do where there is none. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { WanGPError } from '../errors';
import { openCacheFolder } from '../python/cache';
import { buildCommand, IS_CLONE, PACKAGE_ROOT, packageVersion, PLATFORM, PREBUILT_PLATFORMS } from './package';

/** Where a build from source puts its binaries, where it may write there. */
export const BUILD_FOLDER = path.join(PACKAGE_ROOT, 'build', 'Release');

/** Where it puts them elsewhere, in a cache folder of the user's. */
export function userBuildFolder(cacheFolder: string): string {
  return path.join(cacheFolder, 'native', `${packageVersion()}-${PLATFORM}`);
}

/** In the order that they are looked in: what was built here comes before what was published. */
export function binaryFolders(): readonly string[] {
  // A clone has its own build, and its version says nothing of its sources.
  const cache = IS_CLONE ? undefined : openCacheFolder(process.env);
  return [
    BUILD_FOLDER,
    ...(cache === undefined ? [] : [userBuildFolder(cache)]),
    path.join(PACKAGE_ROOT, 'prebuilds', PLATFORM),
  ];
}

/** The binaries that have no Python in them. */
export const LOADER = 'loader.node';
export const SHARED_MEMORY = 'shared_memory.node';

/** `3.11` to `core.cp311.node`. */
export function coreName(minor: string): string {
  return `core.cp${minor.replace('.', '')}.node`;
}

export function findBinary(name: string): string | undefined {
  return binaryFolders()
    .map((folder) => path.join(folder, name))
    .find((file) => existsSync(file));
}

/** The error for a binary that is not there; `why` begins the sentence. */
export function missingBinary(name: string, why: string, python: string | undefined): WanGPError {
  return (
    muslError() ??
    new WanGPError(
      'ERR_WANGP_CORE_MISSING',
      `${why}: ${name} is in none of ${binaryFolders().join(', ')}. ${unknownPlatform()}` +
        `Build it${IS_CLONE ? '' : ' from source'}: ${buildCommand(python)}`,
    )
  );
}

function unknownPlatform(): string {
  if ((PREBUILT_PLATFORMS as readonly string[]).includes(PLATFORM)) return '';
  return `Binaries are published for ${PREBUILT_PLATFORMS.join(', ')}; this is ${PLATFORM}. `;
}

/** The error for musl libc, for which no binary can do; undefined on every other system. */
export function muslError(): WanGPError | undefined {
  if (process.platform !== 'linux' || !usesMusl()) return undefined;
  return new WanGPError(
    'ERR_WANGP_PLATFORM',
    `this Node (${process.execPath}) uses musl libc (Alpine Linux). PyTorch, which WanGP needs, and this package exist ` +
      'for glibc only: use a glibc system such as Debian or Ubuntu, in a container for example the image ' +
      '`node:22-bookworm` in place of `node:22-alpine`',
  );
}

/** What this process has mapped tells in every runtime; Node's own report exists in Node alone. */
function usesMusl(): boolean {
  try {
    return /\/(?:ld-musl-|libc\.musl-)/.test(readFileSync('/proc/self/maps', 'utf8'));
  } catch {
    return false;
  }
}
