// npm run build:cmake [-- CMAKE-JS OPTIONS]: the developer build of the same two binaries, in build/cmake.
import path from 'node:path';
import { bin, ROOT, runInForeground } from './lib.mjs';
import { compileTypeScript, fetchPybind11, findPython, installPackages } from './steps.mjs';

await installPackages();
await compileTypeScript();
const python = await findPython();
const include = await fetchPybind11(python);
process.exitCode = await runInForeground(process.execPath, [
  bin('cmake-js', 'bin/cmake-js'),
  'compile',
  '--out',
  path.join(ROOT, 'build', 'cmake'),
  `--CDPYTHON=${python.executable}`,
  `--CDPYBIND11_INCLUDE=${include}`,
  ...process.argv.slice(2),
]);
