// npm run test:matrix [-- --short]: packs the package, then does for each runtime (Node 20 to 26, Bun, Deno) and each
// CPython (3.10 to 3.13 of the machine, 3.14 of Maven) what a user does, in an empty folder whose path has a space and an
// umlaut, as a user who is not root, without a compiler: installs it, asks the doctor, generates by `import`, by
// `require` and from TypeScript, and runs the README's programs. Prints the table.
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fetchCPython, interpreterOf } from './cpythons.mjs';
import { packOnce } from './installs.mjs';
import { prepareEnvironments } from './interpreters.mjs';
import { fail, once, ROOT, run, say } from './lib.mjs';
import { managerProgram } from './managers.mjs';
import { nodeOf, NODES } from './nodes.mjs';
import { prebuild } from './prebuild.mjs';
import { compileTypeScript, installPackages } from './steps.mjs';

/** Who it runs as: `nobody` of most systems. Root's files can be read, since the machine's CPythons may lie there. */
const USER = 65534;
const AS_USER = ['--reuid', USER, '--regid', USER, '--clear-groups'].map(String);
const MAY_READ = [
  '--inh-caps=+dac_read_search',
  '--ambient-caps=+dac_read_search',
  '--bounding-set=-all,+dac_read_search',
];

const STEPS = ['install', 'doctor', 'import', 'require', 'TypeScript', 'README'];

function readArguments() {
  try {
    return parseArgs({ options: { short: { type: 'boolean', default: false } } }).values;
  } catch (error) {
    return fail(`${error.message}\nUsage: npm run test:matrix [-- --short]`);
  }
}

/** What runs JavaScript, and the package manager that installs there: `{ name, manager, node }`. */
async function runtimes(short) {
  const found = [];
  for (const major of short ? ['20', '24'] : NODES) {
    // The oldest package manager in use, too.
    const manager = short && major === '24' ? 'yarn1' : 'npm11';
    found.push({ name: `Node ${major}, ${manager}`, manager, node: await nodeOf(major) });
  }
  if (!short) found.push({ name: 'Bun', manager: 'bun' }, { name: 'Deno', manager: 'deno' });
  for (const { manager } of found) await managerProgram(manager);
  return found;
}

/** CPython 3.14 of Maven, with what the sample root needs. It is told where it lies, since it was made for elsewhere. */
async function fetchNewest() {
  const platform = `${process.platform}-${process.arch}`;
  const folder = await fetchCPython(platform, '3.14');
  const executable = interpreterOf(folder, platform, '3.14');
  const env = { PYTHONHOME: folder };
  const requirements = path.join(ROOT, 'python', 'sample_root', 'requirements.txt');
  await once('packages of CPython 3.14', { inputs: [requirements], outputs: [executable] }, () =>
    run(executable, ['-m', 'pip', 'install', '-q', '-r', requirements], { env: { ...process.env, ...env } }),
  );
  return { minor: '3.14', executable, env };
}

async function pythons(short) {
  const found = await prepareEnvironments();
  if (short) return found.filter(({ minor }) => minor === '3.11').slice(0, 1);
  if (process.platform === 'linux' && !found.some(({ minor }) => minor === '3.14')) found.push(await fetchNewest());
  return found;
}

/** Runs the steps of one runtime as another user; `{ [minor]: { [step]: 'ok' or what went wrong } }`. */
async function runSteps(runtime, interpreters, tgz) {
  const folder = mkdtempSync(path.join(tmpdir(), 'wangp für Anna-'));
  const job = { folder, runtime, tgz, interpreters, steps: STEPS };
  const script = [path.join(ROOT, 'scripts', 'matrix-steps.mjs'), JSON.stringify(job)];
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(folder, USER, USER);
  try {
    const output = isRoot
      ? await run('setpriv', [...AS_USER, ...MAY_READ, process.execPath, ...script], { cwd: folder })
      : await run(process.execPath, script, { cwd: folder });
    return JSON.parse(output.slice(output.lastIndexOf('\n{') + 1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { short } = readArguments();
await installPackages();
await compileTypeScript();
const interpreters = await pythons(short);
await prebuild({
  platforms: [`${process.platform}-${process.arch}`],
  ...(short ? { minors: interpreters.map(({ minor }) => minor) } : {}),
});
// In short there are binaries of one Python.
const tgz = await packOnce(short ? 'none' : undefined);

const rows = [];
for (const runtime of await runtimes(short)) {
  say(`${runtime.name} with CPython ${interpreters.map(({ minor }) => minor).join(', ')}`);
  const answers = await runSteps(runtime, interpreters, tgz);
  for (const [minor, outcomes] of Object.entries(answers)) {
    const wrong = Object.entries(outcomes).filter(([, outcome]) => outcome !== 'ok');
    for (const [step, outcome] of wrong) console.error(`${runtime.name}, CPython ${minor}, ${step}: ${outcome}`);
    const cells = STEPS.map((step) => [step, outcomes[step] === 'ok' ? 'ok' : 'FAILED']);
    rows.push({ runtime: runtime.name, CPython: minor, ...Object.fromEntries(cells) });
  }
}
console.table(rows);
const failed = rows.filter((row) => Object.values(row).includes('FAILED')).length;
console.log(`${rows.length - failed} of ${rows.length} cells generate`);
if (failed > 0 || rows.length === 0) process.exit(1);
