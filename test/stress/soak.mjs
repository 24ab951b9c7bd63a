// Whether memory stays where it is: 2,000 jobs with 10 MB of returned media each that are disposed, as many that are
// merely dropped, 1,000,000 events, 2,000 jobs that fail and 2,000 that are cancelled. Each phase has a process of its
// own, so that the memory of one doesn't hide another's.
//
// The phases run with glibc's threshold for mapped memory fixed at 1 MiB. Otherwise it rises to the size of the media that
// were freed first, and each arena then keeps one or two of them: up to 60 MB that nobody uses and that come and go with
// the arena a thread happens to get. MALLOC_MMAP_THRESHOLD_=33554432 in the environment shows that. What is "in use" is
// glibc's own count of what was allocated and not freed; a leak shows there whatever the arenas do.
//
// `--short`: a tenth of the jobs. Their slope is noise, so it is the counts that are checked, what is in use, and that
// no media are kept. `--phase NAME`: one phase. `--jobs N`: so many jobs in each.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { numberOption } from './seeded.mjs';
import { EVENTS_PER_JOB, PHASES } from './soak-phases.mjs';

const FILE = fileURLToPath(import.meta.url);
const ROOT = path.resolve(path.dirname(FILE), '../..');
const MB = 1e6;

const SHORT = process.argv.includes('--short');
const LIMITS = {
  /** MB per 1,000 jobs. */
  slope: 5,
  /** MB per 100,000 events. */
  eventsSlope: 2,
  /** MB that a short run may have grown by after its last collection: the media of six of its 180 jobs. */
  shortGrowth: 60,
  /** MB that may be in use after the last collection beyond what was before: half of one job's media. */
  inUse: 5,
};

/** `{ jobs, warmUp }` of a phase. */
function sizeOf(phase) {
  const [jobs, warmUp] = phase === 'events' ? (SHORT ? [5, 1] : [100, 25]) : SHORT ? [180, 20] : [2000, 1000];
  return { jobs: numberOption('jobs', jobs), warmUp };
}

/** The least-squares line through `points`, `[x, y]` each: its slope, and the slope's standard error. */
function regression(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const sxx = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / sxx;
  const rest = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / Math.max(points.length - 2, 1) / sxx) };
}

function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(part * (sorted.length - 1))];
}

/** Makes `kept["in_use"]`: bytes that C code has allocated and not freed. Zero where the C library doesn't say. */
const COUNT_IN_USE = `import ctypes, gc
names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
Info = type("Info", (ctypes.Structure,), {"_fields_": [(name, ctypes.c_size_t) for name in names]})
mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
if mallinfo: mallinfo.restype = Info
def in_use():
    gc.collect()
    info = mallinfo and mallinfo()
    return info.uordblks + info.hblkhd if info else 0
kept["in_use"] = in_use`;

/** Threads and descriptors of this process; the system lists them on Linux only. */
function systemCounts() {
  if (process.platform !== 'linux') return { threads: 0, fds: 0 };
  return { threads: readdirSync('/proc/self/task').length, fds: readdirSync('/proc/self/fd').length };
}

/**
 * What is alive once the collector has run and every thread that was about to end has ended. Waits until `settled`
 * says that of the counts, ten seconds at most.
 */
async function countsOnce(session, liveCounts, settled) {
  for (const end = performance.now() + 10_000; ;) {
    globalThis.gc();
    await sleep(20);
    const expression = '[__import__("threading").active_count(), kept["in_use"]()]';
    const [pythonThreads, inUse] = await session.call('evaluate', [expression]);
    await sleep(20);
    const counts = { ...liveCounts(), ...systemCounts(), pythonThreads, inUse: inUse / MB };
    if (settled(counts) || performance.now() > end) return counts;
  }
}

const isEmpty = ({ memories, pendingMessages, channels }) => memories === 0 && pendingMessages === 0 && channels === 0;

/** Runs one phase in this process; resolves with its figures. */
async function measure(phase) {
  const require = createRequire(import.meta.url);
  const { init } = require(path.join(ROOT, 'dist/index.js'));
  const { liveCounts } = require(path.join(ROOT, 'dist/runtime/embedded.js'));
  const session = await init({ root: path.join(ROOT, 'test/fixtures/roots/scripted') });
  const { jobs, warmUp } = sizeOf(phase);
  await session.call('execute', [COUNT_IN_USE]);
  const runJob = PHASES[phase](session);
  for (let number = 0; number < warmUp; number += 1) await runJob(number);

  const before = await countsOnce(session, liveCounts, isEmpty);
  const [rssBefore, heapBefore] = [process.memoryUsage.rss(), process.memoryUsage().heapUsed];
  const samples = [];
  const begin = performance.now();
  let events = 0;
  for (let number = 0; number < jobs; number += 1) {
    events += (await runJob(warmUp + number)) ?? 0;
    samples.push([number, process.memoryUsage.rss() / MB]);
  }
  const seconds = (performance.now() - begin) / 1000;
  const hasGrown = (counts) => ['threads', 'fds', 'pythonThreads'].some((name) => counts[name] > before[name]);
  const growthOfRss = () => (process.memoryUsage.rss() - rssBefore) / MB;
  const after = await countsOnce(
    session,
    liveCounts,
    (counts) =>
      isEmpty(counts) &&
      !hasGrown(counts) &&
      counts.inUse - before.inUse <= LIMITS.inUse &&
      (!SHORT || growthOfRss() <= LIMITS.shortGrowth),
  );
  const growth = growthOfRss();
  const heapGrowth = (process.memoryUsage().heapUsed - heapBefore) / MB;
  return { jobs, warmUp, seconds, events, samples, before, after, growth, heapGrowth };
}

