import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { init, WanGPError, type WanGPSession } from 'wangp-node';
import { TINY_VIDEO } from '../tools.js';

let session: WanGPSession;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wangp-failures-'));
  session = await init({ outputDir: folder, consoleOutput: false });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A zip archive of one stored file. */
function zip(name: string, content: string): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  // No check sum: the files that are read here are empty.
  for (const [buffer, at] of [
    [header, 18],
    [entry, 20],
  ] as const) {
    buffer.writeUInt32LE(content.length, at);
    buffer.writeUInt32LE(content.length, at + 4);
    buffer.writeUInt16LE(name.length, at + 8);
  }
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length + name.length, 12);
  end.writeUInt32LE(header.length + name.length + content.length, 16);
  return Buffer.concat([header, Buffer.from(name + content), entry, Buffer.from(name), end]);
}

const MANY = 'x'.repeat(2000);
const files: [string, string | Buffer | undefined, string, RegExp][] = [
  ['missing.json', undefined, 'ERR_WANGP_FILE', / does not exist$/],
  ['missing.zip', undefined, 'ERR_WANGP_FILE', / does not exist$/],
  ['broken.json', '{"prompt": ', 'ERR_WANGP_SETTINGS_FILE', / is no JSON: Expecting value: line 1 column 12/],
  ['picture.json', Buffer.from([0xff, 0xd8, 0xff]), 'ERR_WANGP_SETTINGS_FILE', / is no JSON: 'utf-8' codec/],
  ['empty.json', '', 'ERR_WANGP_SETTINGS_FILE', / is no JSON: Expecting value/],
  ['number.json', '3', 'ERR_WANGP_SETTINGS_FILE', / cannot be used: .*not int$/],
  ['list.json', '[{}, 3]', 'ERR_WANGP_SETTINGS_FILE', / cannot be used: .*task 2 must be a dict/],
  ['broken.zip', MANY, 'ERR_WANGP_SETTINGS_FILE', / is no queue archive: File is not a zip file$/],
  ['other.zip', zip('readme.txt', ''), 'ERR_WANGP_SETTINGS_FILE', / cannot be used: .* holds no queue\.json$/],
  ['empty.zip', zip('queue.json', ''), 'ERR_WANGP_SETTINGS_FILE', / is no JSON: Expecting value/],
  ['settings.txt', '{}', 'ERR_WANGP_SETTINGS_FILE', / cannot be used: .* must end in \.json or \.zip/],
];
test.each(files)('%s', async (name, content, code, message) => {
  const file = path.join(folder, name);
  if (content !== undefined) await writeFile(file, content);
  for (const source of [file, path.relative(process.cwd(), file), pathToFileURL(file)]) {
    const error: unknown = await session.submit(source).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WanGPError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect((error as WanGPError).message.startsWith(file)).toBe(true);
    expect((error as WanGPError).pythonTraceback).toContain('Traceback');
  }
  await expect(session.runTask(TINY_VIDEO)).resolves.toMatchObject({ success: true });
});

const tasks: [string, object, RegExp][] = [
  ['an unknown model', { model_type: 'no_such_model' }, /no_such_model/],
  ['no model', { model_type: undefined }, /model_type/],
  ['a missing attachment', { image_start: './no such picture.png' }, /no such picture\.png/],
  ['a resolution that is none', { resolution: 'large' }, /large/],
  ['a setting of the wrong type', { num_inference_steps: 'many' }, /num_inference_steps/],
];
test.each(tasks)('%s is told in the result', async (_, settings, message) => {
  const result = await session.runManifest([{ ...TINY_VIDEO, ...settings }, TINY_VIDEO]);
  expect(result).toMatchObject({ success: false, totalTasks: 2, successfulTasks: 1, failedTasks: 1 });
  expect(result.errors).toMatchObject([
    { taskIndex: 1, stage: 'validation', cancelled: false, message: expect.stringMatching(message) },
  ]);
  expect(result.generatedFiles).toHaveLength(1);
});

test('_api of the wrong type is refused', async () => {
  await expect(session.submitTask({ ...TINY_VIDEO, _api: 1 as never })).rejects.toMatchObject({
    code: 'ERR_WANGP_ARGUMENT',
    message: '_api of task 1 must be a dict, not int',
    pythonType: 'TypeError',
  });
  await expect(session.runTask(TINY_VIDEO)).resolves.toMatchObject({ success: true });
});
