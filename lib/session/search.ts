import path from 'node:path';
import type { SearchOptions } from '../python/candidates';
import { findOwnEnvironment } from '../python/own-environment';
import { SAMPLE_ROOT } from './root';

/** What the sample root needs, for pip. */
export const SAMPLE_REQUIREMENTS = path.join(SAMPLE_ROOT, 'requirements.txt');

/** Where `init` looks for the Python of a root: for the sample also where `wangp-node setup` has made one. */
export async function searchOptions(root: string, python: string | undefined): Promise<SearchOptions> {
  const rootPython = root === SAMPLE_ROOT ? await findOwnEnvironment(SAMPLE_REQUIREMENTS) : undefined;
  return { python, root, rootPython };
}
