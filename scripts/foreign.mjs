// What the tests on other platforms share: programs of another platform that run here, and a user's project with the
// packed package in it. Everything is fetched into .cache/foreign/, and a second run finds it there.
import { createHash } from 'node:crypto';
import { accessSync, constants, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { CACHE, fail, once, ROOT, run, say } from './lib.mjs';
import { prebuild } from './prebuild.mjs';
import { compileTypeScript, findPython, installPackages, pipOf } from './steps.mjs';

export const FOREIGN = path.join(CACHE, 'foreign');

/** The Node whose builds run, of a major version that is maintained. */
export const NODE_VERSION = '22.23.3';

export const isRoot = process.getuid?.() === 0;

/** The path of a program on PATH, or undefined. */
export function programOf(name) {
  const files = (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, name));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Compiles the package; on a machine that can't run what `name` is about, says what it lacks and ends the script. */
export async function begin(name) {
  if (process.platform === 'linux' && process.arch === 'x64' && programOf('apt-get') !== undefined) {
    await installPackages();
    await compileTypeScript();
    return;
  }
  fail(
    `${name} needs Linux on x64 with apt-get (Debian 12 was used), and this is ${process.platform}-${process.arch}` +
      `${programOf('apt-get') === undefined ? ' without apt-get' : ''}. It emulates the other platform; ` +
      'on that platform itself, npm test is the test',
  );
}

let listsAreFresh = false;

/** Installs Debian's packages where their programs are missing: `{ program: packages }`. Only root may. */
export async function installDebianPackages(packages) {
  const missing = Object.entries(packages).filter(([program]) => programOf(program) === undefined);
  if (missing.length === 0) return;
  const names = missing.flatMap(([, each]) => each);
  const command = `apt-get install -y --no-install-recommends ${names.join(' ')}`;
  if (!isRoot) fail(`${missing.map(([program]) => program).join(', ')} is missing. As root: ${command}`);
  await aptInstall(names);
}

/** Installs Debian's packages, as root. */
export async function aptInstall(names) {
  say(`installing ${names.join(', ')}`);
  if (!listsAreFresh) await run('apt-get', ['update', '-qq']);
  listsAreFresh = true;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { env });
}

/** The executable of Node for another platform, from npm's packages of its builds: `win-x64`, `linux-arm64`. */
export async function fetchNode(platform, version = NODE_VERSION) {
  const name = `node-${platform}`;
  const folder = path.join(FOREIGN, `${name}-${version}`);
  const file = path.join(folder, 'package', 'bin', platform.startsWith('win') ? 'node.exe' : 'node');
  await once(`${name} ${version}`, { inputs: [], outputs: [file] }, async () => {
    say(`fetching Node ${version} for ${platform}`);
    mkdirSync(folder, { recursive: true });
    const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder, `${name}@${version}`]);
    const tarball = path.join(folder, packed.trim().split('\n').at(-1));
    await run('tar', ['xzf', tarball, '-C', folder]);
    rmSync(tarball);
  });
  return file;
}

/** Puts wheels for another platform into `folder`, which is on the `sys.path` of a Python `version` there. */
export async function installWheels(folder, { version, platforms, requirements }) {
  const key = createHash('sha256')
    .update([folder, version, ...platforms, ...requirements].join())
    .digest('hex');
  await once(
    `wheels ${version} ${platforms[0]}`,
    { inputs: [], outputs: [path.join(folder, 'numpy')], key },
    async () => {
      say(`fetching ${requirements.join(', ')} for ${platforms[0]}`);
      const target = platforms.flatMap((name) => ['--platform', name]);
      const common = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--only-binary=:all:', '--upgrade'];
      const args = [...common, '--target', folder, '--python-version', version, ...target, ...requirements];
      await run(await pipOf(await findPython()), args);
    },
  );
}

