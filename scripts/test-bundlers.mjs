// npm run test:bundlers [-- --short] [-- BUNDLER...]: what each bundler makes of the package. External, it generates;
// bundled by mistake, init() rejects with ERR_WANGP_BUNDLED, which says how to make it external.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BUNDLERS, entry, PACKAGES, writeNext } from './bundlers.mjs';
import { cleanEnvironment } from './interpreters.mjs';
import { packOnce } from './installs.mjs';
import { CACHE, fail, once, run, say } from './lib.mjs';
import { runNpm } from './managers.mjs';
import { setUp } from './setup.mjs';

const NAMES = [...Object.keys(BUNDLERS), 'next'];
const SHORT = ['esbuild', 'rollup'];

function readArguments() {
  try {
    return parseArgs({ options: { short: { type: 'boolean' } }, allowPositionals: true });
  } catch (error) {
    return fail(`${error.message}\nUsage: npm run test:bundlers [-- --short] [-- BUNDLER...]`);
  }
}

const { values, positionals } = readArguments();
const unknown = positionals.find((name) => !NAMES.includes(name));
if (unknown !== undefined) fail(`${unknown} is none of ${NAMES.join(', ')}`);
const names = positionals.length > 0 ? positionals : values.short ? SHORT : NAMES;

const python = await setUp();
const tgz = await packOnce();
const folder = path.join(CACHE, 'bundlers');
const modules = path.join(folder, 'node_modules');
mkdirSync(folder, { recursive: true });
await once('bundlers', { inputs: [], outputs: [path.join(modules, 'next')], key: PACKAGES.join() }, () => {
  say('fetching the bundlers');
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
  return runNpm(['install', '--ignore-scripts', '--no-audit', '--no-fund', ...PACKAGES], { cwd: folder });
});
rmSync(path.join(modules, 'wangp-node'), { recursive: true, force: true });
await runNpm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', tgz], { cwd: folder });

const env = cleanEnvironment({ WANGP_PYTHON: python, NEXT_TELEMETRY_DISABLED: '1' });

/** An empty project whose packages are those above. */
function makeFolder(name) {
  const project = path.join(folder, 'projects', name);
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  symlinkSync(modules, path.join(project, 'node_modules'), 'junction');
  writeFileSync(path.join(project, 'package.json'), '{ "name": "project", "private": true }');
  return project;
}

/** An ES module says it when it is imported: a program that ends then, or Next.js while it builds. */
function toldWhenImported({ message }) {
  const told = /WanGPError\]?: wangp-node was bundled/.test(message);
  return told ? { code: /ERR_\w+/.exec(message)?.[0], message, isWanGPError: true } : undefined;
}

async function bundle(name, kind, external) {
  const project = makeFolder(`${name}-${kind}-${external ? 'external' : 'mistake'}`);
  writeFileSync(path.join(project, `entry.${kind === 'esm' ? 'mjs' : 'cjs'}`), entry(kind));
  const { command, output } = BUNDLERS[name](project, kind, external);
  for (const [program, ...args] of command) await run(program, args, { cwd: project, env });
  const printed = await run(process.execPath, [path.join(project, output)], { cwd: project, env });
  const line = printed.split('\n').find((each) => each.startsWith('ANSWER '));
  if (line === undefined) throw new Error(`the bundle said nothing:\n${printed}`);
  return JSON.parse(line.slice('ANSWER '.length));
}

/** Builds a Next.js project, starts it, and asks its route. */
async function buildNext(external, bundler) {
  // Next.js takes the folder that has its packages for the project's.
  for (const name of ['app', '.next', 'next.config.mjs'])
    rmSync(path.join(folder, name), { recursive: true, force: true });
  writeNext(folder, mkdirSync, external);
  const next = path.join(modules, 'next', 'dist', 'bin', 'next');
  await run(process.execPath, [next, 'build', `--${bundler}`], { cwd: folder, env });
  const server = spawn(process.execPath, [next, 'start', '--port', '0'], { cwd: folder, env });
  try {
    const url = await new Promise((resolve, reject) => {
      let output = '';
      const listen = (text) => {
        output += text;
        const found = /http:\/\/localhost:(\d+)/.exec(output);
        if (found !== null) resolve(found[0]);
      };
      server.stdout.on('data', listen);
      server.stderr.on('data', listen);
      server.once('close', (code) => reject(new Error(`next start ended with ${code}\n${output}`)));
    });
    const response = await fetch(`${url}/generate`);
    return JSON.parse(await response.text());
  } finally {
    server.kill();
  }
}

function check(answer, external) {
  const told = JSON.stringify(answer);
  if (external) {
    if (answer.zeroCopy !== true) throw new Error(`external, it does not generate: ${told}`);
  } else if (
    answer.code !== 'ERR_WANGP_BUNDLED' ||
    !answer.isWanGPError ||
    !answer.message.includes('docs/bundlers.md')
  ) {
    throw new Error(`bundled by mistake, the error is another one: ${told}`);
  }
}

const rows = [];
for (const name of names) {
  const { version } = JSON.parse(readFileSync(path.join(modules, name, 'package.json'), 'utf8'));
  for (const kind of name === 'next' ? ['turbopack', 'webpack'] : ['esm', 'cjs']) {
    const row = { bundler: `${name} ${version}`, kind };
    for (const external of [true, false]) {
      const way = external ? 'external' : 'by mistake';
      try {
        const answer = await (name === 'next' ? buildNext(external, kind) : bundle(name, kind, external)).catch(
          (error) => {
            const told = toldWhenImported(error);
            if (told === undefined) throw error;
            return told;
          },
        );
        check(answer, external);
        row[way] = 'ok';
      } catch (error) {
        row[way] = 'FAILED';
        console.error(`${name}, ${kind}, ${way}: ${error.message}`);
      }
    }
    rows.push(row);
  }
}
console.table(rows);
const cells = rows.flatMap((row) => [row.external, row['by mistake']]);
const failed = cells.filter((cell) => cell !== 'ok').length;
console.log(`${cells.length - failed} of ${cells.length} bundles do as documented`);
if (failed > 0) process.exit(1);
