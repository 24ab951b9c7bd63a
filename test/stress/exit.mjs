// Exit at any moment: node scripts/stress.mjs exit [--short] [--count N] [--case NAME [--seed N]].
//
// Child processes (exit/child.mjs) end in every way there is, most of them at a random moment. Each must leave what the
// same process without the package leaves: exit code or signal, the output of its exit listeners, its errors, its
// coverage file. Files that were named are complete. A random moment comes from a seed, which a wrong run prints.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { clearTimeout } from 'node:timers';
import { parseArgs } from 'node:util';

/** The range of the random moment in ms; for `callback`, of the number of the call that leaves. */
const CASES = {
  natural: { span: [0, 0], printed: 200 },
  import: { span: [0, 700] },
  'import-torch': { span: [0, 3000], torch: true },
  'steps-torch': { span: [0, 200], torch: true },
  'hand-over': { span: [0, 200] },
  callback: { span: [1, 60] },
  exception: { span: [0, 100] },
  rejection: { span: [0, 100] },
  sigterm: { span: [0, 100], killed: 'SIGTERM' },
  worker: { span: [0, 700] },
  'worker-torch': { span: [0, 100], torch: true },
  files: { span: [0, 300] },
};

const CHILD = path.join(import.meta.dirname, 'exit', 'child.mjs');
const START_LIMIT = 120_000;
const GRACE = 10_000;
const PRINTED = /^(python \d+ x{80}|python [\d.]+|Model loaded: .*|New image saved to Path: .*|listener .*|file .*)$/;

/** What the package says on stderr where the sample root runs. */
const SAMPLE_NOTICE = /^wangp-node: no WanGP root was given.*\n/;

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    count: { type: 'string' },
    case: { type: 'string' },
    seed: { type: 'string' },
  },
});
const pythons = JSON.parse(process.env.WANGP_TEST_PYTHONS);
const torch = pythons.find((python) => python.torch)?.executable;
const folder = mkdtempSync(path.join(os.tmpdir(), 'wangp-exit-'));

/** A number in [0, 1) that only the seed decides (mulberry32). */
function random(seed) {
  let bits = (seed + 0x6d2b79f5) | 0;
  bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
}

/** How often a case runs. */
function countOf({ torch: withTorch = false }) {
  if (options.seed !== undefined) return 1;
  if (options.count !== undefined) return Number(options.count);
  if (options.short) return withTorch ? 4 : 12;
  return withTorch ? 100 : 500;
}

/** Runs one child to its end; resolves with all that it left, and with when its end was asked for. */
function runChild(name, delay, place, args = []) {
  const { torch: withTorch = false, killed } = CASES[name];
  const env = { ...process.env, EXIT_FOLDER: place, NODE_V8_COVERAGE: path.join(place, 'coverage') };
  if (withTorch) env.WANGP_PYTHON = torch;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, name, String(delay), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const left = { stdout: '', stderr: '', hang: false, leaving: undefined };
    let timer;
    const endWithin = (limit) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        left.hang = true;
        child.kill('SIGKILL');
      }, limit);
    };
    endWithin(START_LIMIT);
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', (text) => (left[stream] += text));
    }
    const leave = (time) => {
      left.leaving = time;
      endWithin(GRACE);
    };
    child.stdio[3].setEncoding('utf8').on('data', (text) => {
      for (const [, what, time] of text.matchAll(/(\w+) (\d+)\n/g)) {
        if (what === 'leaving') {
          leave(Number(time));
        } else if (killed !== undefined) {
          setTimeout(() => {
            leave(Date.now());
            child.kill(killed);
          }, delay);
        }
      }
    });
    child.once('error', reject);
    child.once('exit', () => (left.ended = Date.now()));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ ...left, code, signal });
    });
  });
}

/** The sequence numbers of the threads that left a coverage file; one that is no JSON is called that. */
function coverageOf(place) {
  const coverage = path.join(place, 'coverage');
  if (!existsSync(coverage)) return [];
  return readdirSync(coverage).map((file) => {
    try {
      const { result } = JSON.parse(readFileSync(path.join(coverage, file), 'utf8'));
      return result.some(({ url }) => url.endsWith('child.mjs')) ? 'main thread' : 'Worker';
    } catch {
      return `broken ${file}`;
    }
  });
}

/** What must be the same with and without the package. */
function outcome({ code, signal, stdout, stderr }, place) {
  const listeners = stdout.split('\n').filter((line) => line.startsWith('listener '));
  // A terminated Worker may or may not come to writing its own.
  const coverage = coverageOf(place).filter((thread) => thread !== 'Worker');
  return JSON.stringify({ code, signal, listeners, stderr: stderr.replace(SAMPLE_NOTICE, ''), coverage });
}

