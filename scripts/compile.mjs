// npm run compile [-- --python PATH]...: TypeScript, and the native addon for the interpreter in use or the named ones.
import { parseArgs } from 'node:util';
import { fail } from './lib.mjs';
import { buildNative, compileTypeScript, findPython, installPackages } from './steps.mjs';

function readArguments() {
  try {
    return parseArgs({ options: { python: { type: 'string', multiple: true } } }).values;
  } catch (error) {
    return fail(`${error.message}\nUsage: npm run compile [-- --python PATH]`);
  }
}

const { python = [undefined] } = readArguments();
await installPackages();
await compileTypeScript();
for (const name of python) await buildNative(await findPython({ python: name }));
