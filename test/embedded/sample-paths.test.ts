import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runPython } from '../fixtures/inspect-media.js';
import { runScript } from '../tools.js';

const folder = mkdtempSync(path.join(tmpdir(), 'wangp-paths-'));

beforeAll(() => {
  // Two folders with a picture of the same name, and a third one without.
  for (const [name, colour] of Object.entries({ red: '(255, 0, 0)', blue: '(0, 0, 255)' })) {
    mkdirSync(path.join(folder, name, 'inner'), { recursive: true });
    const file = path.join(folder, name, 'inner', 'start.png');
    runPython(`import sys; from PIL import Image; Image.new("RGB", (64, 48), ${colour}).save(sys.argv[1])`, file);
    writeFileSync(path.join(folder, name, 'marker'), name);
  }
  const settings = { model_type: 'ltx2_22B_distilled', resolution: '64x48', video_length: 3, num_inference_steps: 1 };
  writeFileSync(path.join(folder, 'settings.json'), JSON.stringify({ ...settings, image_start: 'inner/start.png' }));
  mkdirSync(path.join(folder, 'empty'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('attachments are relative to the working directory of the submit, and Node keeps its own during the job', async () => {
  const { code, stdout, stderr } = await runScript(`
    const fs = require('node:fs');
    const path = require('node:path');
    const folder = ${JSON.stringify(folder)};
    const settings = {
      ...TINY_VIDEO, image_start: 'inner/start.png', _api: { return_media: true },
      sample_fault: { step_seconds: 0.15 },
    };
    const answers = {};
    // Where the process is, as Node remembers it, as the system has it, and as a relative path shows it.
    const here = () => [
      path.basename(process.cwd()),
      path.basename(process.platform === 'linux' ? fs.readlinkSync('/proc/self/cwd') : process.cwd()),
      fs.existsSync('marker') ? fs.readFileSync('marker', 'utf8') : null,
    ].join();
    const first = (result) => {
      const { video } = result.artifacts[0];
      const plane = video.data.length / 3;
      return [video.data[0], video.data[plane], video.data[2 * plane]].join();
    };
    (async () => {
      process.chdir(path.join(folder, 'empty'));
      const session = await wangp.init({ outputDir: path.join(folder, 'outputs'), consoleOutput: false });
      for (const name of ['red', 'blue']) {
        process.chdir(path.join(folder, name));
        const places = new Set();
        const callbacks = { onPreview: () => places.add(here()) };
        const submitting = session.submitTask(settings, { callbacks });
        // As soon as the call has returned, the caller may go elsewhere.
        process.chdir(path.join(folder, 'empty'));
        const job = await submitting;
        const timer = setInterval(() => places.add(here()), 5);
        process.chdir(path.join(folder, name));
        const result = await job.result();
        clearInterval(timer);
        answers[name] = { errors: result.errors, pixel: first(result), places: [...places] };
      }
      process.chdir(path.join(folder, 'blue'));
      const saved = await session.run('../settings.json');
      answers.saved = saved.success;
      process.chdir(path.join(folder, 'empty'));
      answers.missing = (await session.runTask(settings)).errors;
      answers.savedElsewhere = (await session.run(path.join(folder, 'settings.json'))).errors.length;
      console.log(JSON.stringify(answers));
    })();`);
  expect({ code, stderr: stderr.replace(/^wangp-node: no WanGP root.*\n/, '') }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({
    red: { errors: [], pixel: '255,0,0', places: ['red,red,red'] },
    blue: { errors: [], pixel: '0,0,255', places: ['blue,blue,blue'] },
    saved: true,
    missing: [
      expect.objectContaining({ stage: 'validation', message: expect.stringContaining('start.png') as string }),
    ],
    savedElsewhere: 1,
  });
});

test('a relative outputDir is relative to the working directory of init(), and the paths of files are absolute', async () => {
  const { stdout } = await runScript(`
    const path = require('node:path');
    const folder = ${JSON.stringify(folder)};
    (async () => {
      process.chdir(folder);
      const session = await wangp.init({ outputDir: 'relative', consoleOutput: false });
      process.chdir('/');
      const result = await session.runTask(TINY_VIDEO);
      console.log(result.generatedFiles.map((file) => path.dirname(file)).join());
    })();`);
  expect(stdout.trim()).toBe(path.join(folder, 'relative'));
});
