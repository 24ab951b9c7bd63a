// A Node process that asks its embedded Python the checks: node host.mjs, with a request as JSON on stdin:
// { checks: [{ name, statements, compare }], without?: { libpython?, modules? }, first?: statements }.
// Answers go to descriptor 3, one JSON line each, so that a crash loses only what comes after it.
import { readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
const SCRIPTED_ROOT = path.join(ROOT, 'test', 'fixtures', 'roots', 'scripted');
const require = createRequire(import.meta.url);

function tell(message) {
  writeSync(3, `${JSON.stringify(message)}\n`);
}

/** The names that differ between two environments. */
function differences(one, other) {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((name) => one[name] !== other[name]).sort();
}

/** What asks Python, through the package's public API. */
async function usePackage() {
  const { init } = require(path.join(ROOT, 'dist', 'index.js'));
  const session = await init({ root: SCRIPTED_ROOT, consoleOutput: false });
  return (statements) => session.call('execute', [statements]);
}

function load(name) {
  const module = { exports: {} };
  process.dlopen(module, path.join(ROOT, 'build', 'Release', name), constants.dlopen.RTLD_NOW);
  return module.exports;
}

/** What asks Python, loaded without one of the remedies: the package itself has no switch for that. */
async function useAddon(without) {
  const { findPython } = require(path.join(ROOT, 'dist', 'python', 'find.js'));
  const python = await findPython();
  load('loader.node').openPython(python.libraryPath, { deepBind: !without.libpython });
  const core = load(`core.cp${python.minor.replace('.', '')}.node`);
  core.setKeepAlive(true);
  await core.start({
    executable: python.executable,
    bridgePath: path.join(ROOT, 'python'),
    bridgeModule: 'wangp_bridge',
    deepBind: !without.modules,
  });
  const { session } = await core.call('init', [core.client, { root: SCRIPTED_ROOT }], { lane: 'thread', cwd: ROOT });
  return (statements) => core.call('call', [session, 'execute', [statements], {}], { lane: 'command' });
}

const { checks, without, first } = JSON.parse(readFileSync(0, 'utf8'));
const before = { ...process.env };
const ask = await (without === undefined ? usePackage() : useAddon(without));
tell({
  started: process.version,
  openssl: process.versions.openssl,
  zlib: process.versions.zlib,
  jemalloc: readFileSync('/proc/self/maps', 'utf8').includes('libjemalloc'),
});
if (first !== undefined) await ask(first);
for (const { name, statements, compare } of checks) {
  try {
    const answer = await ask(statements);
    if (compare === 'environment') {
      tell({ name, answer: [differences(answer, process.env), differences(before, process.env)] });
    } else {
      tell({ name, answer });
    }
  } catch (error) {
    tell({ name, error: error.message });
  }
}
tell({ ended: true });
process.exit(0);
