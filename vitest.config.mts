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

const common = {
  // Tests use the package as its users do: compiled.
  alias: { 'wangp-node': path.join(root, 'dist/index.js') },
  server: { deps: { external: [/\/dist\//] } },
  pool: 'forks' as const,
  execArgv: ['--expose-gc'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...common, name: 'node', include: ['test/*.test.ts'], env: { WANGP_PYTHON: pythons[0]!.executable } } },
      // Once for each interpreter: one process holds one Python.
      ...pythons.map(({ name, executable, torch }) => ({
        test: {
          ...common,
          name: `python ${name}`,
          include: ['test/embedded/*.test.ts'],
          env: { WANGP_PYTHON: executable, WANGP_TEST_TORCH: torch ? '1' : '' },
        },
      })),
    ],
  },
});
