import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { absolutePath, realPath } from '../directory';
import { WanGPError } from '../errors';
import { PYTHON_FOLDER } from '../runtime/addon';
import { describe, checkNoTilde, invalid } from '../validate';

/** The folder shaped like a WanGP checkout that stands in where none is named. */
export const SAMPLE_ROOT = realPath(path.join(PYTHON_FOLDER, 'sample_root'));

/** The real path of the checkout: the option, `WANGP_ROOT`, or the sample. Throws `ERR_WANGP_ROOT` where it is none. */
export function findRoot(option: string | undefined): string {
  const variable = process.env['WANGP_ROOT'];
  const name = option === undefined ? 'the variable WANGP_ROOT' : 'the option `root`';
  const named = option ?? (variable === '' ? undefined : variable);
  if (named !== undefined) checkNoTilde(named, name);
  const root = named === undefined ? SAMPLE_ROOT : realPath(absolutePath(named, name));
  if (!existsSync(path.join(root, 'shared', 'api.py'))) {
    throw new WanGPError(
      'ERR_WANGP_ROOT',
      `${root} (${name}) is no WanGP checkout: it has no shared/api.py. Name the folder that WanGP was cloned into; ` +
        'if it is an old checkout, update it',
    );
  }
  return root;
}

const CONFIG_NAME = 'wgp_config.json';

/**
 * The real path of WanGP's configuration. WanGP writes the one of its checkout when it first starts; another one has to
 * exist, or a misspelt path would start WanGP with settings that nobody chose. Throws `ERR_WANGP_FILE` where it doesn't.
 */
export function findConfig(option: string, root: string): string {
  try {
    return realConfig(option, root);
  } catch (cause) {
    if (cause instanceof WanGPError) throw cause;
    // A circle of links, a file in place of a folder, a name that is too long.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WanGPError('ERR_WANGP_FILE', `configPath ${describe(option)} can't be read: ${reason}`, { cause });
  }
}

function realConfig(option: string, root: string): string {
  const file = realPath(absolutePath(option, 'configPath'));
  // As upstream: the name counts where links have led to.
  if (path.basename(file) !== CONFIG_NAME) {
    throw invalid(`configPath must point to a file named ${CONFIG_NAME}, not ${file}`);
  }
  if (file === path.join(root, CONFIG_NAME)) return file;
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  throw new WanGPError(
    'ERR_WANGP_FILE',
    `configPath ${file} is no file: copy ${path.join(root, CONFIG_NAME)} there, which WanGP writes when it first starts`,
  );
}

let toldAboutSample = false;

/** Says once that the sample runs, where nobody asked for it by name. */
export function tellAboutSample(root: string): void {
  if (root !== SAMPLE_ROOT || toldAboutSample) return;
  toldAboutSample = true;
  console.warn(
    'wangp-node: no WanGP root was given, so the embedded sample runs: procedural pictures and sound, no AI. ' +
      'Name a checkout with init({ root }) or WANGP_ROOT.',
  );
}
