import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import path from 'node:path';
import typescript from 'typescript-eslint';
import repository from './eslint.layers.mjs';

export default defineConfig(
  { ignores: ['dist/', 'dist.new/', 'build/', '.cache/', 'python/', '**/build/', 'coverage/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mts'],
    extends: [typescript.configs.strictTypeChecked, typescript.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: ['./tsconfig.json', './tsconfig.tests.json'] } },
    rules: {
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Numbers and booleans in messages read as intended.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Index signatures and `noPropertyAccessFromIndexSignature` agree on brackets.
      '@typescript-eslint/dot-notation': 'off',
      // AbortSignal's reason is whatever the caller gave.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true, allowThrowingAny: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
    },
  },
  {
    files: ['lib/**/*.ts'],
    plugins: { repository },
    rules: { 'repository/layers': ['error', { root: path.join(import.meta.dirname, 'lib') }] },
  },
  {
    files: ['test/**', 'bench/**', 'vitest.config.mts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        performance: 'readonly',
        fetch: 'readonly',
      },
    },
  },
  {
    // Scripts, for the Node 16 of the Electron that they run in.
    files: ['test/electron/app/**/*.js'],
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: 'commonjs',
      globals: { __dirname: 'readonly', process: 'readonly', setTimeout: 'readonly' },
    },
  },
);
