// node bench/child.mjs [--rounds 7]: what a child costs beside Python in this process, in one run.
//
// Hand-over of uint8 [3, 241, 704, 1280], 652 MB: from the moment at which Python has completed the job to `data` in this
// process, into fresh shared memory and into memory that was used before, beside a memcpy of those bytes by NumPy into
// fresh and into touched memory. How long this process's JS thread was kept meanwhile, and what memory it took. The way of
// an event: one each 20 ms, from Python to the listener, here and from a child.
import { createHook } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { init } from '../dist/index.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });
const rounds = Number(values.rounds);
const root = path.join(import.meta.dirname, '..', 'test', 'fixtures', 'roots', 'scripted');
const MAKE = 'import numpy; "video" in kept or kept.update(video=numpy.full((3, 241, 704, 1280), 7, numpy.uint8))';
const GIVE = `${MAKE}; add_artifact(video_tensor_uint8=kept["video"], fps=24.0)`;
// Fresh, in ordinary pages; touched; fresh, in the huge pages that NumPy asks for, which Linux has none of for shared
// memory unless it is told to (/sys/kernel/mm/transparent_hugepage/shmem_enabled).
const COPY = `${MAKE}
import mmap
def timed(target):
    begin = time.perf_counter(); numpy.copyto(target, kept["video"].ravel()); return (time.perf_counter() - begin) * 1000
memory = mmap.mmap(-1, kept["video"].nbytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
fresh = numpy.frombuffer(memory, numpy.uint8)
put("status", f"{timed(fresh)} {timed(fresh)} {timed(numpy.empty(kept['video'].nbytes, numpy.uint8))}")`;
const EVENTS = 'for _ in range(100): time.sleep(0.02); put("status", str(time.time()))';

const now = () => performance.timeOrigin + performance.now();
const sorted = (numbers) => [...numbers].sort((one, other) => one - other);
const median = (numbers) => sorted(numbers)[Math.floor(numbers.length / 2)];
const quartiles = (numbers) => [0.25, 0.75].map((part) => sorted(numbers)[Math.floor(numbers.length * part)]);
const show = (numbers, digits = 1) =>
  `${median(numbers).toFixed(digits)} (quartiles ${quartiles(numbers)
    .map((each) => each.toFixed(digits))
    .join(' to ')})`;

/** Resident memory in MB: what is this process's own, and what it shares. */
function resident() {
  if (process.platform !== 'linux') return { own: process.memoryUsage().rss / 1e6, shared: 0 };
  const status = readFileSync('/proc/self/status', 'utf8');
  const of = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1000;
  return { own: of('RssAnon'), shared: of('RssShmem') };
}

let depth = 0;
let begin = 0;
let longest = 0;
// The time of a turn counts while the system gives the core to somebody else, too.
createHook({
  before() {
    if (depth === 0) begin = performance.now();
    depth += 1;
  },
  after() {
    depth -= 1;
    if (depth === 0) longest = Math.max(longest, performance.now() - begin);
  },
}).enable();

async function handOver(session) {
  longest = 0;
  const job = await session.submitTask({ script: GIVE });
  for await (const event of job.events) {
    if (event.kind !== 'completed') continue;
    const { success, errors, artifacts } = event.data;
    if (!success) throw new Error(errors[0].message);
    const { video } = artifacts[0];
    const { length } = video.data;
    const taken = now() - event.timestamp * 1000;
    return { taken, blocked: longest, video, length };
  }
}

async function copies(session) {
  const job = await session.submitTask({ script: COPY });
  for await (const { kind, data } of job.events) if (kind === 'status') return data.split(' ').map(Number);
}

async function latencies(session) {
  const found = [];
  const job = await session.submitTask({ script: EVENTS });
  job.on('status', ({ data }) => found.push((now() - Number(data) * 1000) * 1000));
  await job.result();
  return found.slice(10);
}

const figures = {
  'memcpy, fresh': [],
  'memcpy, touched': [],
  'memcpy, huge': [],
  'hand-over, fresh': [],
  'hand-over, used': [],
  'longest turn': [],
  'the same, here': [],
};
let grown = { own: 0, shared: 0 };
const events = { here: [], child: [] };
for (let round = 0; round < rounds; round += 1) {
  // A child of its own in each round: its first segment is fresh.
  const session = await init({ root, place: 'child', env: { WANGP_BENCH: String(round) }, consoleOutput: false });
  await session.runTask({ script: MAKE });
  const before = resident();
  const first = await handOver(session);
  figures['hand-over, fresh'].push(first.taken);
  const after = resident();
  grown = {
    own: Math.max(grown.own, after.own - before.own),
    shared: Math.max(grown.shared, after.shared - before.shared),
  };
  figures['longest turn'].push(first.blocked);
  first.video.dispose();
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (let count = 0; count < 3; count += 1) {
    const again = await handOver(session);
    figures['hand-over, used'].push(again.taken);
    figures['longest turn'].push(again.blocked);
    again.video.dispose();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const [fresh, touched, huge] = await copies(session);
  figures['memcpy, fresh'].push(fresh);
  figures['memcpy, touched'].push(touched);
  figures['memcpy, huge'].push(huge);
  const here = await init({ root, consoleOutput: false });
  await here.runTask({ script: MAKE });
  for (let count = 0; count < 4; count += 1) {
    const { blocked, video } = await handOver(here);
    figures['the same, here'].push(blocked);
    video.dispose();
  }
  events.here.push(...(await latencies(here)));
  events.child.push(...(await latencies(session)));
  await session.close();
}
for (const [name, numbers] of Object.entries(figures)) console.log(`${name.padEnd(18)} ${show(numbers)} ms`);
const ratio = (one, other) => (median(figures[one]) / median(figures[other])).toFixed(2);
console.log(`fresh: ${ratio('hand-over, fresh', 'memcpy, fresh')} times a memcpy into fresh memory (at most 1.3)`);
console.log(`used: ${ratio('hand-over, used', 'memcpy, touched')} times a memcpy into touched memory (at most 1.5)`);
const turn = figures['longest turn'];
console.log(
  `JS thread: the longest turn took ${median(turn).toFixed(1)} ms, at most ${Math.max(...turn).toFixed(1)} (under 5)`,
);
console.log(`memory of this process: ${grown.own.toFixed(1)} MB of its own, ${grown.shared.toFixed(1)} MB shared`);
for (const [name, numbers] of Object.entries(events)) console.log(`event, ${name.padEnd(11)} ${show(numbers, 0)} µs`);
console.log(`event: ${(median(events.child) / median(events.here)).toFixed(2)} times (at most 3)`);
