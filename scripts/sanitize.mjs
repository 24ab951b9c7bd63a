// npm run test:asan, npm run test:tsan [-- OPTIONS FOR VITEST]: the native part of the suite on an addon that is built
// with AddressSanitizer and LeakSanitizer, or with ThreadSanitizer. In that build calls of Node-API fail where a test
// says so (test/native/failing_node_api.c). Its last line has the figures.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bin, CACHE, fail, once, ROOT, run, runInForeground, say } from './lib.mjs';
import { cleanEnvironment, prepareInterpreters, thoroughInterpreter } from './interpreters.mjs';
import { setUp } from './setup.mjs';
import { buildProbe, fetchPybind11 } from './steps.mjs';

const SANITIZERS = {
  address: {
    short: 'asan',
    library: 'libasan.so',
    // Leaks are asked for by the tests: what the addon has at exit it has on purpose.
    options: { ASAN_OPTIONS: 'detect_leaks=1:leak_check_at_exit=0:allocator_may_return_null=1' },
    // CPython's own allocator would hide what happens inside its arenas.
    env: { PYTHONMALLOC: 'malloc' },
  },
  thread: {
    short: 'tsan',
    library: 'libtsan.so',
    // Node and Python are not instrumented: only what the addon itself does counts.
    options: { TSAN_OPTIONS: 'ignore_noninstrumented_modules=1:report_signal_unsafe=0:exitcode=66' },
    env: {},
  },
};

/** Tests that say something about the native code. Timing, and other libraries than ours, are none of it. */
const TESTS = [
  'callbacks',
  'cancel',
  'events',
  'events-overflow',
  'failing-node-api',
  'failures',
  'share',
  'values',
  'values-memory',
  'values-refused',
  'workers',
  'zero-copy',
].map((name) => `test/embedded/${name}.test.ts`);

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
  for (const name of ['loader.node', core]) {
    cpSync(path.join(build, name), path.join(folder, 'build', 'Release', name));
  }
  return folder;
}

const OURS = /\/native\/\w+\.(?:cc|h|c):|\/pybind11\/|\/(?:core\.cp\d+|loader)\.node\b/;
const RUNTIME = /libsanitizer|libstdc\+\+|\/c\+\+\/\d+\//;

/** Leaks that the addon itself allocated: Node and Python leave much behind, and V8's heap hides who points to it. */
function leaksIn(report) {
  const leaks = report.split(/\n(?=Direct leak|Indirect leak)/).slice(1);
  return leaks.filter((leak) => {
    const frames = leak.split('\n').filter((line) => /^ +#\d+ /.test(line) && !RUNTIME.test(line));
    return OURS.test(frames[0] ?? '');
  });
}

/** What the sanitizer's runtime said, in any process of the tests; of leaks only the addon's own. */
function reportsIn(folder) {
  const reports = readdirSync(folder).filter((name) => name.startsWith('report.'));
  return reports.flatMap((name) => {
    const text = readFileSync(path.join(folder, name), 'utf8');
    return text.includes('ERROR: LeakSanitizer') ? leaksIn(text) : [text];
  });
}

/** Runs the tests; resolves with the exit code. */
export async function runSanitized(sanitizer, pythons, args = []) {
  const { short, library, options, env } = SANITIZERS[sanitizer];
  const python = thoroughInterpreter(pythons);
  const runtime = (await run('gcc', [`-print-file-name=${library}`])).trim();
  if (!existsSync(runtime)) fail(`${library} is missing: apt install gcc`);
  const packageFolder = await buildPackage(sanitizer, python);
  const reports = mkdtempSync(path.join(tmpdir(), 'wangp-sanitizer-'));
  const log = path.join(reports, 'report');
  const [name, value] = Object.entries(options)[0];
  const results = path.join(reports, 'results.json');
  const files = args.length > 0 ? args : TESTS.filter((file) => existsSync(path.join(ROOT, file)));
  const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${results}`];
  const code = await runInForeground(
    process.execPath,
    [bin('vitest', 'vitest.mjs'), 'run', '--project', `python ${python.name}`, ...reporters, ...files],
    {
      env: cleanEnvironment({
        ...env,
        [name]: `${value}:log_path=${log}`,
        LD_PRELOAD: runtime,
        WANGP_TEST_PYTHONS: JSON.stringify([python]),
        WANGP_TEST_PACKAGE: packageFolder,
        WANGP_TEST_SANITIZER: sanitizer,
      }),
    },
  );
  const texts = reportsIn(reports);
  for (const text of texts) console.error(text);
  const { numPassedTests, numFailedTests, numPendingTests } = existsSync(results)
    ? JSON.parse(readFileSync(results, 'utf8'))
    : { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0 };
  rmSync(reports, { recursive: true });
  console.log(
    `${short}: ${numPassedTests} tests passed, ${numFailedTests} failed, ${numPendingTests} skipped on CPython ` +
      `${python.version}; ${texts.length} reports`,
  );
  return code !== 0 || texts.length > 0 || numPassedTests === 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [sanitizer, ...args] = process.argv.slice(2);
  await setUp();
  await buildProbe();
  process.exitCode = await runSanitized(sanitizer, await prepareInterpreters(), args);
}
