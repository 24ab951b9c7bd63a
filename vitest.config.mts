import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitest/config';

interface TestPython {
  readonly name: string;
  readonly executable: string;
  readonly torch: boolean;
  /** Whether it runs what has to be repeated often; exactly one does. */
  readonly thorough?: boolean;
  /** Which files of test/embedded it runs; all where it doesn't say. `rest`: those that `smoke` leaves out. */
  readonly files?: 'all' | 'smoke' | 'rest';
}

const root = import.meta.dirname;
const pythons = JSON.parse(process.env['WANGP_TEST_PYTHONS'] ?? '[]') as TestPython[];
const thorough = pythons.find((python) => python.thorough === true) ?? pythons[0];
if (thorough === undefined) throw new Error('run the tests with `npm test`: it says which interpreters there are');

const EMBEDDED = 'test/embedded';

// What every interpreter runs, and what only one with torch can run in full.
const smoke = [`${EMBEDDED}/smoke.test.ts`];
const needTorch = readdirSync(path.join(root, EMBEDDED))
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `${EMBEDDED}/${name}`)
  .filter((file) => readFileSync(path.join(root, file), 'utf8').includes('WANGP_TEST_TORCH'));

/** The files of test/embedded that an interpreter runs. */
function filesOf({ files = 'all', torch }: TestPython): { include: string[]; exclude?: string[] } {
  const chosen = torch ? [...smoke, ...needTorch] : smoke;
  if (files === 'smoke') return { include: chosen };
  return { include: [`${EMBEDDED}/*.test.ts`], ...(files === 'rest' ? { exclude: chosen } : {}) };
}

// What is about this very process, and Python in it: addresses, signals, threads, Workers, the addon.
const HERE_ONLY = [
  'crash', 'events-bytes', 'failing-node-api', 'init-python', 'memory-lifetime', 'refusals', 'share', 'signals',
  'values-memory', 'workers', 'working-directory', 'zero-copy',
].map((name) => `${EMBEDDED}/${name}.test.ts`); // prettier-ignore

// What is instrumented is many times slower, and a machine may be busy with more than that.
const LIMIT = process.env['WANGP_TEST_SANITIZER'] === undefined ? 60_000 : 300_000;

const common = {
  // Tests use the package as its users do: compiled.
  alias: { 'wangp-node': path.join(process.env['WANGP_TEST_PACKAGE'] ?? root, 'dist/index.js') },
  server: { deps: { external: [/\/dist\//] } },
  pool: 'forks' as const,
  execArgv: ['--expose-gc'],
  testTimeout: LIMIT,
  hookTimeout: LIMIT,
};

// `npm run test:wangp` names a checkout and the interpreter it is installed in.
const checkout = process.env['WANGP_ROOT'] !== undefined;

export default defineConfig({
  // `npm run test:watch`: vite would not look at what it takes for its own output.
  build: { emptyOutDir: false },
  test: {
    maxWorkers: 2,
    forceRerunTriggers: ['dist/**/*.js', 'python/**/*.py', 'test/fixtures/**/*.py', 'vitest.config.mts'].map(
      (pattern) => path.join(root, pattern),
    ),
    projects: [
      { test: { ...common, name: 'node', include: ['test/*.test.ts'], env: { WANGP_PYTHON: thorough.executable } } },
      {
        test: {
          ...common,
          ...(checkout ? { testTimeout: 120_000 } : {}),
          name: 'contract',
          include: ['test/contract/*.test.ts'],
          env: { WANGP_PYTHON: thorough.executable },
        },
      },
      // The same, with Python in a child.
      {
        test: {
          ...common,
          name: 'contract, child',
          include: ['test/contract/*.test.ts'],
          env: { WANGP_PYTHON: thorough.executable, WANGP_PLACE: 'child' },
        },
      },
      {
        test: {
          ...common,
          name: 'child',
          include: ['test/child/*.test.ts', `${EMBEDDED}/*.test.ts`],
          exclude: HERE_ONLY,
          setupFiles: ['test/embedded/setup.ts'],
          env: { WANGP_PYTHON: thorough.executable, WANGP_PLACE: 'child', WANGP_TEST_TORCH: thorough.torch ? '1' : '' },
        },
      },
      // Once for each interpreter: one process holds one Python.
      ...pythons.map((python) => ({
        test: {
          ...common,
          name: `python ${python.name}`,
          ...filesOf(python),
          setupFiles: ['test/embedded/setup.ts'],
          env: {
            WANGP_PYTHON: python.executable,
            WANGP_TEST_TORCH: python.torch ? '1' : '',
            WANGP_TEST_THOROUGH: python.thorough === true ? '1' : '',
          },
        },
      })),
    ],
  },
});
