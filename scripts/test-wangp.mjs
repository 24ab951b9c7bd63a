// npm run test:wangp [-- --record | OPTIONS FOR VITEST]: the contract's tests on the WanGP checkout that WANGP_ROOT
// names, in the interpreter that WANGP_PYTHON names. Besides: WANGP_CONFIG (a wgp_config.json), WANGP_PRE_IMPORT and
// WANGP_PYTHON_PATH (lists with commas: modules to import before WanGP, folders of theirs), WANGP_MODEL (tinycpu), and
// WANGP_PLACE=child to have Python run in a child.
// With `--record`, where all have passed, docs/contract.md says so, and on what; otherwise nothing here is written.
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { contractDocument, PASSED } from './contract.mjs';
import { bin, fail, ROOT, run, runInForeground, say } from './lib.mjs';
import { buildNative, buildProbe, compileTypeScript, findPython, installPackages } from './steps.mjs';

const { WANGP_ROOT, WANGP_PYTHON } = process.env;
if (!WANGP_ROOT)
  fail('name a WanGP checkout with WANGP_ROOT, and the interpreter it is installed in with WANGP_PYTHON');
const root = realpathSync(WANGP_ROOT);

const record = process.argv.includes('--record');
const args = process.argv.slice(2).filter((arg) => arg !== '--record');
if (record && args.length > 0) fail(`--record is for a run of all tests, without ${args[0]}`);

await installPackages();
await compileTypeScript();
await buildProbe();
const python = await findPython({ ...(WANGP_PYTHON ? { python: WANGP_PYTHON } : {}), root });
await buildNative(python);

const folder = mkdtempSync(path.join(tmpdir(), 'wangp-report-'));
const report = path.join(folder, 'report.json');
const env = {
  ...process.env,
  WANGP_ROOT: root,
  WANGP_PYTHON: python.executable,
  WANGP_TEST_PYTHONS: JSON.stringify([{ name: python.minor, executable: python.executable, torch: true }]),
};
// One process with a WanGP in it at a time.
const project = process.env.WANGP_PLACE === 'child' ? 'contract, child' : 'contract';
const options = ['--project', project, '--maxWorkers', '1', '--reporter', 'verbose', '--reporter', 'json'];
say(`the contract on ${root}, in ${python.executable}`);
const status = await runInForeground(
  process.execPath,
  [bin('vitest', 'vitest.mjs'), 'run', ...options, `--outputFile.json=${report}`, ...args],
  { env },
);

/** Writes that the suite passed here, and on what. */
async function recordRun({ numPassedTests, numPendingTests }) {
  const script = 'import platform, torch; print(platform.python_version(), torch.__version__)';
  const [version, torch] = (await run(python.executable, ['-c', script])).trim().split(' ').slice(-2);
  const wgp = readFileSync(path.join(root, 'wgp.py'), 'utf8');
  const passed = {
    wangp: /^WanGP_version\s*=\s*["'](.+?)["']/m.exec(wgp)?.[1] ?? 'of an unknown version',
    commit: (await run('git', ['-C', root, 'rev-parse', '--short', 'HEAD']).catch(() => 'unknown')).trim(),
    date: new Date().toISOString().slice(0, 10),
    python: version,
    torch,
    platform: `${process.platform}-${process.arch}`,
    tests: { passed: numPassedTests, skipped: numPendingTests },
  };
  writeFileSync(PASSED, `${JSON.stringify(passed, null, 2)}\n`);
  writeFileSync(path.join(ROOT, 'docs', 'contract.md'), contractDocument());
  say(`docs/contract.md says that it passed on WanGP ${passed.wangp}`);
}

if (record && status === 0) await recordRun(JSON.parse(readFileSync(report, 'utf8')));
else if (record) say('nothing is recorded: not all tests passed');
rmSync(folder, { recursive: true, force: true });
process.exit(status);
