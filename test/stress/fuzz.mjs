// Random values both ways, compared with a model: what Python sees of JavaScript's values, what JavaScript sees of
// Python's, what is refused and by which name. It runs in a process of its own, so that a crash or a hang is an answer.
//
// `--seed N`: the first iteration's seed, each further one counts up; `--iterations N`, `--seconds N`: when to stop.
// `--short`: few iterations from a seed that stays the same, without the values of hundreds of megabytes.
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { clearTimeout } from 'node:timers';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Thrown } from './fuzz-hostile.mjs';
import { hugeValues } from './fuzz-huge.mjs';
import { PRELUDE, RAISES } from './fuzz-python.mjs';
import { difference, sourceMaker } from './fuzz-to-js.mjs';
import { backOf, DESCRIBE, modelOf, namesPlace, Refusal, valueMaker } from './fuzz-to-python.mjs';
import { choices, mulberry32, numberOption } from './seeded.mjs';

const FILE = fileURLToPath(import.meta.url);
const ROOT = path.resolve(path.dirname(FILE), '../..');
/** Another one than the repository where its binaries are instrumented. */
const PACKAGE = process.env.WANGP_TEST_PACKAGE ?? ROOT;
const SHORT = process.argv.includes('--short');
const BATCH = 50;
const MOST_EXAMPLES = 5;

/** An iteration that takes longer hangs; with a sanitizer everything is slower. */
const HANG_MS = 300_000;

/** A value as text; `inspect` fails where a Proxy's trap does. */
function shown(value) {
  try {
    return inspect(value, { depth: 6, maxArrayLength: 20, maxStringLength: 200 }).slice(0, 2000);
  } catch {
    return '(a value that cannot be shown)';
  }
}

/** What the call made of a value: `{ answer }` or `{ reason }`. */
async function outcomeOf(call) {
  try {
    return { answer: await call() };
  } catch (reason) {
    return { reason };
  }
}

/** Why the outcome is not what the model says; undefined where it is. */
function wrong(outcome, expected, mayBeRefused) {
  const { answer, reason } = outcome;
  const isRefusal = reason?.code === 'ERR_WANGP_VALUE';
  if (typeof expected === 'string') {
    const isRight = answer === expected || (mayBeRefused && isRefusal);
    return isRight ? undefined : `Python must see ${expected.slice(0, 500)}`;
  }
  if (expected instanceof Thrown) {
    const cameThrough = 'reason' in outcome && Object.is(reason, expected.reason);
    return cameThrough ? undefined : `${shown(expected.reason)} must come through`;
  }
  if (!(expected instanceof Refusal)) {
    return reason instanceof expected ? undefined : `it must end in a ${expected.name}`;
  }
  const { place, what } = expected;
  const says = what === null || reason?.message.includes(` is ${what}, which cannot be handed to Python`);
  if (isRefusal && says && namesPlace(reason.message, place)) return undefined;
  return `it must be refused: ${place.slice(0, 300)} is ${what ?? 'something that cannot be handed over'}`;
}

/** A batch of random values to Python; returns counterexamples. */
async function toPython(session, choose) {
  const make = valueMaker(choose);
  const batch = Array.from({ length: BATCH }, () => {
    const oracle = new Map();
    const value = make(oracle);
    // The model comes first: hostile values are looked at once only, by the conversion.
    const expected = modelOf(value, 'args[1]', oracle);
    const mayBeRefused = [...oracle.values()].some(({ orRefused }) => orRefused);
    const isPlain = oracle.size === 0 && typeof expected === 'string';
    return { value, expected, mayBeRefused, isPlain };
  });
  const calls = batch.map(({ value }) => outcomeOf(() => session.call('evaluate', ['kept["describe"](value)', value])));
  const outcomes = await Promise.all(calls);
  const plain = batch.filter(({ isPlain }) => isPlain).map(({ value }) => value);
  const { answer, reason } = await outcomeOf(() => session.call('echo', plain));
  const unlike =
    reason === undefined
      ? difference(
          answer,
          plain.map((value) => backOf(value)),
        )
      : `it was rejected: ${reason.message}`;
  const thereAndBack = unlike === undefined ? [] : [`there and back: ${unlike}\n  values: ${shown(plain)}`];
  const problems = batch.flatMap(({ value, expected, mayBeRefused }, index) => {
    const outcome = outcomes[index];
    const problem = wrong(outcome, expected, mayBeRefused);
    if (problem === undefined) return [];
    const got = 'reason' in outcome ? shown(outcome.reason) : outcome.answer;
    return [`JS→Python: ${problem}\n  value: ${shown(value)}\n  got: ${String(got).slice(0, 1500)}`];
  });
  return [...problems, ...thereAndBack];
}

