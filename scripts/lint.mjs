// npm run lint: TypeScript, C++ and Python, types, rules and format. npm run format mends what a program can mend.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { bin, CACHE, once, ROOT, run, say } from './lib.mjs';
import {
  compileTypeScript,
  environmentPython,
  fetchPybind11,
  findPython,
  installPackages,
  makeEnvironment,
} from './steps.mjs';

const TOOLS = ['ruff~=0.17', 'mypy~=2.0', 'clang-format~=23.1', 'clang-tidy~=23.1'];

const fix = process.argv.includes('--fix');
await installPackages();
await compileTypeScript();
const python = await findPython();

const folder = path.join(CACHE, 'tools');
const key = createHash('sha256')
  .update([...TOOLS, python.version].join())
  .digest('hex');
await once('lint tools', { inputs: [], outputs: [environmentPython(folder)], key }, () =>
  makeEnvironment(folder, python, TOOLS),
);
const tool = (name) => path.join(path.dirname(environmentPython(folder)), name);
const script = (name, file, ...args) => [process.execPath, [bin(name, file), ...args]];

const native = ['native', 'test/native'].flatMap((name) =>
  readdirSync(path.join(ROOT, name), { recursive: true })
    .filter((file) => /\.(c|cc|h)$/.test(file) && !file.startsWith('build'))
    .map((file) => path.join(name, file)),
);
const pythonFolders = ['python', 'scripts', 'test/python', 'test/fixtures'];

/** Compile commands for clang-tidy, from the developer build. */
async function configureCmake() {
  const build = path.join(ROOT, 'build', 'tidy');
  const include = await fetchPybind11(python);
  const defines = [`-DPYTHON=${python.executable}`, `-DPYBIND11_INCLUDE=${include}`];
  await run('cmake', ['-S', ROOT, '-B', build, ...defines]);
  return build;
}

const checks = {
  eslint: () => script('eslint', 'bin/eslint.js', '--max-warnings=0', '.', ...(fix ? ['--fix'] : [])),
  prettier: () => script('prettier', 'bin/prettier.cjs', '--log-level=warn', fix ? '--write' : '--check', '.'),
  'types of lib': () => script('typescript', 'bin/tsc', '--noEmit', '-p', 'tsconfig.json'),
  'types of tests': () => script('typescript', 'bin/tsc', '-p', 'tsconfig.tests.json'),
  ruff: () => [tool('ruff'), ['check', '-q', ...(fix ? ['--fix'] : []), ...pythonFolders]],
  'ruff format': () => [tool('ruff'), ['format', '-q', ...(fix ? [] : ['--check']), ...pythonFolders]],
  mypy: () => [tool('mypy'), ['--no-error-summary', '--cache-dir', path.join(CACHE, 'mypy'), 'python/wangp_bridge']],
  'clang-format': () => [tool('clang-format'), [...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...native]],
  'clang-tidy': async () => {
    const build = await configureCmake();
    const sources = native.filter((file) => file.endsWith('.cc'));
    // As many at a time as there are cores.
    return [
      'xargs',
      ['-P', String(availableParallelism()), '-n', '2', tool('clang-tidy'), '-p', build, '--quiet'],
      sources,
    ];
  },
};

let failed = 0;
for (const [name, command] of Object.entries(checks)) {
  const started = Date.now();
  try {
    const [program, args, input] = await command();
    await run(program, args, { input: input?.join('\n') });
    say(`${name}: clean (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.error(`\n✗ ${name}\n${error.message}`);
  }
}
if (failed > 0) process.exit(1);
