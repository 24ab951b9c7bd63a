// What the tests share that run under another platform's Node: see scripts/foreign.mjs. Node's own modules only.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { clearTimeout } from 'node:timers';

/**
 * What the script tells: `node` and `python` are commands that can be run here, `root` is the tests' own root, and
 * `slow` is how many times slower than a real machine this one may be.
 */
export const PLACE = JSON.parse(process.env.WANGP_FOREIGN);

/** How long a program may take on a real machine. */
const LIMIT_MS = 60_000;

export const TESTS = import.meta.dirname;
export const PROJECT = path.dirname(TESTS);
export const PACKAGE = path.join(PROJECT, 'node_modules', 'wangp-node');
export const isWindows = process.platform === 'win32';

/** What is told where no root was named. */
export const ABOUT_SAMPLE =
  'wangp-node: no WanGP root was given, so the embedded sample runs: procedural pictures and sound, no AI. ' +
  'Name a checkout with init({ root }) or WANGP_ROOT.\n';

/** The smallest video of the sample root. */
export const TINY_VIDEO = {
  model_type: 'ltx2_22B_distilled',
  prompt: 'a red bicycle',
  resolution: '64x48',
  video_length: 5,
  num_inference_steps: 2,
  seed: 1,
};

function variablesOf({ settings = {}, env = {} }) {
  const variables = { ...process.env, WANGP_PYTHON: PLACE.python, WANGP_PROGRAM: JSON.stringify(settings), ...env };
  for (const [name, value] of Object.entries(variables)) if (value === undefined) delete variables[name];
  return variables;
}

/**
 * Runs the file with Node in a process of its own, with pipes for its output; `settings` is what a program finds in
 * WANGP_PROGRAM. Resolves however it ends: `{ code, signal, stdout, stderr }`. One that hangs is killed.
 */
export function runNode(file, args = [], { cwd = PROJECT, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'pipe', 'pipe'];
    const child = spawn(PLACE.node, [file, ...args], { cwd, env: variablesOf(options), stdio });
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS * PLACE.slow);
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (chunk) => (text[name] += chunk));
    }
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...text });
    });
  });
}

/** Runs a file of programs/ without a console and without standard streams. Resolves with its exit code. */
export async function runHidden(name, options) {
  const file = path.join(TESTS, 'programs', `${name}.mjs`);
  const how = { cwd: PROJECT, env: variablesOf(options), stdio: 'ignore', detached: true, windowsHide: true };
  const [code] = await once(spawn(PLACE.node, [file], how), 'exit');
  return code;
}

/** {@link runNode} with a file of programs/. */
export function runProgram(name, options) {
  return runNode(path.join(TESTS, 'programs', `${name}.mjs`), [], options);
}

/** What a program answers in its last line; it must have ended with 0, and `told` on stderr. */
export async function answerOf(name, { told = '', ...options } = {}) {
  const { code, signal, stdout, stderr } = await runProgram(name, options);
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: told }, stdout);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1));
}
