// What the scripts share. Node's own modules only: the first of them runs before anything is installed.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

export const ROOT = path.resolve(fileURLToPath(import.meta.url), '..', '..');
export const CACHE = path.join(ROOT, '.cache');

/** Ends the script with a message instead of a stack: the user can do something about it. */
export function fail(message) {
  console.error(`\nwangp-node: ${message}`);
  process.exit(1);
}

/** Says what is being done; on stderr, since a script's stdout may be somebody's input. */
export function say(message) {
  console.error(`• ${message}`);
}

/** Runs a program to its end; what it prints appears only where it fails (or with `quiet: false`, on stderr). */
export function run(command, args, { cwd = ROOT, env = process.env, quiet = true, input } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.end(input);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (!quiet) process.stderr.write(text);
      });
    }
    child.stdin.on('error', () => {}); // it need not read
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with code ${code}\n${quiet ? output : ''}`));
    });
  });
}

/** Hands the terminal to a program; resolves with its exit code. */
export function runInForeground(command, args, { cwd = ROOT, env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: 'inherit' });
    // Ctrl-C reaches the child by itself; this script waits for its answer.
    const ignore = () => {};
    process.on('SIGINT', ignore);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('SIGINT', ignore);
      resolve(signal === null ? (code ?? 1) : 1);
    });
  });
}

/** How many lines of a program of tests are worth reading in CI's log: its figures, or what failed. */
const LINES = { passed: 5, failed: 300 };

/** Runs a program of tests; in CI, where nobody watches, prints only its last lines, or what failed. */
export async function runTests(command, args, { cwd = ROOT, env = process.env } = {}) {
  if (!process.env.CI) return runInForeground(command, args, { cwd, env });
  let code = 0;
  const output = await run(command, args, { cwd, env }).catch((error) => {
    code = 1;
    return error.message;
  });
  const lines = stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const failures = code === 0 ? -1 : lines.findIndex((line) => /Failed (Tests|Suites)|= FAILURES =/.test(line));
  const told = failures < 0 ? lines.slice(code === 0 ? -LINES.passed : -LINES.failed) : lines.slice(failures);
  console.error(told.slice(0, LINES.failed).join('\n'));
  return code;
}

/** A program of a package that is installed here. */
export function bin(packageName, file) {
  return path.join(ROOT, 'node_modules', packageName, file);
}

function* filesOf(entry) {
  const file = path.resolve(ROOT, entry);
  if (!existsSync(file)) return;
  if (!statSync(file).isDirectory()) {
    yield file;
    return;
  }
  for (const name of readdirSync(file)) yield* filesOf(path.join(file, name));
}

function newest(entries) {
  let time = 0;
  for (const entry of entries) for (const file of filesOf(entry)) time = Math.max(time, statSync(file).mtimeMs);
  return time;
}

/**
 * Does `work` unless it was done before with the same `key` and none of `inputs` (files and folders) is newer, and
 * all of `outputs` exist. Returns whether there was something to do.
 */
export async function once(name, { inputs, outputs = [], key = '' }, work) {
  const stamp = path.join(CACHE, 'stamps', name);
  const done =
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === key &&
    statSync(stamp).mtimeMs >= newest(inputs) &&
    outputs.every((file) => existsSync(file));
  if (done) return false;
  const started = Date.now();
  await work();
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, key);
  say(`${name} done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return true;
}
