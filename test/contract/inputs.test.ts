import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildVirtualMediaPath, type GenerationResult, type Settings, type WanGPSession } from 'wangp-node';
import { runPython } from '../fixtures/inspect-media.js';
import { FIXTURES } from '../tools.js';
import { onReal, onSample, open, REAL, VIDEO, WITH_MEDIA } from './root.js';

const MEDIA = path.join(FIXTURES, 'media');
const folder = mkdtempSync(path.join(tmpdir(), 'wangp-inputs-'));
const home = process.cwd();
let session: WanGPSession;

/** WanGP's own post-processing: it needs no model. */
const LANCZOS: Settings = {
  mode: 'edit_postprocessing',
  prompt: 'Media postprocessing',
  image_mode: 0,
  temporal_upsampling: '',
  spatial_upsampling: 'lanczos2',
  film_grain_intensity: 0,
  film_grain_saturation: 0.5,
  postprocess_audio: '',
  repeat_generation: 1,
  batch_size: 1,
  seed: -1,
};

/** A task that reads a video, whichever setting that takes here. */
function reading(file: string): Settings {
  return REAL ? { ...LANCZOS, video_source: file } : { ...VIDEO, video_guide: file };
}

beforeAll(async () => {
  mkdirSync(path.join(folder, 'inner'));
  copyFileSync(path.join(MEDIA, 'guide.mp4'), path.join(folder, 'inner', 'guide.mp4'));
  copyFileSync(path.join(MEDIA, 'start.png'), path.join(folder, 'inner', 'start.png'));
  session = await open();
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs from the folder of the media, as a caller would, and leaves it as soon as the call has returned. */
async function fromFolder(run: () => Promise<GenerationResult>): Promise<GenerationResult> {
  process.chdir(folder);
  try {
    const running = run();
    process.chdir(home);
    return await running;
  } finally {
    process.chdir(home);
  }
}

function save(name: string, content: unknown): string {
  const file = path.join(folder, name);
  writeFileSync(file, JSON.stringify(content));
  return file;
}

/** A queue as WanGP saves it: `queue.json` and its media. */
function saveQueue(name: string, tasks: unknown, media: readonly string[] = []): string {
  const queue = save(`${name}.json`, tasks);
  const file = path.join(folder, `${name}.zip`);
  runPython(
    `import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as queue:
    queue.write(sys.argv[2], "queue.json")
    for name in sys.argv[3:]:
        queue.write(name, os.path.basename(name))`,
    file,
    queue,
    ...media,
  );
  return file;
}

describe('submit() takes', () => {
  test('[submit] one settings object', async () => {
    expect(await session.run(VIDEO)).toMatchObject({ success: true, totalTasks: 1 });
  });

  test('[input.tasks] a list, bare and under `tasks`', async () => {
    const tasks = [VIDEO, { ...VIDEO, seed: 2 }];
    for (const source of [tasks, { tasks }]) {
      expect(await session.run(source)).toMatchObject({ success: true, totalTasks: 2, errors: [] });
    }
  });

  test('[input.json] a .json file of settings, of a list, of `tasks`; by path and by URL', async () => {
    for (const content of [VIDEO, [VIDEO], { tasks: [VIDEO] }]) {
      const file = save('saved.json', content);
      expect(await session.run(file)).toMatchObject({ success: true, totalTasks: 1 });
      expect(await session.run(pathToFileURL(file))).toMatchObject({ success: true, totalTasks: 1 });
    }
  });

  test('[input.zip] a .zip queue of tasks', async () => {
    const file = saveQueue('queue', [
      { id: 1, params: VIDEO, plugin_data: {} },
      { id: 2, params: { ...VIDEO, seed: 2 }, plugin_data: {} },
    ]);
    expect(await session.run(file)).toMatchObject({ success: true, totalTasks: 2, errors: [] });
  });

  onSample('[input.zip] the media of a .zip queue, which are in it', 'tinycpu takes no media', async () => {
    const params = { ...VIDEO, image_start: 'start.png' };
    const file = saveQueue('bundle', [{ id: 1, params, plugin_data: {} }], [path.join(MEDIA, 'start.png')]);
    expect(await session.run(file)).toMatchObject({ success: true, errors: [] });
  });

  test('[rule.bad-input] no broken .zip: it is refused, and the session is usable', async () => {
    const file = path.join(folder, 'broken.zip');
    writeFileSync(file, 'no zip');
    await expect(session.submit(file)).rejects.toMatchObject({ code: 'ERR_WANGP_SETTINGS_FILE' });
    const json = path.join(folder, 'broken.json');
    writeFileSync(json, '{');
    await expect(session.submit(json)).rejects.toMatchObject({ code: 'ERR_WANGP_SETTINGS_FILE' });
    expect(await session.run(VIDEO)).toMatchObject({ success: true });
  });
});

describe('attachments', () => {
  test('[input.relative] are relative to where the caller is at the time of the submit', async () => {
    const settings = reading(path.join('inner', 'guide.mp4'));
    expect(await fromFolder(() => session.runTask(settings))).toMatchObject({ success: true, errors: [] });
    const elsewhere = await session.runTask(settings);
    expect(elsewhere).toMatchObject({ success: false, failedTasks: 1 });
    expect(elsewhere.errors[0]).toMatchObject({ stage: 'validation' });
  });

  test('[input.relative.json] of a .json file are relative to the caller too', async () => {
    const file = save('reading.json', reading(path.join('inner', 'guide.mp4')));
    expect(await fromFolder(() => session.run(file))).toMatchObject({ success: true, errors: [] });
    expect(await session.run(file)).toMatchObject({ success: false });
  });

  onSample(
    '[input.relative.list] are relative to the caller in lists and with a suffix too',
    'tinycpu takes no list of media',
    async () => {
      const settings = {
        ...VIDEO,
        image_start: [path.join('inner', 'start.png')],
        video_guide: `${path.join('inner', 'guide.mp4')}|start_frame=1,end_frame=4`,
      };
      expect(await fromFolder(() => session.runTask(settings))).toMatchObject({ success: true, errors: [] });
      expect(await session.runTask(settings)).toMatchObject({ success: false });
    },
  );

  onSample('[input.virtual] with a suffix are that range of frames', 'it shows in the guided pixels', async () => {
    const guided = async (video_guide: string): Promise<Buffer> => {
      const { artifacts, errors } = await session.runTask({ ...VIDEO, ...WITH_MEDIA, video_guide });
      expect(errors).toEqual([]);
      return artifacts[0]!.video!.data;
    };
    const guide = path.join(MEDIA, 'guide.mp4');
    const early = await guided(buildVirtualMediaPath(guide, { startFrame: 0, endFrame: 8 }));
    expect((await guided(`${guide}|start_frame=0,end_frame=8`)).equals(early)).toBe(true);
    expect((await guided(`${guide}|start_frame=20,end_frame=28`)).equals(early)).toBe(false);
  });

  onReal(
    '[input.virtual, media_postprocessing] with a suffix are upsampled as that range of frames',
    'the sample has no post-processing',
    async () => {
      const range = buildVirtualMediaPath(path.join('inner', 'guide.mp4'), { startFrame: 10, endFrame: 14 });
      const { errors, artifacts } = await fromFolder(() =>
        session.runMediaPostprocessing(range, { spatialUpsampling: 'lanczos2', returnMedia: true }),
      );
      expect(errors).toEqual([]);
      const [channels, frames, height, width] = artifacts[0]!.video!.shape;
      expect([channels, frames]).toEqual([3, 5]);
      console.log(`lanczos2 of frames 10 to 14: ${width} × ${height}`);
    },
  );

  onReal('[audio_remux] get a soundtrack of one’s own by an audio remux', 'the sample has no remux', async () => {
    const sound = path.join(folder, 'sound.wav');
    runPython(
      `import sys, wave
with wave.open(sys.argv[1], "wb") as file:
    file.setnchannels(1); file.setsampwidth(2); file.setframerate(24000)
    file.writeframes(bytes(range(256)) * 400)`,
      sound,
    );
    const video = path.join(MEDIA, 'guide.mp4');
    const result = await session.runAudioRemux(video, { postprocessAudio: 'custom', audioSource: sound });
    expect(result).toMatchObject({ success: true, errors: [] });
    expect(result.generatedFiles).toHaveLength(1);
  });

  test('[input.virtual.build, input.virtual.audio] have a suffix that buildVirtualMediaPath() makes', () => {
    expect(buildVirtualMediaPath('a.mkv', { startFrame: 123, endFrame: 456, audioTrackNo: 2 })).toBe(
      'a.mkv|start_frame=123,end_frame=456,audio_track_no=2',
    );
  });
});
