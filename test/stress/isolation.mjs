// npm run test:isolation [-- --short | --record]: Python inside Node has its own libraries. Every check of
// isolation/checks.mjs is answered by each interpreter inside each Node, with and without jemalloc, and compared with
// what the same interpreter answers when a shell starts it. Controls leave a remedy out and must differ.
//
// `--short`: the running Node, one interpreter. `--record`: the tables of docs/isolation.md are those of this run.
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fail, ROOT, say } from '../../scripts/lib.mjs';
import { askNode, askShell } from './isolation/asking.mjs';
import { jemalloc, nodes, withExtension } from './isolation/equipment.mjs';

const DOCUMENT = path.join(ROOT, 'docs', 'isolation.md');
const MARKERS = ['<!-- table -->', '<!-- /table -->'];
const DEEP_BOUND_FROM_NOW = 'import os, sys; sys.setdlopenflags(os.RTLD_NOW | os.RTLD_DEEPBIND)';

/**
 * What happens without a remedy, or with one where it doesn't belong. Each has to differ, or the checks show nothing.
 * `zlibBuiltIn`: shows only where libpython itself links zlib, as Debian's does.
 */
const CONTROLS = [
  { name: 'nothing deep-bound', remedy: { without: { libpython: true, modules: true } } },
  { name: 'only libpython deep-bound', remedy: { without: { modules: true } } },
  { name: 'only the C modules deep-bound', remedy: { without: { libpython: true } }, zlibBuiltIn: true },
  { name: 'every module deep-bound, C++ extensions too', remedy: { first: DEEP_BOUND_FROM_NOW } },
];

const short = process.argv.includes('--short');
const record = process.argv.includes('--record');
if (short && record) fail('--record writes the figures of a run in full: leave --short out');

/** The interpreters to ask: all of them, or the main one. */
async function interpreters() {
  const all = JSON.parse(process.env.WANGP_TEST_PYTHONS);
  const chosen = short ? all.filter(({ executable }) => executable === process.env.WANGP_PYTHON) : all;
  return Promise.all(chosen.map(withExtension));
}

/** Runs `tasks` two at a time; the results in their order. */
async function inPairs(tasks) {
  const results = [];
  let next = 0;
  const work = async () => {
    while (next < tasks.length) {
      const number = next;
      next += 1;
      results[number] = await tasks[number]();
    }
  };
  await Promise.all([work(), work()]);
  return results;
}

