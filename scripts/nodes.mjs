// Other versions of Node, from npm, once.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { CACHE, once, run, say } from './lib.mjs';

/** The major versions that the package is tested with. */
export const NODES = ['20', '22', '24', '26'];

/** The executable of a Node of this major version: the running one, or the one that npm's package `node` brings. */
export async function nodeOf(major) {
  if (process.versions.node.split('.')[0] === major) return process.execPath;
  const folder = path.join(CACHE, 'nodes', major);
  const file = path.join(folder, 'node_modules', 'node', 'bin', 'node');
  await once(`node ${major}`, { inputs: [], outputs: [file] }, async () => {
    say(`fetching Node ${major}`);
    mkdirSync(folder, { recursive: true });
    // Its install script fetches the binary for this machine.
    const options = ['--no-audit', '--no-fund', '--ignore-scripts=false'];
    await run('npm', ['install', '--prefix', folder, `node@${major}`, ...options]);
  });
  return file;
}
