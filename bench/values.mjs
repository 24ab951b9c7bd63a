// node bench/values.mjs [ROUNDS]: how long handing values to Python keeps the JS thread, beside JSON.stringify of the same
// in the same run. Medians with the least and the most, in milliseconds. Needs `npm run setup`.
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(fileURLToPath(import.meta.url), '..', '..');
const { init } = createRequire(import.meta.url)(path.join(ROOT, 'dist', 'index.js'));
const rounds = Number(process.argv[2] ?? 7);

const settings = (keys) =>
  Object.fromEntries(
    Array.from({ length: keys }, (_, at) => [`setting_${at}`, [at, `text ${at}`, at / 3, null][at % 4]]),
  );

const VALUES = {
  '1,000,000 whole numbers': Array.from({ length: 1e6 }, (_, at) => at),
  '1,000,000 fractions': Array.from({ length: 1e6 }, (_, at) => at + 0.5),
  '1,000,000 strings': Array.from({ length: 1e6 }, (_, at) => `word ${at}`),
  'an object of 1,000,000 keys': settings(1e6),
  'an object of 100,000 keys': settings(1e5),
  'an object of 10,000 keys': settings(1e4),
  '1,000 settings of 120 keys': Array.from({ length: 1000 }, () => settings(120)),
  'settings of 120 keys': settings(120),
};

const spread = (times) => {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], least: sorted[0], most: sorted.at(-1) };
};
const show = ({ median, least, most }) =>
  `${median.toFixed(3).padStart(9)} (${least.toFixed(3)} to ${most.toFixed(3)})`.padEnd(36);

const session = await init({ consoleOutput: false });
console.log(`Node ${process.versions.node}, Python ${session.info.pythonVersion}, medians of ${rounds} in ms`);
for (const [name, value] of Object.entries(VALUES)) {
  const json = [];
  const handed = [];
  for (let round = 0; round < rounds; round += 1) {
    let started = performance.now();
    JSON.stringify(value);
    json.push(performance.now() - started);
    started = performance.now();
    // A method that no session has: Python gets the value and answers at once.
    const answer = session.call('no_such_method', [value]);
    handed.push(performance.now() - started);
    await answer.catch(() => {});
  }
  const [theirs, ours] = [spread(json), spread(handed)];
  console.log(
    `${name.padEnd(28)} JSON.stringify ${show(theirs)} session.call ${show(ours)} ratio ${(ours.median / theirs.median).toFixed(2)}`,
  );
}