/** The package as it is published, with the binaries of `platform`, packed by npm. Returns the tarball. */
export async function packPackage(platform, minor) {
  await prebuild({ platforms: [platform], minors: [minor] });
  const folder = path.join(FOREIGN, `pack-${platform}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // One platform and one Python are enough here.
  const env = { ...process.env, WANGP_PACK_PLATFORMS: 'none' };
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { env });
  return path.join(folder, readdirSync(folder)[0]);
}

/**
 * Makes a user's project in the empty folder `project`: npm installs the packed package there, and test/foreign/ lies
 * in it. Its programs import `wangp-node` as a user's do.
 */
export async function installProject(project, { platform, minor }) {
  const tarball = await packPackage(platform, minor);
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  const options = ['--prefix', project, '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  await run('npm', ['install', ...options, tarball], { cwd: project });
  cpSync(path.join(ROOT, 'test', 'foreign'), path.join(project, 'tests'), { recursive: true });
  return project;
}

/** Copies the root of the tests that runs the Python which a job brings. */
export function copyScriptedRoot(folder) {
  rmSync(folder, { recursive: true, force: true });
  cpSync(path.join(ROOT, 'test', 'fixtures', 'roots', 'scripted'), folder, {
    recursive: true,
    filter: (file) => path.basename(file) !== '__pycache__',
  });
}

/** What runs in the short form, and in the full one everywhere. */
const FILES = { short: ['generation'], full: ['generation', 'failures', 'lifetimes', 'python'] };

/** One test may take this long, and all of them. Emulation is slow, and a machine may be busy. */
const LIMITS = { testMs: 300_000, shortMs: 480_000, fullMs: 1_800_000 };

/**
 * Runs test/foreign/ to its end and tells what it said, how long it took, and how it ended. `start(args, { limitMs, env })`
 * runs the other platform's Node with these arguments and resolves with its output and exit code; `pathOf` gives a path
 * as that Node writes it. `shortMore` runs besides in both forms, `more` in the full one. Resolves with the exit code of
 * the script.
 */
export async function runTestsIn(
  project,
  { name, place, shortMore = [], more = [], pathOf = (file) => file, start, started },
) {
  const short = process.argv.includes('--short');
  const report = path.join(project, 'report.txt');
  const args = [
    '--test-reporter=spec',
    `--test-reporter-destination=${pathOf(report)}`,
    `--test-timeout=${LIMITS.testMs}`,
    pathOf(path.join(project, 'tests', 'main.mjs')),
    ...(short ? [...FILES.short, ...shortMore] : [...FILES.full, ...shortMore, ...more]),
  ];
  const limitMs = short ? LIMITS.shortMs : LIMITS.fullMs;
  const { code, output } = await start(args, { limitMs, env: { WANGP_FOREIGN: JSON.stringify(place) } });
  return tellReport(report, { name, code, output, started });
}

/**
 * Tells what a program of tests said in its report (`--test-reporter=spec`), how long it took, and how it ended: in CI,
 * where nobody watches, in full only where something failed. Returns the exit code of the script.
 */
export function tellReport(report, { name, code, output, started }) {
  const told = existsSync(report) ? stripVTControlCharacters(readFileSync(report, 'utf8')) : '';
  const count = (what) => Number(new RegExp(`^ℹ ${what} (\\d+)$`, 'm').exec(told)?.[1] ?? Number.NaN);
  const [passed, failed, skipped] = [count('pass'), count('fail') + count('cancelled'), count('skipped')];
  const good = code === 0 && failed === 0 && skipped === 0 && passed > 0;
  if (!process.env.CI || !good) console.log(told);
  // The tests have not come to their end: what the program printed says why, if anything does.
  if (Number.isNaN(passed)) console.log(output);
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  say(`${name}: ${good ? 'passed' : `FAILED (exit code ${code})`}, ${seconds} s`);
  console.log(`${passed || 0} passed, ${failed || (good ? 0 : 1)} failed`);
  return good ? 0 : 1;
}

/** Runs a program at most so long; resolves with its exit code and its output. One that hangs is killed. */
export async function runAtMost(limitMs, command, args, { cwd, env }) {
  let code = 0;
  const limit = ['--kill-after=10', String(Math.ceil(limitMs / 1000))];
  const output = await run('timeout', [...limit, command, ...args], { cwd, env }).catch((error) => {
    code = 1;
    return error.message;
  });
  return { code, output: stripVTControlCharacters(output) };
}

/** This process's variables without what would choose a Python, a root or a Node's options there. */
export function cleanVariables(changes) {
  const env = { ...process.env, ...changes };
  const chosen = ['WANGP_PYTHON', 'WANGP_ROOT', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'NODE_OPTIONS', 'FORCE_COLOR'];
  for (const name of chosen) delete env[name];
  return env;
}
