import { existsSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { absolutePath } from '../../directory';
import { checkOutputFolder } from '../../session/output-folder';
import { SAMPLE_ROOT } from '../../session/root';
import { type Check, Finding, size } from './check';
import type { Config } from './root';

const KEYS = ['save_path', 'image_save_path', 'audio_save_path'] as const;

/** Of what a generation saves; a long video in high quality takes some hundred megabytes. */
export const LEAST_FREE = 100e6;
export const ENOUGH_FREE = 5e9;

/** The folders that outputs go to, absolute: the option, else those of the configuration, else `outputs`. */
export function outputFolders(option: string | undefined, root: string, config: Config): readonly string[] {
  if (option !== undefined) return [absolutePath(option, '--output')];
  // WanGP works in its checkout; the sample root saves where it was started.
  const fallback = path.resolve(root === SAMPLE_ROOT ? process.cwd() : root, 'outputs');
  const configured = KEYS.map((key) => config[key]).filter((value) => typeof value === 'string' && value !== '');
  const folders = configured.map((value) => path.resolve(root, value as string));
  return folders.length === 0 ? [fallback] : [...new Set(folders)];
}

/** Whether outputs can be saved in these folders. */
export function checkOutputs(folders: readonly string[]): Check {
  const finding = new Finding('outputs', 'Outputs');
  try {
    for (const folder of folders) checkOutputFolder(folder, 'the folder of outputs');
  } catch (error) {
    return finding.refused(error);
  }
  const [folder = ''] = folders;
  const state = existsSync(folder) ? 'can be written' : 'can be made';
  return finding.ok(`${folder} ${state}`, folders.length > 1 ? { items: folders.slice(1) } : {});
}

function nearestExisting(folder: string): string {
  const parent = path.dirname(folder);
  return existsSync(folder) || parent === folder ? folder : nearestExisting(parent);
}

/** Bytes that this user can still write in a folder; undefined where the file system doesn't say. */
function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bfree, blocks, bsize } = statfsSync(nearestExisting(folder));
    // What is kept for root is root's to use.
    return blocks === 0 ? undefined : (process.getuid?.() === 0 ? bfree : bavail) * bsize;
  } catch {
    return undefined;
  }
}

/** What is left on the disks of these folders. */
export function checkSpace(folders: readonly string[]): Check {
  const finding = new Finding('space', 'Free space');
  const known = folders.map((folder) => ({ folder, free: freeBytes(folder) })).filter(({ free }) => free !== undefined);
  const least = known.sort((one, other) => (one.free ?? 0) - (other.free ?? 0)).at(0);
  if (least?.free === undefined) return finding.ok('the file system does not say');
  const { folder, free } = least;
  const detail = `${size(free)} for ${folder}`;
  const remedy = 'Free some space on that disk, or name another folder with --output (outputDir of init)';
  if (free < LEAST_FREE) return finding.error(detail, remedy);
  return free < ENOUGH_FREE ? finding.warning(detail, remedy) : finding.ok(detail);
}