/** The checks of one interpreter inside one Node, with the allocator of the system or with jemalloc. */
async function compare(node, python, expected, preload) {
  const outcome = await askNode(node, python, expected, preload);
  const wanted = preload !== undefined;
  if (outcome.host.jemalloc !== undefined && outcome.host.jemalloc !== wanted) {
    outcome.differing.push({ name: 'jemalloc', reason: `is ${wanted ? 'not ' : ''}loaded` });
  }
  for (const { name, reason } of outcome.differing) {
    say(`${outcome.host.started ?? node} ${python.name}${wanted ? ' jemalloc' : ''}: ${name}: ${reason}`);
  }
  return { python, wanted, ...outcome };
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** One row for each Node and interpreter. */
function versionsTable(plain, preloaded) {
  const heads = [
    'Node',
    "Node's OpenSSL, zlib",
    'Python',
    "Python's OpenSSL, zlib, SQLite",
    'the same as from a shell',
  ];
  if (preloaded.length > 0) heads.push('with jemalloc');
  const verdict = ({ checked, differing }) => (differing.length === 0 ? `${checked} of ${checked}` : names(differing));
  const rows = plain.map((outcome, index) => {
    const { host, python, answers } = outcome;
    const inside = (name) => answers.get(name)?.answer?.[0] ?? 'no answer';
    const openssl = inside('OpenSSL version').replace(/^OpenSSL (\S+) .*/, '$1');
    return [
      host.started ?? 'did not start',
      `${host.openssl}, ${host.zlib?.replace(/-[0-9a-f]{7}$/, '')}`,
      `${python.version}${python.torch ? ' with torch' : ''}`,
      `${openssl}, ${inside('zlib version')}, ${inside('SQLite')}`,
      verdict(outcome),
      ...(preloaded.length > 0 ? [verdict(preloaded[index])] : []),
    ];
  });
  return table(heads, rows);
}

function names(differing) {
  return differing.length === 0 ? 'nothing' : differing.map(({ name }) => name).join(', ');
}

/** One row for each control: what differs in each Node, and how the process ended. */
function controlsTable(controls) {
  const rows = controls.map(({ name, python, outcome }) => {
    const unanswered = outcome.differing.filter(({ reason }) => reason.startsWith('no answer'));
    const end = outcome.differing.find((entry) => entry.name === 'the end')?.reason.split(' ')[0];
    const answered = outcome.differing.filter((entry) => entry.name !== 'the end' && !unanswered.includes(entry));
    const ending = end === undefined ? '' : `${end} at ${unanswered[0]?.name ?? 'the end'}`;
    return [name, outcome.host.started ?? 'did not start', python.name, names(answered), ending];
  });
  return table(['what is otherwise', 'Node', 'Python', 'differs', 'ends with'], rows);
}

/** Puts the measured tables between the markers of the document. */
async function renew(tables) {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [from, to] = MARKERS.map((marker) => text.indexOf(marker));
  if (from < 0 || to < from) fail(`${path.relative(ROOT, DOCUMENT)} has lost its markers ${MARKERS.join(' … ')}`);
  const fresh = `${text.slice(0, from + MARKERS[0].length)}\n\n${tables}\n\n${text.slice(to)}`;
  const { format, resolveConfig } = await import('prettier');
  writeFileSync(DOCUMENT, await format(fresh, { ...(await resolveConfig(DOCUMENT)), filepath: DOCUMENT }));
}

if (process.platform !== 'linux') fail('the isolation of symbols is compared on Linux: other systems do not interpose');
const preload = jemalloc();
if (preload === undefined) {
  const how = 'jemalloc is not installed (Debian, Ubuntu: apt install libjemalloc2)';
  if (!short) fail(how);
  say(`${how}: compared without it`);
}
const hosts = short ? [process.execPath] : await nodes();
const pythons = await interpreters();
const expected = new Map();
for (const python of pythons) expected.set(python, await askShell(python));
const main = pythons.find(({ executable }) => executable === process.env.WANGP_PYTHON) ?? pythons[0];

const pairs = hosts.flatMap((node) => pythons.map((python) => ({ node, python })));
const ask = (changes) =>
  pairs.map(
    ({ node, python }) =>
      () =>
        compare(node, python, expected.get(python), changes),
  );
const plain = await inPairs(ask(undefined));
const preloaded = preload === undefined ? [] : await inPairs(ask(preload));
const controls = await inPairs(
  CONTROLS.flatMap(({ name, remedy, zlibBuiltIn }) => {
    const python = zlibBuiltIn ? pythons.find((candidate) => candidate.zlibBuiltIn) : main;
    if (python === undefined) {
      say(`no interpreter here has zlib in libpython: not shown: ${name}`);
      return [];
    }
    const control = async (node) => {
      const outcome = await askNode(node, python, expected.get(python), {}, remedy);
      return { name, python, outcome };
    };
    return hosts.map((node) => () => control(node));
  }),
);

const count = ({ length }, noun) => `${length} ${noun}${length === 1 ? '' : 's'}`;
const total = (outcomes) => outcomes.reduce((sum, { checked }) => sum + checked, 0);
const differing = (outcomes) => outcomes.reduce((sum, outcome) => sum + outcome.differing.length, 0);
const felt = controls.filter(({ outcome }) => outcome.differing.length > 0).length;
const withJemalloc =
  preload === undefined ? 'without jemalloc' : `with jemalloc ${total(preloaded)}, ${differing(preloaded)} differ`;
const figures =
  `isolation: ${count(hosts, 'Node')} × ${count(pythons, 'interpreter')}, ${total(plain)} checks, ${differing(plain)} differ; ` +
  `${withJemalloc}; controls that differ, as they must: ${felt} of ${controls.length}`;
const tables = `${versionsTable(plain, preloaded)}\n\n${controlsTable(controls)}`;
console.log(tables);
if (record) {
  const machine = `${os.cpus()[0].model.trim()}, ${os.type()} ${os.release()} ${os.arch()}`;
  const date = new Date().toISOString().slice(0, 10);
  await renew(`Measured on ${date} by \`npm run test:isolation\` on ${machine}.\n\n\`${figures}\`\n\n${tables}`);
}
console.log(`\n${figures}`);
process.exitCode = differing(plain) + differing(preloaded) === 0 && felt === controls.length ? 0 : 1;
