import { existsSync } from 'node:fs';
import path from 'node:path';
import { WanGPError } from '../errors';
import { missingModules } from '../python/missing';
import type { PythonFacts } from '../python/suitability';
import { SAMPLE_ROOT } from './root';

/** Nothing works without these. What else a checkout imports is its own affair, and changes. */
function indispensable(root: string): readonly string[] {
  if (root === SAMPLE_ROOT) return ['numpy', 'PIL', 'av'];
  return existsSync(path.join(root, 'wgp.py')) ? ['numpy', 'torch'] : [];
}

/**
 * Throws `ERR_WANGP_PACKAGE_MISSING` where an interpreter is plainly not the one that WanGP is installed in. A process
 * that has loaded one Python can load no other, so this is found out before. `folders` are those of `pythonPath`.
 */
export async function checkPackages(python: PythonFacts, root: string, folders: readonly string[]): Promise<void> {
  const modules = indispensable(root);
  if (modules.length === 0) return;
  const missing = await missingModules(python, modules, [...folders, root]);
  if (missing.length === 0) return;
  const names = missing.map((name) => `'${name}'`).join(', ');
  const has = `${python.executable} has no package ${names}, which ${root === SAMPLE_ROOT ? 'the embedded sample root' : root} needs`;
  throw new WanGPError(
    'ERR_WANGP_PACKAGE_MISSING',
    `${has}. ${remedy(python, root)}. No Python was started, so that this process can try again`,
  );
}

function remedy({ executable }: PythonFacts, root: string): string {
  if (root === SAMPLE_ROOT) {
    return (
      'Run `npx wangp-node setup`, which makes an environment for the sample root. If you name a Python by the option ' +
      '`python` or by WANGP_PYTHON, leave that out: it comes first'
    );
  }
  return (
    `Install what it requires ("${executable}" -m pip install -r "${path.join(root, 'requirements.txt')}"), or name ` +
    'the environment that WanGP is installed in with the option `python` or WANGP_PYTHON'
  );
}
