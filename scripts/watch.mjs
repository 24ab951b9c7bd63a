// What `npm run test:watch` does while it runs: the compiler writes `dist/` at each change of `lib/`, vitest runs again.
import { spawn } from 'node:child_process';
import { cleanEnvironment } from './interpreters.mjs';
import { bin, ROOT, runInForeground, say } from './lib.mjs';

/** Starts the compiler, which writes all of `dist/` at first; resolves with it when it has. */
function startCompiler() {
  const tsc = [bin('typescript', 'bin/tsc'), '-p', ROOT, '--watch', '--preserveWatchOutput', '--outDir', 'dist'];
  const compiler = spawn(process.execPath, tsc, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    compiler.once('error', reject);
    compiler.once('exit', (code) => reject(new Error(`the compiler ended with code ${code}`)));
    compiler.stdout.setEncoding('utf8').on('data', (text) => {
      process.stderr.write(text);
      if (text.includes('Watching for file changes')) resolve(compiler);
    });
  });
}

/**
 * Runs the tests of `args` (files, and vitest's options) again at each change, until the user ends it. Native code is
 * built once, before; resolves with vitest's exit code.
 */
export async function watchTests(python, args) {
  say('changes of lib/, python/ and test/ run the tests again; for those of native/ end this and begin again');
  const compiler = await startCompiler();
  try {
    const env = cleanEnvironment({ WANGP_TEST_PYTHONS: JSON.stringify([python]) });
    return await runInForeground(process.execPath, [bin('vitest', 'vitest.mjs'), 'watch', ...args], { env });
  } finally {
    compiler.kill();
  }
}
