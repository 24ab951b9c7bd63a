// Asks Python the checks: as a shell starts it, and inside a Node process; and compares.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ROOT } from '../../../scripts/lib.mjs';
import { CHECKS } from './checks.mjs';

const HERE = import.meta.dirname;
const TIMEOUT_MS = 120_000;

/** The checks that this interpreter can answer. */
export function checksFor(python) {
  return CHECKS.filter(({ torch }) => torch === undefined || python.torch);
}

/** Runs a program with `request` on stdin; resolves with its messages on descriptor 3 and how it ended. */
function talk(command, args, request, env) {
  return new Promise((resolve, reject) => {
    const stdio = ['pipe', 'pipe', 'pipe', 'pipe'];
    const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio, timeout: TIMEOUT_MS });
    const texts = ['', '', '', ''];
    for (const number of [1, 2, 3]) {
      child.stdio[number].setEncoding('utf8').on('data', (text) => (texts[number] += text));
    }
    child.once('error', reject);
    child.stdin.on('error', () => {}); // a child that crashed at once doesn't read
    child.stdin.end(JSON.stringify(request));
    child.once('close', (code, signal) => {
      const messages = texts[3]
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
      resolve({ messages, stdout: texts[1], stderr: texts[2], end: signal ?? `code ${code}` });
    });
  });
}

/** What was answered, by check: comparable text, and `error` where there is no answer. */
function answersOf({ messages, stdout, stderr, end }, checks) {
  const lines = (text) => text.split('\n').filter((line) => line.startsWith('streams:'));
  const answers = new Map();
  for (const { name, compare } of checks) {
    const message = messages.find((candidate) => candidate.name === name);
    if (message === undefined) answers.set(name, { error: `no answer (${end})` });
    else if (message.error !== undefined) answers.set(name, { error: message.error });
    else {
      const answer = compare === 'streams' ? [lines(stdout), lines(stderr)] : message.answer;
      answers.set(name, { text: JSON.stringify(answer), answer });
    }
  }
  return answers;
}

/** The places that the checks' statements look for in the environment. */
export function environmentOf(python) {
  return {
    WANGP_PYTHON: python.executable,
    WANGP_TEST_FIXTURES: path.join(ROOT, 'test', 'fixtures'),
    WANGP_TEST_EXTENSIONS: python.extensions,
  };
}

/** What the interpreter answers when it is started from a shell. Throws where it has no answer itself. */
export async function askShell(python) {
  const checks = checksFor(python);
  const run = await talk(python.executable, [path.join(HERE, 'shell.py')], { checks }, environmentOf(python));
  const answers = answersOf(run, checks);
  for (const [name, { error }] of answers) {
    if (error !== undefined) throw new Error(`${python.name} from a shell: ${name}: ${error}\n${run.stderr}`);
  }
  // No name of a variable that differs from the process's, and none that the start has changed.
  answers.set('os.environ', { text: '[[],[]]' });
  return answers;
}

/**
 * What the interpreter answers inside `node`, compared with `expected`: how that Node introduced itself, what it
 * answered, and what differs with the reason. `changes`: of the environment; `remedy`: what is left out or done first.
 */
export async function askNode(node, python, expected, changes = {}, remedy = {}) {
  const checks = checksFor(python);
  const env = { ...environmentOf(python), ...changes };
  const run = await talk(node, [path.join(HERE, 'host.mjs')], { checks, ...remedy }, env);
  const differing = [];
  const answers = answersOf(run, checks);
  for (const [name, { text, error }] of answers) {
    if (error !== undefined) differing.push({ name, reason: error });
    else if (text !== expected.get(name).text) {
      differing.push({ name, reason: `${text.slice(0, 200)} instead of ${expected.get(name).text.slice(0, 200)}` });
    }
  }
  if (run.end !== 'code 0') differing.push({ name: 'the end', reason: `${run.end} ${run.stderr.slice(-500)}` });
  return { host: run.messages[0] ?? {}, answers, differing, checked: checks.length };
}
