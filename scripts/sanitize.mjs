// npm run test:asan, npm run test:tsan [-- --short | OPTIONS FOR VITEST]: the native part of the suite, and the fuzz, on
// an addon that is built with AddressSanitizer and LeakSanitizer, or with ThreadSanitizer. In that build calls of
// Node-API fail where a test says so (test/native/failing_node_api.c). Its last line has the figures.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bin, CACHE, fail, once, ROOT, run, runTests, say } from './lib.mjs';
import { cleanEnvironment, prepareInterpreters, thoroughInterpreter } from './interpreters.mjs';
import { checkAgain, tracerDied } from './sanitizer-reports.mjs';
import { setUp } from './setup.mjs';
import { buildProbe, fetchPybind11 } from './steps.mjs';
import { runStress } from './stress.mjs';

const SANITIZERS = {
  address: {
    short: 'asan',
    library: 'libasan.so',
    // Leaks are asked for by the tests: what the addon has at exit it has on purpose.
    // Freed memory waits a while for a use after free, but not for so long that tests of memory see it.
    options: {
      ASAN_OPTIONS: 'detect_leaks=1:leak_check_at_exit=0:allocator_may_return_null=1:quarantine_size_mb=32',
    },
    // CPython's own allocator would hide what happens inside its arenas.
    env: { PYTHONMALLOC: 'malloc' },
    shortTests: ['failing-node-api', 'memory-lifetime', 'refusals', 'share', 'zero-copy'],
  },
  thread: {
    short: 'tsan',
    library: 'libtsan.so',
    // Node and Python are not instrumented: only what the addon itself does counts.
    options: { TSAN_OPTIONS: 'ignore_noninstrumented_modules=1:report_signal_unsafe=0:exitcode=66' },
    env: {},
    shortTests: ['callbacks', 'events-overflow', 'share', 'workers'],
  },
};

/** Tests that say something about the native code. Timing, and other libraries than ours, are none of it. */
const TESTS = [
  'callbacks',
  'cancel',
  'events',
  'events-bytes',
  'events-overflow',
  'failing-node-api',
  'failures',
  'memory-lifetime',
  'refusals',
  'share',
  'values',
  'values-memory',
  'values-refused',
  'workers',
  'zero-copy',
];

/** The same where Python runs in a child: both processes are instrumented. */
const CHILD_TESTS = ['test/child/memory.test.ts', 'test/embedded/events.test.ts', 'test/embedded/values.test.ts'];

/** Instrumented frames are several times larger, and V8 counts them. */
const DEEP_STACK = ['--stack-size=6000'];

const fileOf = (name) => `test/embedded/${name}.test.ts`;

/** A package like the published one, with the sanitized binaries in it. */
async function buildPackage(sanitizer, python) {
  const build = path.join(ROOT, 'build', sanitizer);
  const core = `core.cp${python.version.split('.').slice(0, 2).join('')}.node`;
  const inputs = ['native', 'CMakeLists.txt', 'test/native/failing_node_api.c'];
  await once(`native ${sanitizer}`, { inputs, outputs: [path.join(build, core)], key: python.base }, async () => {
    say(`building the addon with -fsanitize=${sanitizer}`);
    const defines = Object.entries({
      SANITIZE: sanitizer,
      FAIL_NODE_API: 'ON',
      PYTHON: python.base,
      PYBIND11_INCLUDE: await fetchPybind11({ executable: python.base }),
    }).map(([name, value]) => `-D${name}=${value}`);
    await run('cmake', ['-S', ROOT, '-B', build, ...defines]);
    await run('cmake', ['--build', build, '-j2']);
  });
  const folder = path.join(CACHE, 'sanitized', sanitizer);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'build', 'Release'), { recursive: true });
  for (const name of ['dist', 'package.json'])
    cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  for (const name of ['python', 'node_modules']) symlinkSync(path.join(ROOT, name), path.join(folder, name));
  for (const name of ['loader.node', 'shared_memory.node', core]) {
    cpSync(path.join(build, name), path.join(folder, 'build', 'Release', name));
  }
  return folder;
}

/** What the sanitizer's runtime wrote, a text of each process of the tests. */
function reportsIn(folder) {
  const reports = readdirSync(folder).filter((name) => name.startsWith('report.'));
  return reports.map((name) => readFileSync(path.join(folder, name), 'utf8'));
}

/** The runtime that is loaded first; undefined, said aloud, where the machine can't build with it. */
async function runtimeOf({ short, library }) {
  const lacking = [];
  await run('cmake', ['--version']).catch(() => lacking.push('cmake'));
  const file = await run('gcc', [`-print-file-name=${library}`]).catch(() => library);
  if (!path.isAbsolute(file)) lacking.push(`gcc's ${library}`);
  if (lacking.length === 0) return file.trim();
  const why = `${short}: not run, this machine lacks ${lacking.join(' and ')} (Debian: apt install g++ cmake)`;
  if (process.env.CI) fail(why);
  console.log(why);
  return undefined;
}

