// What the tests share that run inside Electron: see scripts/test-electron.mjs.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { clearTimeout } from 'node:timers';

/**
 * What the script tells. `apps`: the executable of each app (`folder`, `asar`, `packed`). `root`: the tests' own root.
 * `python`: an interpreter that has what both roots need. `work`: a folder to write into.
 */
export const PLACE = JSON.parse(process.env.WANGP_ELECTRON);

/** Where Python runs in Electron's own process. */
export const HERE = { place: 'here' };

/** The processes of an app that have Node in them. */
export const PROCESSES = ['main', 'utility'];

/** How long one app may run. */
const LIMIT_MS = 120_000;

/** No GPU and no sandbox: neither works as root in a container. `in-process-gpu`: one process fewer to start. */
const SWITCHES = ['--no-sandbox', '--disable-gpu', '--in-process-gpu', '--disable-dev-shm-usage'];

/** The smallest video of the sample root. */
export const TINY_VIDEO = {
  model_type: 'ltx2_22B_distilled',
  prompt: 'a red bicycle',
  resolution: '64x48',
  video_length: 5,
  num_inference_steps: 2,
  seed: 1,
};

function readLines(file) {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // The app has told nothing.
  }
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

/**
 * Runs a file of app/programs/ in a process of an app of its own, to the end of that app. `options` is what the program
 * finds; `init` in it goes to `init()`. `where`: `main` or `utility`. An app that hangs is killed, with its processes.
 *
 * Resolves however it ends: `code` and `signal` of the process that the program ran in (an Electron tells of a utility
 * process's end by one number); `told`, what the program told on its way; `answer`, what it answered; `error`, what it
 * threw; `output`, what both processes printed, without the complaints of Chrome.
 */
export async function runApp(program, { where = 'main', app = 'folder', env = {}, ...options } = {}) {
  const folder = mkdtempSync(path.join(PLACE.work, 'run-'));
  const file = path.join(folder, 'told');
  const settings = { program, where, file, outputDir: path.join(folder, 'outputs'), ...options };
  const variables = { ...process.env, WANGP_PYTHON: PLACE.python, WANGP_APP: JSON.stringify(settings), ...env };
  for (const [name, value] of Object.entries(variables)) if (value === undefined) delete variables[name];
  try {
    const args = [...SWITCHES, `--user-data-dir=${path.join(folder, 'profile')}`];
    const end = await runProgram(PLACE.apps[app], args, { cwd: folder, env: variables });
    const lines = readLines(file);
    const of = (kind) => lines.filter((line) => kind in line).map((line) => line[kind]);
    const [answer, error, ended] = ['answer', 'error', 'ended'].map((kind) => of(kind)[0]);
    return { ...end, ...(where === 'utility' && ended ? ended : {}), told: of('told'), answer, error };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runProgram(command, args, { cwd, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      process.kill(-child.pid, 'SIGKILL');
    }, LIMIT_MS);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const own = output.split('\n').filter((line) => !/^\[\d+:\d+\/\d+\.\d+:(ERROR|WARNING):|^libva /.test(line));
      if (isLate) reject(new Error(`it did not end within ${LIMIT_MS} ms:\n${own.join('\n')}`));
      else resolve({ code, signal, output: own.join('\n') });
    });
  });
}

/** Whether a process still runs. One that has ended, and that nobody has asked about, is none. */
export function isRunning(pid) {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until a process has ended; throws after `limitMs`. */
export async function ended(pid, limitMs) {
  const started = Date.now();
  while (isRunning(pid)) {
    if (Date.now() - started > limitMs) throw new Error(`process ${pid} still runs after ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
