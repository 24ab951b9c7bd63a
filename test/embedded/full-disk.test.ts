import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { GenerationResult, InitOptions, SessionEvent, Settings } from 'wangp-node';
import { runScript, SCRIPTED_ROOT, TINY_VIDEO } from '../tools.js';

const BLOCK = 4096;

interface Seen {
  readonly result: GenerationResult;
  readonly kinds: readonly SessionEvent['kind'][];
  /** The bytes of each artifact's tensors, and their sum. */
  readonly media: readonly (readonly [video: number, audio: number, sum: number])[];
}

// A disk of its own needs a mount, and that root; a user's quota would do as well.
describe.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)('on a full disk (root only: mounted)', () => {
  let place: string;

  beforeAll(() => {
    place = realpathSync(mkdtempSync(path.join(tmpdir(), 'wangp-full-')));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${8 * BLOCK}`, 'tmpfs', place]);
  });

  afterAll(() => {
    execFileSync('umount', [place]);
    rmSync(place, { recursive: true });
  });

  beforeEach(() => {
    for (const name of readdirSync(place)) rmSync(path.join(place, name), { recursive: true });
  });

  /** Runs `settings` in a process of its own, with so many blocks left on the disk once the session is there. */
  async function runWith(blocks: number, settings: Settings, options: InitOptions = {}): Promise<Seen> {
    const script = `(async () => {
      const session = await wangp.init({ outputDir: ${JSON.stringify(place)}, consoleOutput: false, ...${JSON.stringify(options)} });
      const { bavail } = require('fs').statfsSync(${JSON.stringify(place)});
      require('fs').writeFileSync(${JSON.stringify(path.join(place, 'filler'))}, Buffer.alloc((bavail - ${blocks}) * ${BLOCK}));
      const job = await session.submitTask(${JSON.stringify(settings)});
      const kinds = [];
      for await (const { kind } of job.events) kinds.push(kind);
      const result = await job.result();
      const media = result.artifacts.map(({ video, audio }) =>
        [video?.data.length ?? 0, audio?.data.length ?? 0, video?.data.reduce((sum, value) => sum + value, 0) ?? 0]);
      console.log(JSON.stringify({ result, kinds, media }));
    })();`;
    const exit = await runScript(script);
    expect(exit, exit.stderr).toMatchObject({ code: 0 });
    return JSON.parse(exit.stdout.trim().split('\n').at(-1)!) as Seen;
  }

  const sample: Settings = { ...TINY_VIDEO, _api: { return_media: true } };

  test.each<[string, Settings, [number, number]]>([
    ['a video', sample, [3 * 5 * 48 * 64, 20_000]],
    ['a picture', { ...sample, image_mode: 1 }, [3 * 48 * 64, 0]],
    ['a sound', { ...sample, model_type: 'ace_step_v1_5', duration_seconds: 1 }, [0, 96_000]],
  ])('the sample keeps the media asked for of %s, names no file and says why', async (_, settings, [video, audio]) => {
    const { result, media, kinds } = await runWith(0, settings);
    expect(result).toMatchObject({ success: false, generatedFiles: [], successfulTasks: 0, failedTasks: 1 });
    expect(result.errors).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/No space left on device/), stage: 'generation' }),
    ]);
    expect(result.artifacts).toEqual([expect.objectContaining({ path: null })]);
    expect(media[0]?.slice(0, 2)).toEqual([video, audio]);
    expect(kinds.filter((kind) => kind === 'error')).toHaveLength(1);
    // No piece of a file is left.
    expect(readdirSync(place)).toEqual(['filler']);
  });

  test('media are the same as where there was space', async () => {
    const spacious = await runWith(7, sample);
    expect(spacious.result).toMatchObject({ success: true, errors: [] });
    rmSync(spacious.result.generatedFiles[0]!);
    expect((await runWith(0, sample)).media).toEqual(spacious.media);
  });

  // As WanGP does it: what can't be saved is printed, and the file named all the same.
  const careless = (file: string, bytes: number): Settings => ({
    script: `
import numpy
try:
    open(${JSON.stringify(file)}, "wb", 0).write(b"x" * ${bytes})
except OSError as error:
    print("error saving", error)
add_file(${JSON.stringify(file)})
add_artifact(path=${JSON.stringify(file)}, media_type="video", video_tensor_uint8=numpy.full((3, 2, 4, 4), 7, "uint8"))`,
  });

  test('a WanGP that names files which it could not save is not believed, and its media arrive', async () => {
    const file = path.join(place, 'careless.mp4');
    const { result, media, kinds } = await runWith(1, careless(file, 2 * BLOCK), { root: SCRIPTED_ROOT });
    expect(result).toMatchObject({ success: false, cancelled: false, generatedFiles: [file], failedTasks: 1 });
    expect(result.errors.map((error) => error.message)).toEqual([
      `the disk of ${place} has no space left: ${file} may be incomplete. What is in memory is complete`,
    ]);
    expect(media).toEqual([[96, 0, 7 * 96]]);
    expect(kinds.slice(-2)).toEqual(['error', 'completed']);
  });
});
