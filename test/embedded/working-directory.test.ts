import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runScript } from '../tools.js';

let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'wangp-cwd-')));
  // A file of the same name everywhere: what it holds says where a relative path led.
  for (const place of ['host', 'job', 'other']) {
    mkdirSync(path.join(folder, place));
    writeFileSync(path.join(folder, place, 'marker'), place);
  }
  writeFileSync(path.join(folder, 'host', 'settings.json'), JSON.stringify(settings({ image_start: 'saved.png' })));
  writeFileSync(path.join(folder, 'host', 'voice.wav'), '');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Settings whose job tells them as it got them. */
function settings(own: Record<string, unknown>): Record<string, unknown> {
  const script = 'put("info", {key: settings[key] for key in settings if key != "script"})';
  return { ...own, script };
}

/** As Linux does it, and as it is where the system refuses Python's threads a working directory of their own. */
type Mode = 'thread' | 'absolute-paths';

/** A host in `folder/host`, with a session whose job holds `folder/job` and another session; what it found out. */
async function runHost(mode: Mode, body: string): Promise<unknown> {
  const { code, stdout, stderr } = await runScript(`
    const fs = require('node:fs');
    const path = require('node:path');
    const { spawn, spawnSync } = require('node:child_process');
    const { once } = require('node:events');
    const { Worker } = require('node:worker_threads');
    const folder = ${JSON.stringify(folder)};
    const answers = {};
    const name = (directory) => path.basename(directory.trim());
    /** What the job of these settings was given. */
    const given = async (submitting) => {
      const job = await submitting;
      const infos = [];
      for await (const event of job.events) if (event.kind === 'info') infos.push(event.data);
      return infos;
    };
    (async () => {
      process.chdir(path.join(folder, 'host'));
      ${mode === 'absolute-paths' ? 'probe.refuseUnshare();' : ''}
      const session = await wangp.init({ root: SCRIPTED_ROOT });
      const other = await wangp.init({ root: SCRIPTED_ROOT });
      answers.mode = session.info.isolation.workingDirectory;
      const holder = await session.submitTask({
        folder: path.join(folder, 'job'),
        script: 'os.chdir(settings["folder"])\\nput("info", "moved")\\njob.wait_for_cancel(20)\\n' +
          'put("info", os.path.basename(os.getcwd()))',
      });
      const moves = holder.events[Symbol.asyncIterator]();
      while ((await moves.next()).value.kind !== 'info') {}
      ${body}
      holder.cancel();
      for (let turn = await moves.next(); !turn.done; turn = await moves.next()) {
        if (turn.value.kind === 'info') answers.job = turn.value.data;
      }
      console.log(JSON.stringify(answers));
    })();`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

// Where relative paths lead for everybody but the job.
const EVERYBODY = `
  answers.remembered = name(process.cwd());
  answers.system = name(fs.readlinkSync('/proc/self/cwd'));
  answers.sync = fs.readFileSync('marker', 'utf8');
  // More reads at once than libuv's pool has threads.
  const reads = await Promise.all(Array.from({ length: 16 }, () => fs.promises.readFile('marker', 'utf8')));
  answers.pool = [...new Set(reads)];
  answers.spawnSync = name(spawnSync('pwd', ['-P'], { encoding: 'utf8' }).stdout);
  const child = spawn('pwd', ['-P']);
  answers.spawn = name(String((await once(child.stdout, 'data'))[0]));
  const worker = new Worker(
    'require("node:worker_threads").parentPort.postMessage(require("node:fs").readFileSync("marker", "utf8"))',
    { eval: true },
  );
  answers.worker = (await once(worker, 'message'))[0];
  const directory = 'import os; result = os.path.basename(os.getcwd())';
  answers.call = await session.call('execute', [directory]);
  answers.otherCall = await other.call('execute', [directory]);
  answers.otherJob = (await given(other.submitTask({ script: 'put("info", os.path.basename(os.getcwd()))' })))[0];
  fs.writeFileSync('written', '');
  answers.written = ['host', 'job'].filter((place) => fs.existsSync(path.join(folder, place, 'written')));
  for (const place of answers.written) fs.rmSync(path.join(folder, place, 'written'));`;

describe('while a job holds another working directory', () => {
  test('Node, Workers and other calls stay where they were', async () => {
    expect(await runHost('thread', EVERYBODY)).toEqual({
      mode: 'thread',
      remembered: 'host',
      system: 'host',
      sync: 'host',
      pool: ['host'],
      spawnSync: 'host',
      spawn: 'host',
      worker: 'host',
      call: 'host',
      otherCall: 'host',
      otherJob: 'host',
      written: ['host'],
      job: 'job',
    });
  });

  test('the job stays where it is when the host moves, and the next submit begins where the host then is', async () => {
    const body = `
      process.chdir(path.join(folder, 'other'));
      answers.sync = fs.readFileSync('marker', 'utf8');
      answers.next = (await given(other.submitTask({ script: 'put("info", open("marker").read())' })))[0];
      // The Python thread keeps the directory that the interpreter was started in.
      answers.call = await session.call('execute', ['result = open("marker").read()']);`;
    const answers = { mode: 'thread', sync: 'other', next: 'other', call: 'host', job: 'job' };
    expect(await runHost('thread', body)).toEqual(answers);
  });

  test("a job's own threads and child processes are where the job is", async () => {
    const script = [
      'import subprocess, threading',
      'os.chdir(settings["folder"])',
      'seen = []',
      'thread = threading.Thread(target=lambda: seen.append(open("marker").read()))',
      'thread.start(); thread.join()',
      'seen.append(subprocess.run(["cat", "marker"], capture_output=True, text=True).stdout)',
      'put("info", seen)',
    ];
    const body = `
      const settings = { folder: path.join(folder, 'other'), script: ${JSON.stringify(script.join('\n'))} };
      answers.seen = (await given(other.submitTask(settings)))[0];`;
    expect(await runHost('thread', body)).toEqual({ mode: 'thread', seen: ['other', 'other'], job: 'job' });
  });
});

describe('where the system refuses a thread its own working directory', () => {
  // What holds and what doesn't is in docs/limits.md; it also shows that the tests above would notice.
  test('a job moves the whole process, and process.cwd() still tells where the host was', async () => {
    expect(await runHost('absolute-paths', EVERYBODY)).toEqual({
      mode: 'absolute-paths',
      remembered: 'host',
      system: 'job',
      sync: 'job',
      pool: ['job'],
      spawnSync: 'job',
      spawn: 'job',
      worker: 'job',
      call: 'job',
      otherCall: 'job',
      otherJob: 'job',
      written: ['job'],
      job: 'job',
    });
  });

  test('attachments are looked for where the caller was at the submit', async () => {
    const attachments = {
      image_start: 'start.png',
      image_refs: ['one.png', '../other/two.png|start_frame=2', '/absolute.png', ''],
      video_guide: 'clip.mp4|start_frame=1,end_frame=3',
      prompt: 'no.png',
    };
    const body = `
      const settings = ${JSON.stringify(settings(attachments))};
      answers.task = (await given(other.submitTask(settings)))[0];
      answers.list = (await given(other.submitManifest([settings, settings]))).map((task) => task.image_start);
      const tasks = { tasks: [{ id: 1, params: { image_start: 'start.png' } }], script: settings.script };
      answers.tasks = (await given(other.submit(tasks)))[0].tasks;
      answers.file = (await given(other.submit('settings.json')))[0].image_start;
      const remux = await other.submitAudioRemux('clip.mp4|start_frame=1', {
        postprocessAudio: 'custom', audioSource: 'voice.wav',
      });
      for await (const { kind, data } of remux.events) {
        if (kind === 'output') answers.remux = [data.source, data.keywords.audio_source];
      }
      // Where the host goes afterwards doesn't matter.
      process.chdir(path.join(folder, 'host'));
      const submitting = other.submitTask(settings);
      process.chdir(path.join(folder, 'other'));
      answers.late = (await given(submitting))[0].video_guide;`;
    const at = (file: string): string => path.join(folder, 'host', file);
    expect(await runHost('absolute-paths', body)).toEqual({
      mode: 'absolute-paths',
      task: {
        image_start: at('start.png'),
        image_refs: [at('one.png'), `${folder}/host/../other/two.png|start_frame=2`, '/absolute.png', ''],
        video_guide: at('clip.mp4|start_frame=1,end_frame=3'),
        prompt: 'no.png',
      },
      list: [at('start.png'), at('start.png')],
      tasks: [{ id: 1, params: { image_start: at('start.png') } }],
      file: at('saved.png'),
      remux: [at('clip.mp4|start_frame=1'), at('voice.wav')],
      late: at('clip.mp4|start_frame=1,end_frame=3'),
      // The host moved, and its job with it.
      job: 'other',
    });
  });
});
