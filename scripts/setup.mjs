// npm run setup: everything that the demo and the tests need, quick when there is nothing left to do.
import { fileURLToPath } from 'node:url';
import {
  buildNative,
  compileTypeScript,
  findPython,
  installPackages,
  SAMPLE_ENVIRONMENT,
  setUpEnvironment,
} from './steps.mjs';

/** Sets up the sample root's environment, and the addon for its interpreter. */
export async function setUp() {
  await installPackages();
  await compileTypeScript();
  const base = await findPython();
  await buildNative(base);
  return setUpEnvironment(SAMPLE_ENVIRONMENT, base);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp();
