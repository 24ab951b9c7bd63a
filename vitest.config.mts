import path from 'node:path';
import { defineConfig } from 'vitest/config';

interface TestPython {
  readonly name: string;
  readonly executable: string;
  readonly torch: boolean;
}

const root = import.meta.dirname;
const pythons = JSON.parse(process.env['WANGP_TEST_PYTHONS'] ?? '[]') as TestPython[];
if (pythons.length === 0) throw new Error('run the tests with `npm test`: it says which interpreters there are');

// One interpreter runs what has to be repeated often.
const thorough = pythons.find(({ name }) => name === '3.11') ?? pythons[0];

const common = {
  // Tests use the package as its users do: compiled.
  alias: { 'wangp-node': path.join(process.env['WANGP_TEST_PACKAGE'] ?? root, 'dist/index.js') },
  server: { deps: { external: [/\/dist\//] } },
  pool: 'forks' as const,
  execArgv: ['--expose-gc'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

// `npm run test:wangp` names a checkout and the interpreter it is installed in.
const checkout = process.env['WANGP_ROOT'] !== undefined;

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...common, name: 'node', include: ['test/*.test.ts'], env: { WANGP_PYTHON: pythons[0]!.executable } } },
      {
        test: {
          ...common,
          ...(checkout ? { testTimeout: 120_000 } : {}),
          name: 'contract',
          include: ['test/contract/*.test.ts'],
          env: { WANGP_PYTHON: checkout ? pythons[0]!.executable : thorough!.executable },
        },
      },
      // Once for each interpreter: one process holds one Python.
      ...pythons.map((python) => ({
        test: {
          ...common,
          name: `python ${python.name}`,
          include: ['test/embedded/*.test.ts'],
          setupFiles: ['test/embedded/setup.ts'],
          env: {
            WANGP_PYTHON: python.executable,
            WANGP_TEST_TORCH: python.torch ? '1' : '',
            WANGP_TEST_THOROUGH: python === thorough ? '1' : '',
          },
        },
      })),
    ],
  },
});
