// The package's code away from its files, as a bundler leaves it; scripts/test-bundlers.mjs has the real ones.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPOSITORY } from './tools.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'wangp-bundled-'));
  cpSync(path.join(REPOSITORY, 'dist'), path.join(folder, 'out'), { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{ "name": "somebody-elses" }');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function answer(script: string): Promise<unknown> {
  const show = '({ name, code, message }) => console.log(JSON.stringify({ name, code, message }))';
  // A file, not `node -e`, which has `module` and `require` in its ES modules too.
  const file = path.join(folder, script.startsWith('import') ? 'program.mjs' : 'program.cjs');
  writeFileSync(file, `(${script}).catch(${show})`);
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  return JSON.parse(stdout);
}

test.each([
  ['init() of CommonJS rejects', "require('./out/index.js').init()"],
  ['the import of an ES module fails', "import('./out/index.mjs')"],
])('%s with ERR_WANGP_BUNDLED, and with the line for each bundler', async (_, script) => {
  expect(await answer(script)).toMatchObject({
    name: 'WanGPError',
    code: 'ERR_WANGP_BUNDLED',
    message: expect.stringMatching(
      /--external:wangp-node[^]*serverExternalPackages: \['wangp-node'\][^]*docs.bundlers\.md/,
    ),
  });
});