function isCompletePicture(file) {
  return existsSync(file) && readFileSync(file).subarray(-8, -4).toString('latin1') === 'IEND';
}

/** What is wrong with a run; empty where nothing is. */
function faultsOf(left, expected, place, { printed = 0 }) {
  const faults = [];
  if (left.hang) faults.push(left.leaving === undefined ? 'did not come to its end' : `still there after ${GRACE} ms`);
  const found = outcome(left, place);
  if (found !== expected) faults.push(`left ${found}\n    without the package: ${expected}`);
  const lines = left.stdout.split('\n');
  if (lines.pop() !== '') faults.push('its output ends within a line');
  const strange = lines.find((line) => !PRINTED.test(line));
  if (strange !== undefined) faults.push(`printed ${JSON.stringify(strange)}`);
  const complete = lines.filter((line) => line.startsWith('python ')).length;
  if (complete < printed) faults.push(`${complete} of ${printed} printed lines arrived`);
  for (const line of lines) {
    const [, file] = /^(?:file |New image saved to Path: )(.*)$/.exec(line) ?? [];
    if (file !== undefined && !isCompletePicture(file)) faults.push(`${file} was named and is not complete`);
  }
  return faults;
}

/** Calls `work` with 0 to `count` - 1, as many at a time as there are cores. */
async function atATime(count, work) {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
}

/** Runs `use` with a folder that is gone afterwards. */
async function withPlace(use) {
  const place = mkdtempSync(path.join(folder, 'run-'));
  try {
    return await use(place);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** What this case leaves without the package, which must not depend on the moment. */
async function control(name, [from, to]) {
  const outcomes = new Set();
  await atATime(3, (index) =>
    withPlace(async (place) => {
      const delay = from + (index / 2) * (to - from);
      outcomes.add(outcome(await runChild(name, delay, place, ['--control']), place));
    }),
  );
  if (outcomes.size !== 1) throw new Error(`${name} without the package: ${[...outcomes].join('\nor ')}`);
  return [...outcomes][0];
}

/** Runs one case as often as asked for, says how it went, and returns its figures. */
async function runCase(name, count, firstSeed) {
  const { span } = CASES[name];
  const expected = await control(name, span);
  const figures = { runs: count, right: 0, crashes: 0, hangs: 0, times: [] };
  const wrong = [];
  await atATime(count, async (index) => {
    const seed = firstSeed + index;
    const delay = span[0] + random(seed) * (span[1] - span[0]);
    await withPlace(async (place) => {
      const left = await runChild(name, delay, place);
      const faults = faultsOf(left, expected, place, CASES[name]);
      if (left.leaving !== undefined) figures.times.push(left.ended - left.leaving);
      if (left.hang) figures.hangs += 1;
      else if (left.signal !== null && left.signal !== CASES[name].killed) figures.crashes += 1;
      if (faults.length === 0) figures.right += 1;
      else wrong.push({ seed, delay, faults });
    });
  });
  const times = figures.times.sort((a, b) => a - b);
  console.log(
    `${name.padEnd(13)} ${String(count).padStart(4)} runs, ${figures.right} right, ${wrong.length} wrong, ` +
      `${figures.hangs} hangs; from the request to the end: median ${times[times.length >> 1]} ms, ` +
      `longest ${times.at(-1)} ms`,
  );
  for (const { seed, delay, faults } of wrong.slice(0, 3)) {
    console.log(`  wrong at ${delay.toFixed(1)} ms; again with: --case ${name} --seed ${seed}`);
    for (const fault of faults) console.log(`    ${fault}`);
  }
  return figures;
}

const chosen = options.case === undefined ? Object.keys(CASES) : [options.case];
const total = { cases: 0, runs: 0, right: 0, crashes: 0, hangs: 0, longest: 0 };
try {
  for (const name of chosen) {
    if (CASES[name].torch && torch === undefined) {
      console.log(`${name.padEnd(13)} left out: no interpreter here has torch (Debian: apt install python3-torch)`);
      continue;
    }
    const seed = options.seed === undefined ? Math.floor(Math.random() * 2 ** 30) : Number(options.seed);
    const { runs, right, crashes, hangs, times } = await runCase(name, countOf(CASES[name]), seed);
    total.cases += 1;
    total.runs += runs;
    total.right += right;
    total.crashes += crashes;
    total.hangs += hangs;
    total.longest = Math.max(total.longest, ...times);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `exit: ${total.cases} cases, ${total.right} of ${total.runs} right, ${total.crashes} crashes, ` +
    `${total.hangs} hangs; longest ${total.longest} ms`,
);
process.exitCode = total.right === total.runs && total.runs > 0 ? 0 : 1;