/** Runs one phase in a process of its own; resolves with its figures. */
function measureApart(phase) {
  return new Promise((resolve, reject) => {
    const env = { MALLOC_MMAP_THRESHOLD_: '1048576', ...process.env };
    const child = fork(FILE, [...process.argv.slice(2), '--phase', phase], { env });
    let figures;
    child.on('message', (message) => {
      figures = message;
      child.disconnect();
    });
    child.on('exit', (code, signal) => {
      if (figures !== undefined && code === 0) resolve(figures);
      else reject(new Error(`the phase ${phase} ended with ${signal ?? code}`));
    });
  });
}

/** What is wrong with a phase's figures. */
function problemsOf(phase, { before, after, growth }, slope) {
  const problems = [];
  const alive = Object.entries(after).filter(([name]) => ['memories', 'pendingMessages', 'channels'].includes(name));
  for (const [name, count] of alive) if (count !== 0) problems.push(`${count} ${name} are still alive`);
  if (after.environments !== 1) problems.push(`there are ${after.environments} environments`);
  for (const name of ['threads', 'fds', 'pythonThreads']) {
    if (after[name] > before[name]) problems.push(`${name} grew from ${before[name]} to ${after[name]}`);
  }
  if (after.inUse - before.inUse > LIMITS.inUse) {
    problems.push(`${(after.inUse - before.inUse).toFixed(1)} MB more are in use than before`);
  }
  const limit = phase === 'events' ? LIMITS.eventsSlope : LIMITS.slope;
  if (SHORT ? growth > LIMITS.shortGrowth : slope > limit) {
    problems.push(SHORT ? `memory grew by ${growth.toFixed(0)} MB` : `the slope is above ${limit}`);
  }
  return problems.map((problem) => `${phase}: ${problem}`);
}

/** Prints a phase's figures; returns them as the last line needs them. */
function report(phase, figures) {
  const { jobs, warmUp, seconds, events, samples, before, after, growth, heapGrowth } = figures;
  const rss = samples.map(([, megabytes]) => megabytes);
  const of = (part) => quantile(rss, part).toFixed(0);
  // A job of 10,000 events: ten of them are the 100,000 that the limit is for.
  const [scale, unit] = phase === 'events' ? [100_000 / EVENTS_PER_JOB, 'MB/100k'] : [1000, 'MB/1000 jobs'];
  const { slope, error } = regression(samples);
  console.log(
    `${phase}: ${jobs} jobs in ${seconds.toFixed(1)} s after ${warmUp}` +
      `${events > 0 ? `, ${events} events delivered` : ''}; slope ${(slope * scale).toFixed(2)} ± ${(error * scale).toFixed(2)} ${unit}; ` +
      `RSS median ${of(0.5)} MB, 5 to 95 % ${of(0.05)} to ${of(0.95)}, most ${of(1)}; ` +
      `after collection ${growth.toFixed(1)} MB more than before, in use ${before.inUse.toFixed(2)} to ` +
      `${after.inUse.toFixed(2)}, JS heap ${heapGrowth.toFixed(2)} more`,
  );
  return {
    slope: slope * scale,
    growth,
    problems: problemsOf(phase, figures, slope * scale),
    threads: after.threads - before.threads,
    fds: after.fds - before.fds,
  };
}

async function main() {
  const reports = {};
  for (const phase of Object.keys(PHASES)) reports[phase] = report(phase, await measureApart(phase));
  const all = Object.values(reports);
  const problems = all.flatMap((phase) => phase.problems);
  for (const problem of problems) console.log(`WRONG: ${problem}`);
  const most = (name) => Math.max(...all.map((phase) => phase[name]));
  // A short run has no slope to speak of: there it is what memory has grown by.
  const figure = (phase) => (SHORT ? reports[phase].growth : reports[phase].slope).toFixed(1);
  console.log(
    `soak: disposed ${figure('disposed')} ${SHORT ? 'MB' : 'MB/1000 jobs'}, dropped ${figure('dropped')}, ` +
      `events ${figure('events')} ${SHORT ? 'MB' : 'MB/100k'}, failing ${figure('failing')}, cancelled ${figure('cancelled')}; ` +
      `${problems.some((text) => text.includes('alive')) ? 'LIVE COUNTS LEFT' : 'live counts zero'}; ` +
      `threads ${most('threads') < 0 ? '' : '+'}${most('threads')}, fds ${most('fds') < 0 ? '' : '+'}${most('fds')}`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}

assert.equal(typeof globalThis.gc, 'function', 'run it by scripts/stress.mjs, or with node --expose-gc');
const phase = process.argv.indexOf('--phase');
if (phase < 0) {
  await main();
} else {
  const figures = await measure(process.argv[phase + 1]);
  if (process.send === undefined) report(process.argv[phase + 1], figures);
  else process.send(figures);
}
