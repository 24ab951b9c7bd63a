// `prepare`, which package managers run in a clone, and before they pack a git dependency: compiles TypeScript where it
// can. A clone without its devDependencies is left as it is: `npm run setup` does the rest.
import { existsSync } from 'node:fs';
import { bin } from './lib.mjs';
import { compileTypeScript } from './steps.mjs';

if (existsSync(bin('typescript', 'package.json'))) await compileTypeScript();
