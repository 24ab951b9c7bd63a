import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runScript } from '../tools.js';

const FAIL_ONCE = `
import wangp_bridge.inputs as inputs
def failing(path, real=inputs.unregister):
    inputs.unregister = real
    raise OSError("not now")
inputs.unregister = failing
`;

/** Runs `body` in a host with `leave()`, which deletes the working directory; resolves with what it put into `answers`. */
async function runHost(body: string): Promise<unknown> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'wangp-deleted-')));
  const directory = path.join(folder, 'host');
  mkdirSync(directory);
  writeFileSync(path.join(folder, 'fail_once.py'), FAIL_ONCE);
  try {
    const { code, stdout, stderr } = await runScript(`
      const fs = require('node:fs');
      const answers = {};
      const leave = () => fs.rmSync(${JSON.stringify(directory)}, { recursive: true });
      const refusal = async (submit) => {
        // Never thrown: a promise says it.
        const promise = submit();
        return promise.then(() => 'accepted', ({ code, message }) => code + ' ' + message);
      };
      const RAW = { data: Buffer.alloc(3), width: 1, height: 1, channels: 3 };
      process.chdir(${JSON.stringify(directory)});
      const folder = ${JSON.stringify(folder)};
      (async () => {
        ${body}
        console.log('answers ' + JSON.stringify(answers));
      })().catch((error) => { console.error(error); process.exit(1); });`);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(/^answers (.*)$/m.exec(stdout)![1]!);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.each(['remembered', 'never asked for'])(
  'a working directory that was deleted (%s): what needs one says so with a code, the rest works',
  async (how) => {
    const answers = await runHost(`
      ${how === 'remembered' ? 'process.cwd();' : ''}
      const session = await wangp.init({ outputDir: folder });
      const input = await session.registerImage('kept', { ...RAW });
      leave();
      await input.dispose();
      await (await session.registerImage('later', { ...RAW })).dispose();
      await session.listModelDefs();
      await session.close();
      answers.init = (await wangp.init({ outputDir: folder })).info.root === session.info.root;
      answers.outputDir = await refusal(() => wangp.init({ outputDir: 'out' }));
      answers.root = await refusal(() => wangp.init({ root: 'wan' }));
      answers.task = await refusal(() => session.submitTask(TINY_VIDEO));
      answers.file = await refusal(() => session.submit('queue.json'));
      process.chdir('/');
      answers.afterwards = (await session.runTask(TINY_VIDEO)).success;`);
    const refused = (need: string): string =>
      `ERR_WANGP_FILE the working directory of this process was deleted, and ${need}: ` +
      'process.chdir() to a folder that exists first';
    expect(answers).toEqual({
      init: true,
      outputDir: refused('outputDir is relative to it'),
      root: refused('the option `root` is relative to it'),
      task: refused('relative paths in settings are relative to it'),
      file: refused('source is relative to it'),
      afterwards: true,
    });
  },
);

test('dispose() of an input that failed can be repeated, and is idempotent once it has succeeded', async () => {
  const answers = await runHost(`
    const session = await wangp.init({ preImport: [folder + '/fail_once.py'] });
    const input = await session.registerImage('kept', RAW);
    const first = input.dispose();
    answers.shared = first === input.dispose();
    answers.failed = await refusal(() => first);
    await input.dispose();
    answers.again = await refusal(() => input.dispose());`);
  expect(answers).toEqual({ shared: true, failed: 'ERR_WANGP_PYTHON OSError: not now', again: 'accepted' });
});

test('Python starts in a working directory that was deleted, also where the interpreter has to be asked first', async () => {
  const answers = await runHost(`
    leave();
    process.env.XDG_CACHE_HOME = folder;
    answers.path = await refusal(() => wangp.init({ python: 'bin/python' }));
    answers.name = await refusal(() => wangp.init({ python: 'no-such-python' }));
    process.env.PATH = 'relative:' + process.env.PATH;
    const session = await wangp.init({ outputDir: folder });
    answers.sample = session.info.isSample;`);
  const reason = (name: string): string =>
    `ERR_WANGP_FILE the working directory of this process was deleted, and \`${name}\` is relative to it: ` +
    'process.chdir() to a folder that exists first';
  expect(answers).toEqual({ sample: true, path: reason('bin/python'), name: reason('no-such-python') });
});
