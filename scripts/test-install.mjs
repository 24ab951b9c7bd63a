// npm run test:install [-- --short] [-- MANAGER...]: packs, installs into empty folders with every package manager, and
// generates there by `import` and by `require`. No script may run, no compiler be called, no warning be printed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeProject, packOnce, runGeneration } from './installs.mjs';
import { fail, say } from './lib.mjs';
import { MANAGERS } from './managers.mjs';
import { setUp } from './setup.mjs';

const SHORT = ['npm11', 'yarn1'];

function readArguments() {
  try {
    return parseArgs({ options: { short: { type: 'boolean' } }, allowPositionals: true });
  } catch (error) {
    return fail(`${error.message}\nUsage: npm run test:install [-- --short] [-- MANAGER...]`);
  }
}

const { values, positionals } = readArguments();
const unknown = positionals.find((name) => !Object.hasOwn(MANAGERS, name));
if (unknown !== undefined) fail(`${unknown} is none of ${Object.keys(MANAGERS).join(', ')}`);
const names = positionals.length > 0 ? positionals : values.short ? SHORT : Object.keys(MANAGERS);

const python = await setUp();
const tgz = await packOnce();

/** What a manager did; throws what is wrong. */
async function attempt(folder, manager, from) {
  const project = await makeProject(folder, { manager, tgz, from });
  if (project.compilers !== '') throw new Error(`the installation called a compiler:\n${project.compilers}`);
  if (project.warnings.length > 0) throw new Error(`the installation warned:\n${project.warnings.join('\n')}`);
  for (const kind of ['esm', 'cjs']) await runGeneration(project, { kind, python });
}

const rows = [];
for (const manager of names) {
  for (const from of MANAGERS[manager].registryOnly || values.short ? [undefined] : ['file', 'registry']) {
    const source = MANAGERS[manager].registryOnly ? 'registry' : (from ?? 'file');
    say(`${MANAGERS[manager].package}, from a ${source}`);
    const folder = mkdtempSync(path.join(tmpdir(), 'wangp install-'));
    const started = Date.now();
    let error;
    try {
      await attempt(folder, manager, from);
    } catch (cause) {
      error = cause;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    rows.push({ manager, package: MANAGERS[manager].package, source, seconds: (Date.now() - started) / 1000, error });
    if (error !== undefined) console.error(`${manager}: ${error.message}`);
  }
}

console.table(
  rows.map(({ manager, package: version, source, seconds, error }) => ({
    manager,
    package: version,
    from: source,
    'no script, compiler or warning; import, require': error === undefined ? 'ok' : 'FAILED',
    seconds: Number(seconds.toFixed(1)),
  })),
);
const failed = rows.filter(({ error }) => error !== undefined).length;
console.log(`${rows.length - failed} of ${rows.length} installations generate`);
if (failed > 0) process.exit(1);
