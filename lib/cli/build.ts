import { randomUUID } from 'node:crypto';
import { accessSync, constants, rmSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WanGPError } from '../errors';
import { makeCacheFolder } from '../python/cache';
import { findPython } from '../python/find';
import { BUILD_FOLDER, coreName, LOADER, muslError, SHARED_MEMORY, userBuildFolder } from '../runtime/binaries';
import { buildCommand, IS_CLONE, PACKAGE_ROOT } from '../runtime/package';
import { buildAddon, checkCompiler, pythonFiles } from './build-native';
import { fetchBuildTools } from './build-tools';
import { findRoot } from '../session/root';
import { EXIT } from './failure';
import { leaveByExit } from './interruption';
import { run } from './run';

/** The options of `wangp-node build`. */
export interface BuildOptions {
  readonly python?: string;
  readonly root?: string;
  readonly verbose?: boolean;
}

const say = (message: string): void => console.error(message);

/**
 * `wangp-node build`: compiles the addon from the package's own sources for one Python minor version, and puts it where
 * `init()` finds it. Returns the exit code. What can be missing is looked at before anything is fetched.
 */
export async function build({ python: named, root, verbose = false }: BuildOptions): Promise<number> {
  if (IS_CLONE) {
    const message = `this is the repository, not the installed package: use ${buildCommand(named)}`;
    throw new WanGPError('ERR_WANGP_BUILD', message);
  }
  const musl = muslError();
  if (musl !== undefined) throw musl;
  const python = await findPython({ python: named, root: root === undefined ? undefined : findRoot(root) });
  await checkCompiler();
  await pythonFiles(python);
  const cache = await buildCache();
  say(`Building for Python ${python.minor} (${python.executable})`);
  say('Fetching node-gyp and headers, unless they are there from last time…');
  const tools = await fetchBuildTools(path.join(cache, 'build'), python, { show: verbose });
  const folder = await mkdtemp(path.join(cache, 'build', 'sources-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  leaveByExit();
  process.once('exit', remove);
  try {
    // The package itself has no binding.gyp: package managers would run node-gyp for one.
    await cp(path.join(PACKAGE_ROOT, 'native'), path.join(folder, 'native'), { recursive: true });
    await writeFile(path.join(folder, 'binding.gyp'), '{"includes": ["native/addon.gypi"]}\n');
    say('Compiling; this takes minutes…');
    await buildAddon({ folder, python, ...tools, show: verbose });
    const names = [LOADER, SHARED_MEMORY, coreName(python.minor)];
    const target = await place(path.join(folder, 'build', 'Release'), names, userBuildFolder(cache));
    await checkLoads(python.executable);
    for (const name of names) console.log(path.join(target, name));
  } finally {
    process.off('exit', remove);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  return EXIT.success;
}

async function buildCache(): Promise<string> {
  const cache = await makeCacheFolder(process.env);
  if (cache !== undefined) {
    await mkdir(path.join(cache, 'build'), { recursive: true });
    return cache;
  }
  const message = `there is no folder to build in: neither your cache folder nor ${os.tmpdir()} can be written to`;
  throw new WanGPError('ERR_WANGP_BUILD', message);
}

/** Puts the binaries into the package, else into the user's cache folder; resolves with the folder. */
async function place(from: string, names: readonly string[], elsewhere: string): Promise<string> {
  const target = (await isWritable(BUILD_FOLDER)) ? BUILD_FOLDER : elsewhere;
  await mkdir(target, { recursive: true });
  for (const name of names) {
    const fresh = path.join(target, `${name}.${randomUUID()}`);
    await copyFile(path.join(from, name), fresh);
    // Windows replaces no file that a process has loaded.
    await rename(fresh, path.join(target, name)).catch(async (cause: unknown) => {
      await rm(fresh, { force: true });
      const message = `${path.join(target, name)} can't be replaced: end the programs that use wangp-node, and run this again`;
      throw new WanGPError('ERR_WANGP_BUILD', message, { cause });
    });
  }
  return target;
}

async function isWritable(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Loads what was built, in a process of its own: this one keeps its hands off Python. */
async function checkLoads(executable: string): Promise<void> {
  const script = `const { findPython } = require(${JSON.stringify(path.join(PACKAGE_ROOT, 'dist', 'python', 'find.js'))});
    const { loadCore } = require(${JSON.stringify(path.join(PACKAGE_ROOT, 'dist', 'runtime', 'addon.js'))});
    findPython({ python: ${JSON.stringify(executable)} }).then(loadCore);`;
  try {
    await run(process.execPath, ['-e', script]);
  } catch (cause) {
    const message = `what was built doesn't load: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new WanGPError('ERR_WANGP_BUILD', message, { cause });
  }
}
