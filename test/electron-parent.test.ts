// What Electron's parent process lacks, taken from a plain Node; `npm run test:electron` has the real one.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REPOSITORY } from './tools.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'wangp-electron-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs statements after `prepare`, with `wangp-node` of `from` loaded; resolves with what they leave in `answer`. */
async function run(prepare: string, from: string, statements: string): Promise<unknown> {
  const file = path.join(folder, 'program.cjs');
  writeFileSync(
    file,
    `${prepare}
const { init } = require(${JSON.stringify(path.join(from, 'dist', 'index.js'))});
(async () => {
  let answer;
  ${statements}
  console.log('ANSWER ' + JSON.stringify(answer));
})();`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
  return JSON.parse(/^ANSWER (.*)$/m.exec(stdout)![1]!);
}

/** What Node 16 lacks, and what this package's parent part would otherwise use. */
const LIKE_NODE_16 = `delete globalThis.DOMException;
delete globalThis.structuredClone;
delete require('node:fs').statfsSync;`;

describe('on a Node without what Node 16 (Electron 22) lacks', () => {
  test('init() takes an outputDir, and a withdrawn submit rejects with an AbortError', async () => {
    const answer = await run(
      LIKE_NODE_16,
      REPOSITORY,
      `const session = await init({
        root: ${JSON.stringify(path.join(REPOSITORY, 'test', 'fixtures', 'roots', 'scripted'))},
        outputDir: 'outputs',
      });
      const submitting = session.submitTask({ script: 'pass' });
      session.cancel();
      answer = await submitting.then(() => 'accepted', ({ name, message }) => ({ name, message }));`,
    );
    expect(answer).toEqual({ name: 'AbortError', message: 'The submit was withdrawn' });
  });

  test('dispose() empties a tensor that came from a child through the pipe', async () => {
    const answer = await run(
      LIKE_NODE_16,
      REPOSITORY,
      `const session = await init({
        place: 'child',
        root: ${JSON.stringify(path.join(REPOSITORY, 'test', 'fixtures', 'roots', 'scripted'))},
      });
      const script = 'import numpy; add_artifact(video_tensor_uint8=numpy.ones((3, 1, 2, 2), numpy.uint8), fps=24.0)';
      const { artifacts: [{ video }] } = await session.runTask({ script });
      const { data, memory } = video;
      const before = data.length;
      video.dispose();
      answer = { memory, before, after: data.length, disposed: video.disposed };
      await session.close();`,
    );
    expect(answer).toEqual({ memory: 'own', before: 12, after: 0, disposed: true });
  });
});

const LIKE_ELECTRON = "Object.defineProperty(process.versions, 'electron', { value: '22.3.25' });";

test('in Electron with no Node at all, init() rejects with ERR_WANGP_NODE_NOT_FOUND and the line that installs one', async () => {
  const answer = await run(
    `${LIKE_ELECTRON}\nprocess.env.PATH = '/nowhere';\ndelete process.env.WANGP_NODE_BINARY;`,
    REPOSITORY,
    `answer = await init().then(() => 'started', ({ code, message }) => ({ code, message }));`,
  );
  expect(answer).toEqual({
    code: 'ERR_WANGP_NODE_NOT_FOUND',
    message: expect.stringMatching(
      /Run `npm install node(-bin)?-\w+-\w+@22`, or name one with the option node or WANGP_NODE_BINARY \(docs\/electron\.md\)$/,
    ) as string,
  });
});

describe("in an Electron app's archive", () => {
  let inArchive: string;
  let beside: string;

  // A folder stands for the archive, which only Electron can read.
  beforeAll(() => {
    [inArchive, beside] = ['app.asar', 'app.asar.unpacked'].map((name) =>
      path.join(folder, 'resources', name, 'node_modules', 'wangp-node'),
    ) as [string, string];
    for (const name of ['dist', 'package.json']) {
      cpSync(path.join(REPOSITORY, name), path.join(inArchive, name), { recursive: true });
    }
  });

  test('init() rejects with ERR_WANGP_BUNDLED and the line for each packager while the package is not unpacked', async () => {
    const answer = await run(
      LIKE_ELECTRON,
      inArchive,
      'answer = await init().then(() => 0, ({ code, message }) => ({ code, message }));',
    );
    expect(answer).toMatchObject({
      code: 'ERR_WANGP_BUNDLED',
      message: expect.stringMatching(
        /app\.asar[/\\]node_modules[^]*app\.asar\.unpacked[^]*asarUnpack: \['node_modules\/wangp-node\/\*\*', 'node_modules\/node\*\/\*\*'\][^]*docs.electron\.md/,
      ),
    });
  });

  test('the sample root, its packages and the addon are those beside the archive', async () => {
    mkdirSync(path.dirname(beside), { recursive: true });
    cpSync(inArchive, beside, { recursive: true });
    for (const name of ['python', 'build']) symlinkSync(path.join(REPOSITORY, name), path.join(beside, name));
    const packages = JSON.stringify(path.join(inArchive, 'dist', 'python', 'packages.js'));
    const answer = await run(
      LIKE_ELECTRON,
      inArchive,
      `const { inspectPackages } = require(${packages});
      const options = { environment: process.env, timeoutMs: 60000 };
      const { absent } = await inspectPackages(process.env.WANGP_PYTHON, ${JSON.stringify(REPOSITORY)}, options);
      const session = await init({ consoleOutput: false });
      answer = { absent, isSample: session.info.isSample };`,
    );
    expect(answer).toEqual({ absent: [], isSample: true });
  });

  test('a folder of that name is none outside of Electron', async () => {
    const answer = await run(
      '',
      inArchive,
      'answer = await init({ root: "nowhere" }).then(() => 0, ({ code }) => code);',
    );
    expect(answer).toBe('ERR_WANGP_ROOT');
  });
});
