import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { IN_CHILD, runScript } from '../tools.js';
import { baseOptions, eventsOf, onSample, open, outputDir, SLOW, steps, VIDEO, WITH_MEDIA } from './root.js';

const folder = mkdtempSync(path.join(tmpdir(), 'wangp-init-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SPIED = path.join(folder, 'spied');
const MARK = path.join(folder, 'mark');

/**
 * Says again and again what Python's console says of itself, and with which flags WanGP was started; draws a line in
 * the output where it is asked to, so that the line comes after what Python printed before.
 */
const SPY = `
import json, os, sys, threading, time
def spy():
    while True:
        if os.path.exists(${JSON.stringify(MARK)}):
            for stream in (sys.__stdout__, sys.__stderr__): print("=== quiet", file=stream, flush=True)
            os.remove(${JSON.stringify(MARK)})
        # WanGP's parsed flags; the sample root keeps its list.
        args = getattr(sys.modules.get("wgp"), "args", None)
        kept = getattr(getattr(sys.modules.get("shared.runtime"), "_runtime", None), "cli_args", None)
        flags = list(kept) if args is None and kept is not None else ["--attention", getattr(args, "attention", None)]
        with open(${JSON.stringify(SPIED)}, "a") as file:
            line = [time.time() * 1000, bool(sys.stdout.isatty()), flags]
            print(json.dumps(line), file=file)
        time.sleep(0.02)
threading.Thread(target=spy, daemon=True).start()
`;

interface Answers {
  readonly first: Run;
  readonly second: Run;
  readonly refused: string[];
}
interface Run {
  readonly from: number;
  readonly to: number;
  readonly files: string[];
  readonly lines: string[];
}

/** A process of its own, where a configuration of its own says where outputs go. */
async function sessions(): Promise<Answers & { before: string; after: string }> {
  const configured = baseOptions.configPath;
  const config = typeof configured !== 'string' ? {} : (JSON.parse(readFileSync(configured, 'utf8')) as object);
  const saved = path.join(folder, 'saved');
  const paths = { save_path: saved, image_save_path: saved, audio_save_path: saved };
  const configPath = path.join(folder, 'wgp_config.json');
  writeFileSync(configPath, JSON.stringify({ ...config, ...paths }));
  const spy = path.join(folder, 'spy.py');
  writeFileSync(spy, SPY);
  const options = {
    ...baseOptions,
    configPath,
    cliArgs: ['--attention', 'sdpa'],
    preImport: [...(baseOptions.preImport ?? []), spy],
  };
  const { code, stdout, stderr } = await runScript(
    `const options = ${JSON.stringify(options)};
    const video = ${JSON.stringify(VIDEO)};
    const slow = ${JSON.stringify(SLOW)};
    const { existsSync, readFileSync, writeFileSync } = require('node:fs');
    const until = async (holds) => {
      while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    const samplesSince = (from) => {
      const lines = readFileSync(${JSON.stringify(SPIED)}, 'utf8').split('\\n').slice(0, -1);
      return lines.filter((line) => JSON.parse(line)[0] > from).length;
    };
    const run = async (changes) => {
      const session = await wangp.init({ ...options, ...changes });
      const lines = [];
      const job = await session.submitTask(video, { callbacks: { onStream: ({ text }) => lines.push(text) } });
      const result = await job.result();
      if (!result.success) throw new Error(JSON.stringify(result.errors));
      // What the console says of itself is asked for during a job that can't end meanwhile.
      const watched = await session.submitTask(slow);
      for await (const event of watched.events) if (event.kind === 'preview') break;
      const from = Date.now();
      await until(() => samplesSince(from) > 1);
      const to = Date.now();
      watched.cancel();
      await watched.result();
      return { from, to, files: result.generatedFiles, lines };
    };
    const codeOf = (changes) => wangp.init({ ...options, ...changes }).then(() => 'accepted', ({ code }) => code);
    (async () => {
      const first = await run({});
      writeFileSync(${JSON.stringify(MARK)}, '');
      await until(() => !existsSync(${JSON.stringify(MARK)}));
      const outputDir = ${JSON.stringify(path.join(folder, 'elsewhere'))};
      const second = await run({ consoleOutput: false, consoleIsatty: false, outputDir });
      const refused = [
        await codeOf({ cliArgs: [] }),
        await codeOf({ configPath: undefined }),
        await codeOf({ configPath: ${JSON.stringify(path.join(folder, 'config.json'))} }),
        await codeOf({ root: ${JSON.stringify(folder)} }),
      ];
      writeFileSync(${JSON.stringify(path.join(folder, 'answers'))},
        JSON.stringify({ first, second, refused }));
      process.exit(0);
    })().catch((error) => { console.error(error); process.exit(1); });`,
    { timeoutMs: 150_000 },
  );
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const halves = [stdout, stderr].map((text) => text.split('=== quiet'));
  return {
    ...(JSON.parse(readFileSync(path.join(folder, 'answers'), 'utf8')) as Answers),
    before: halves.map(([half]) => half).join('\n'),
    after: halves.map(([, half]) => half).join('\n'),
  };
}

describe('a process of its own', async () => {
  const answers = await sessions();
  const { first, second, refused, before, after } = answers;
  const spied = readFileSync(SPIED, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [number, boolean, (string | null)[]]);
  const during = ({ from, to }: Run): typeof spied => spied.filter(([time]) => time >= from && time <= to);

  test('[init.config_path, init.output_dir.default] outputs go where the configuration says', () => {
    expect(first.files.map((file) => path.dirname(file))).toEqual([path.join(folder, 'saved')]);
    for (const file of first.files) expect(existsSync(file)).toBe(true);
  });

  test('[init.output_dir, result.generated_files] outputs go to outputDir where one is given; their paths are absolute', () => {
    expect(second.files.map((file) => path.dirname(file))).toEqual([path.join(folder, 'elsewhere')]);
  });

  test('[init.console_output, callback.on_stream] what is printed goes to the console, or not, and to the stream always', () => {
    const long = ({ lines }: Run): string[] => lines.map((line) => line.trim()).filter((line) => line.length > 15);
    expect(long(first).length).toBeGreaterThan(0);
    expect(long(second).length).toBeGreaterThan(0);
    for (const line of long(first)) expect(before).toContain(line);
    for (const line of long(second)) expect(after).not.toContain(line);
  });

  test('[init.console_isatty] Python’s console says that it is a terminal, or not, as consoleIsatty has it', () => {
    expect(during(first).filter(([, isatty]) => isatty).length).toBeGreaterThan(0);
    expect(during(second).length).toBeGreaterThan(0);
    expect(during(second).filter(([, isatty]) => isatty)).toEqual([]);
  });

  test('[init.cli_args] WanGP is started once, with its flags; others are refused', () => {
    // Each combination of flags has a child of its own.
    const answer = IN_CHILD ? 'accepted' : 'ERR_WANGP_ALREADY_INITIALIZED';
    expect(refused.slice(0, 2)).toEqual([answer, answer]);
    expect(during(first).at(-1)![2]).toEqual(['--attention', 'sdpa']);
  });

  test('[init.config_path.name, init.root] a configuration of another name and a folder without shared/api.py are refused with their codes', () => {
    expect(refused.slice(2)).toEqual(['ERR_WANGP_ARGUMENT', 'ERR_WANGP_ROOT']);
  });
});

onSample(
  'with a dictionary as webuiState nothing printed becomes an event, and outputs don’t go to outputDir',
  'a checkout needs its web interface running for that, in the same Python',
  async () => {
    const session = await open({ webuiState: { gen: {} } });
    const job = await session.submitTask(VIDEO);
    const events = await eventsOf(job);
    const result = await job.result();
    expect(result).toMatchObject({ success: true });
    expect(events.map(({ kind }) => kind)).not.toContain('stream');
    expect(path.dirname(result.generatedFiles[0]!)).not.toBe(outputDir);
    for (const file of result.generatedFiles) rmSync(file);
  },
);

onSample(
  'a session made with a dictionary as webuiState runs, cancels and returns media like any other',
  'a checkout needs its web interface running for that, in the same Python',
  async () => {
    const session = await open({ webuiState: { gen: {} } });
    const job = await session.submitTask(SLOW);
    await steps(job);
    job.cancel();
    expect(await job.result()).toMatchObject({ success: false, cancelled: true });
    const result = await session.runTask({ ...VIDEO, ...WITH_MEDIA });
    expect(result).toMatchObject({ success: true, artifacts: [{ mediaType: 'video' }] });
    for (const file of result.generatedFiles) rmSync(file);
  },
);