/** Whether LeakSanitizer works here: it stops all threads by ptrace, which a container may refuse. */
async function canFindLeaks(env) {
  const failures = path.join(ROOT, 'test', 'native', 'build', 'Release', 'failures.node');
  const check = async () => {
    const error = await run(process.execPath, ['-e', `require(${JSON.stringify(failures)}).checkLeaks()`], {
      env,
    }).then(
      () => undefined,
      ({ message }) => message,
    );
    return { error, texts: error !== undefined && tracerDied(error) ? [error] : [] };
  };
  const { error, faults } = await checkAgain(check, { say });
  if (faults.length > 0) fail(`whether leaks can be looked for is unknown, the sanitizer fails:\n${faults.join('\n')}`);
  return error === undefined;
}

const FIGURES = ['numPassedTests', 'numFailedTests', 'numPendingTests'];

/** What vitest counted; one failed test where it wrote nothing. */
function figuresIn(results) {
  return existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : { numFailedTests: 1 };
}

/** Runs the tests, and the fuzz where all of it is asked for, once: exit codes, vitest's figures, reports. */
async function runOnce({ python, environment, option: [name, value], suites, withFuzz }) {
  const reports = mkdtempSync(path.join(tmpdir(), 'wangp-sanitizer-'));
  const sanitized = { ...environment, [name]: `${value}:log_path=${path.join(reports, 'report')}` };
  const env = cleanEnvironment({ ...sanitized, WANGP_TEST_PYTHONS: JSON.stringify([python]) });
  const codes = [];
  const figures = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
  for (const [project, files] of suites) {
    const results = path.join(reports, `results of ${project}.json`);
    const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${results}`];
    const vitest = [bin('vitest', 'vitest.mjs'), 'run', '--project', project, ...reporters, ...files];
    codes.push(await runTests(process.execPath, vitest, { env }));
    const counted = figuresIn(results);
    for (const figure of FIGURES) figures[figure] += counted[figure] ?? 0;
  }
  const fuzz = withFuzz ? await runStress('fuzz', [python], ['--short'], { env: sanitized, nodeArgs: DEEP_STACK }) : 0;
  const texts = reportsIn(reports);
  rmSync(reports, { recursive: true });
  return { codes: [...codes, fuzz], figures, fuzz, texts };
}

/** Runs the tests (`tests`: these files, with vitest's options) and the fuzz; resolves with the exit code. */
export async function runSanitized(sanitizer, pythons, { short: isShort = false, tests = [] } = {}) {
  const settings = SANITIZERS[sanitizer];
  const runtime = await runtimeOf(settings);
  if (runtime === undefined) return 0;
  const python = thoroughInterpreter(pythons);
  const environment = {
    ...settings.env,
    LD_PRELOAD: runtime,
    WANGP_TEST_PACKAGE: await buildPackage(sanitizer, python),
    WANGP_TEST_SANITIZER: sanitizer,
  };
  const [name, value] = Object.entries(settings.options)[0];
  const findsLeaks =
    sanitizer === 'address' && (await canFindLeaks(cleanEnvironment({ ...environment, [name]: value })));
  if (findsLeaks) environment.WANGP_TEST_LEAKS = '1';
  const here = `python ${python.name}`;
  const suites =
    tests.length > 0
      ? [[here, tests]]
      : [
          [here, (isShort ? settings.shortTests : TESTS).map(fileOf)],
          ['child', isShort ? CHILD_TESTS.slice(0, 1) : CHILD_TESTS],
        ];
  const withFuzz = tests.length === 0;
  const check = { python, environment, option: [name, value], suites, withFuzz };
  const { codes, figures, fuzz, faults, findings } = await checkAgain(() => runOnce(check), { say });
  for (const text of findings) console.error(text);
  for (const text of faults) console.error(`the sanitizer itself failed each time, so nothing was checked:\n${text}`);
  const { numPassedTests, numFailedTests, numPendingTests } = figures;
  const complaints = findings.length + faults.length;
  const isRight = codes.every((code) => code === 0) && complaints === 0 && numPassedTests > 0;
  console.log(
    `${settings.short}: ${numPassedTests} tests passed, ${numFailedTests} failed, ${numPendingTests} skipped on ` +
      `CPython ${python.version}; ${withFuzz ? `fuzz ${fuzz === 0 ? 'passed' : 'FAILED'}; ` : ''}` +
      `${findings.length} reports${faults.length === 0 ? '' : `, ${faults.length} FAULTS of the sanitizer itself`}` +
      `${sanitizer !== 'address' || findsLeaks ? '' : ', leaks not looked for: no ptrace here'}`,
  );
  return isRight ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [sanitizer, ...args] = process.argv.slice(2);
  const tests = args.filter((arg) => arg !== '--short');
  await setUp();
  await buildProbe();
  process.exitCode = await runSanitized(sanitizer, await prepareInterpreters({ few: true }), {
    short: args.includes('--short'),
    tests,
  });
}