/** Evaluates the expressions, in the scope of the prelude. */
function evaluated(session, sources, raises) {
  return session.call('execute', [
    `kept["raises"] = ${raises}\nglobals().update(kept["prelude"])\nresult = [\n${sources.join(',\n')}\n]`,
  ]);
}

/** A batch of random values from Python; returns counterexamples. */
async function toJs(session, choose) {
  const make = sourceMaker(choose);
  const raises = choose.pick(RAISES);
  const batch = Array.from({ length: BATCH }, () => make());
  const sources = batch.map(([source]) => source);
  const all = await outcomeOf(() => evaluated(session, sources, raises));
  const problems = [];
  for (const [index, [source, expected]] of batch.entries()) {
    // Where the whole batch was rejected, the one that is to blame is rejected alone too.
    const alone = 'reason' in all ? await outcomeOf(() => evaluated(session, [source], raises)) : all;
    const problem =
      'reason' in alone
        ? `it was rejected: ${alone.reason?.message}`
        : difference(alone.answer.at('reason' in all ? 0 : index), expected);
    if (problem !== undefined)
      problems.push(`Python→JS (raising ${raises}): ${problem}\n  source: ${source.slice(0, 1500)}`);
  }
  if ('reason' in all && problems.length === 0)
    problems.push(`Python→JS: a batch was rejected: ${all.reason?.message}`);
  return problems;
}

/** The iterations, in this process; tells the parent of each. */
async function runIterations(seed) {
  const { init } = createRequire(import.meta.url)(path.join(PACKAGE, 'dist/index.js'));
  const session = await init({ root: path.join(ROOT, 'test/fixtures/roots/scripted') });
  await session.call('execute', [DESCRIBE]);
  await session.call('execute', [PRELUDE]);
  const iterations = numberOption('iterations', SHORT ? 100 : Infinity);
  const end = performance.now() + 1000 * numberOption('seconds', iterations === Infinity ? 60 : Infinity);
  let count = 0;
  for (; count < iterations && performance.now() < end; count += 1) {
    process.send({ begins: seed + count });
    const problems = [
      ...(await toPython(session, choices(mulberry32(seed + count)))),
      ...(await toJs(session, choices(mulberry32(~(seed + count))))),
    ];
    process.send({ toPython: BATCH, toJs: BATCH, problems });
  }
  if (!SHORT) {
    process.send({ begins: 'the huge values' });
    process.send(await hugeValues(session));
  }
}

async function main() {
  const seed = numberOption('seed', SHORT ? 1 : 1 + Math.floor(Math.random() * 1e9));
  console.log(`fuzz: seed ${seed}`);
  const child = fork(FILE, [...process.argv.slice(2), '--run', String(seed)]);
  const counts = { toPython: 0, toJs: 0, wrong: 0 };
  let current = 'the start';
  const hang = () => child.kill('SIGKILL');
  let timer = setTimeout(hang, HANG_MS);
  child.on('message', ({ begins, toPython: there = 0, toJs: back = 0, problems = [] }) => {
    clearTimeout(timer);
    timer = setTimeout(hang, HANG_MS);
    counts.toPython += there;
    counts.toJs += back;
    for (const problem of problems) {
      counts.wrong += 1;
      if (counts.wrong <= MOST_EXAMPLES) console.log(`WRONG (--seed ${current} --iterations 1): ${problem}`);
    }
    current = begins ?? current;
  });
  const [code, signal] = await new Promise((resolve) => child.on('exit', (...end) => resolve(end)));
  clearTimeout(timer);
  if (code !== 0) {
    counts.wrong += 1;
    console.log(`WRONG: the process ended with ${signal ?? code} in --seed ${current} --iterations 1`);
  }
  console.log(
    `fuzz: ${counts.toPython} values JS→Python, ${counts.toJs} Python→JS, ${counts.wrong} wrong, seed ${seed}`,
  );
  process.exitCode = counts.wrong === 0 ? 0 : 1;
}

const run = process.argv.indexOf('--run');
if (run < 0) {
  await main();
} else {
  await runIterations(Number(process.argv[run + 1]));
  process.disconnect();
}
