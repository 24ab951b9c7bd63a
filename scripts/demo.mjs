// npm run demo [-- OPTIONS]: sets up what is missing, then runs the command line's demo.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, runInForeground } from './lib.mjs';
import { setUp } from './setup.mjs';
import { buildNative, findPython } from './steps.mjs';

const args = process.argv.slice(2);
const options = { root: { type: 'string' }, python: { type: 'string' } };
// What else there is belongs to the command line, which checks it.
const { values } = parseArgs({ args, options, strict: false, allowPositionals: true });
const cwd = process.env.INIT_CWD ?? process.cwd();
const named = values.root ?? process.env.WANGP_ROOT;
const folder = named && path.resolve(cwd, named);
// A folder that is no checkout is refused by the command line: no Python is looked for in it.
const root = folder && existsSync(path.join(folder, 'shared', 'api.py')) ? folder : undefined;
const python = values.python ?? process.env.WANGP_PYTHON;

const sample = await setUp();
const env = { ...process.env };
if (root || python) {
  await buildNative(await findPython({ root, python: values.python }));
} else {
  // The sample root runs in the environment that was made for it, whatever else is on this machine.
  env.WANGP_PYTHON = sample;
}
const entry = path.join(ROOT, 'dist', 'cli', 'main.js');
process.exitCode = await runInForeground(process.execPath, [entry, 'demo', ...args], { cwd, env });
