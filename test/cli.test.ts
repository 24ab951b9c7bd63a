import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';

const REPOSITORY = path.resolve(import.meta.dirname, '..');
const MAIN = path.join(REPOSITORY, 'dist', 'cli', 'main.js');
const SETTINGS = path.join(REPOSITORY, 'test', 'fixtures', 'settings');
const ESCAPE = '\u001b';
const isWindows = process.platform === 'win32';

const home = mkdtempSync(path.join(os.tmpdir(), 'wangp cli '));
let outputs = home;
let count = 0;
beforeEach(() => {
  outputs = path.join(home, `outputs ${count++}`);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds since the last interrupt. */
  readonly afterInterrupt: number;
}

interface How {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Press Ctrl-C each time that the next of these has appeared on stderr. */
  readonly interruptAt?: readonly RegExp[];
  readonly command?: readonly string[];
}

/** Runs the command line in a process of its own. */
function cli(
  args: readonly string[],
  { cwd = home, env = {}, interruptAt = [], command = [] }: How = {},
): Promise<Ended> {
  const [program = '', ...rest] = [...command, process.execPath, MAIN, ...args];
  const environment = { ...process.env, WANGP_ROOT: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined, ...env };
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const waiting = [...interruptAt];
    let [stdout, stderr, interruptedAt] = ['', '', 0];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (waiting[0]?.test(stderr) !== true) return;
      waiting.shift();
      // Two presses in a row are further apart than one that is told twice.
      setTimeout(() => {
        interruptedAt = performance.now();
        child.kill('SIGINT');
      }, 400);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr, afterInterrupt: performance.now() - interruptedAt }));
  });
}

function demo(args: readonly string[], how: How = {}): Promise<Ended> {
  return cli(['demo', '--output', outputs, ...args], how);
}

function fixture(name: string): readonly string[] {
  return ['--settings', path.join(SETTINGS, name)];
}

/** What the last line on stdout says. */
function lastLine(stdout: string): unknown {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

describe('help', () => {
  test.each([[['--help']], [['demo', '--help']], [['info', '--help']]])('%s discloses WanGP', async (args) => {
    const { code, stdout } = await cli(args);
    expect(code).toBe(0);
    expect(stdout).toContain('independent package');
    expect(stdout).toMatch(/WanGP .* is not part of it/);
    expect(stdout).toContain("subject to WanGP's terms and conditions");
    expect(stdout.replace(/\s+/g, ' ')).toContain('should disclose its use of WanGP');
  });

  test('--version prints a version number and nothing else', async () => {
    const { code, stdout } = await cli(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong usage ends with 2 and says what is wrong', () => {
  test.each([
    [['demo', '--no-such-option'], "unknown option '--no-such-option'"],
    [['demo', '--settings'], "option '--settings <file>' argument missing"],
    [['demo', 'something'], 'too many arguments'],
    [['no-such-command'], "unknown command 'no-such-command'"],
    [[], 'Usage: wangp-node'],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await cli(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
  });
});

describe('demo', () => {
  test('runs a generation without options and tells what came of it', async () => {
    const { code, stdout, stderr } = await cli(['demo'], { cwd: home });
    expect(stderr).toContain('embedded sample');
    expect(code).toBe(0);
    const file = /^video +(.+\.mp4)$/m.exec(stdout)?.[1] ?? '';
    expect(path.dirname(file)).toMatch(/[/\\]outputs$/);
    expect(statSync(file).size).toBeGreaterThan(10_000);
    expect(stdout).toMatch(/^tensor +uint8 \[C,F,H,W\] \[3, 49, 384, 640\], .*zero-copy.*24 fps$/m);
    expect(stdout).toMatch(/^audio +float32 \[98000, 2\], .*zero-copy.*48000 Hz$/m);
    expect(stdout).toMatch(/^hand-over +\d+ µs/m);
  });

  test('without a terminal says a line for each phase, without a bar, a picture or an escape', async () => {
    const { stdout, stderr } = await demo(fixture('own.json'), { cwd: SETTINGS });
    const phases = ['Loading Model', 'Encoding Prompt', 'Denoising, 2 steps', 'VAE Decoding', 'Saving', 'Done'];
    const told = stderr.split('\n').flatMap((line) => /^ *\d+ % {2}(.*)/.exec(line)?.[1] ?? []);
    expect(told).toEqual(phases);
    expect(stdout + stderr).not.toContain(ESCAPE);
    expect(stdout + stderr).not.toMatch(/[▀█░]/);
  });

  test('--json ends stdout with one object of files, events, media and the time of the hand-over', async () => {
    const begin = performance.now();
    const { code, stdout } = await demo([...fixture('own.json'), '--json'], { cwd: SETTINGS });
    const took = performance.now() - begin;
    expect(code).toBe(0);
    const report = lastLine(stdout) as { files: string[]; handoverMicroseconds: number };
    expect(report).toEqual({
      success: true,
      files: [expect.stringContaining(outputs)],
      events: expect.objectContaining({ started: 1, preview: 2, output: 1, completed: 1 }),
      video: { shape: [3, 5, 48, 64], dtype: 'uint8', zeroCopy: true },
      audio: { shape: [10_000, 2], samplingRate: 48_000, zeroCopy: true },
      handoverMicroseconds: expect.any(Number),
    });
    expect(existsSync(report.files[0]!)).toBe(true);
    expect(report.handoverMicroseconds).toBeGreaterThanOrEqual(0);
    expect(report.handoverMicroseconds).toBeLessThan(took * 1000);
  });

  test('--settings takes a list, and returns media of those that have some', async () => {
    const { code, stdout } = await demo([...fixture('list.json'), '--json']);
    expect(code).toBe(0);
    expect(lastLine(stdout)).toMatchObject({
      files: [expect.stringMatching(/\.mp4$/), expect.stringMatching(/\.wav$/)],
      video: { shape: [3, 5, 48, 64] },
      audio: { samplingRate: 48_000 },
    });
  });

  test('--settings takes { tasks } of a queue', async () => {
    const { stdout } = await demo([...fixture('queue.json'), '--json']);
    const shape = [3, 1, 48, 64];
    expect(lastLine(stdout)).toMatchObject({ success: true, video: { shape }, audio: null });
  });

  test('--settings takes a saved queue as it is', async () => {
    const queue = path.join(home, 'queue.zip');
    const make = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "w").write(sys.argv[2], "queue.json")';
    const python = process.env['WANGP_PYTHON'] ?? 'python3';
    execFileSync(python, ['-c', make, queue, path.join(SETTINGS, 'list.json')]);
    const { stdout } = await demo(['--settings', queue, '--json']);
    expect(lastLine(stdout)).toMatchObject({
      success: true,
      files: [expect.any(String), expect.any(String)],
      video: null,
    });
  });

  test('leaves `_api.return_media` as the settings have it', async () => {
    const { code, stdout } = await demo([...fixture('no-media.json'), '--json']);
    expect(code).toBe(0);
    expect(lastLine(stdout)).toMatchObject({ files: [expect.stringMatching(/\.mp4$/)], video: null, audio: null });
  });

  test('--verbose shows what WanGP prints, on stderr', async () => {
    const { stdout, stderr } = await demo([...fixture('no-media.json'), '--verbose']);
    expect(stderr).toContain('Model loaded: ');
    expect(stdout).not.toContain('Model loaded: ');
  });

  test('--pre-import and --cli-arg reach WanGP, repeatedly', async () => {
    for (const name of ['first', 'second']) {
      writeFileSync(path.join(home, `${name}.py`), `import sys; print("imported ${name}", file=sys.stderr)`);
    }
    const imports = ['--pre-import', 'first.py', '--pre-import', 'second.py'];
    const { code, stderr } = await cli(['info', ...imports, '--cli-arg', '--attention', '--cli-arg', 'sdpa']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/imported first[^]*imported second/);
  });
});

describe('a failed generation', () => {
  test('ends with 1, and its errors are in the last line', async () => {
    const { code, stdout } = await demo([...fixture('failing.json'), '--json']);
    expect(code).toBe(1);
    expect(lastLine(stdout)).toMatchObject({
      success: false,
      files: [],
      events: { started: 1, error: 1, completed: 1 },
      video: null,
      audio: null,
      errors: [expect.stringContaining('raise_at_step 2')],
    });
  });

  test('is told in one line; what WanGP printed is shown under --verbose only', async () => {
    const quiet = await demo(fixture('failing.json'));
    expect(quiet.stderr).toMatch(/wangp-node: the generation failed: .*raise_at_step 2/);
    expect(quiet.stderr).toContain('--verbose');
    expect(quiet.stderr).not.toContain('line 00001');
    const verbose = await demo([...fixture('failing.json'), '--verbose']);
    expect(verbose.stderr).toMatch(/line 00001[^]*Traceback/);
  });
});

describe('an error ends with 1, its message and its code, without a JavaScript stack', () => {
  function written(name: string, content: string): string {
    const file = path.join(home, name);
    writeFileSync(file, content);
    return file;
  }

  test.each([
    ['ERR_WANGP_FILE', () => ['demo', '--settings', path.join(home, 'none.json')]],
    ['ERR_WANGP_FILE', () => ['demo', '--settings', path.join(home, 'none.zip')]],
    ['ERR_WANGP_FILE', () => ['demo', '--settings', home]],
    ['ERR_WANGP_SETTINGS_FILE', () => ['demo', '--settings', written('broken.json', '{"prompt": ')]],
    ['ERR_WANGP_SETTINGS_FILE', () => ['demo', '--settings', written('text.json', '"a prompt"')]],
    ['ERR_WANGP_SETTINGS_FILE', () => ['demo', '--settings', written('numbers.json', '{"tasks": [1]}')]],
    ['ERR_WANGP_ROOT', () => ['demo', '--root', home]],
    ['ERR_WANGP_ROOT', () => ['info', '--root', home]],
    ['ERR_WANGP_PYTHON_NOT_FOUND', () => ['info', '--python', path.join(home, 'no-python')]],
    ['ERR_WANGP_ARGUMENT', () => ['info', '--pre-import', 'no_such_module']],
  ])('%s', async (code, args) => {
    const ended = await cli([...args(), '--json']);
    expect(ended.stderr).toMatch(new RegExp(`^wangp-node: [^]+ \\[${code}\\]$`, 'm'));
    expect(ended.stderr).not.toMatch(/^ +at .*:\d+/m);
    expect(lastLine(ended.stdout)).toEqual({ success: false, error: { code, message: expect.any(String) } });
    expect(ended.code).toBe(1);
  });

  test("Python's traceback is shown under --verbose only, and the message says so", async () => {
    const args = ['info', '--pre-import', written('raises.py', 'raise ValueError("boom")')];
    const quiet = await cli(args);
    expect(quiet.stderr).toContain('ValueError: boom [ERR_WANGP_IMPORT]');
    expect(quiet.stderr).toContain('--verbose shows the Python traceback');
    expect(quiet.stderr).not.toContain('Traceback');
    const verbose = await cli([...args, '--verbose']);
    expect(verbose.stderr).toMatch(/Traceback[^]*raises\.py", line 1/);
    expect(verbose.stderr).not.toMatch(/^ +at .*:\d+/m);
  });
});

describe.skipIf(isWindows)('Ctrl-C', () => {
  test('cancels the job, waits for its result and ends with 130', async () => {
    const { code, stdout, stderr } = await demo([...fixture('slow.json'), '--json'], { interruptAt: [/Denoising/] });
    expect(code).toBe(130);
    expect(stderr).toContain('Cancelling');
    expect(lastLine(stdout)).toMatchObject({
      success: false,
      files: [],
      events: { started: 1, completed: 1 },
      errors: [expect.any(String)],
    });
  });

  test('pressed a second time leaves at once, however deaf Python is', async () => {
    // The line is printed right before Python holds the GIL.
    const interruptAt = [/line 00001/, /Cancelling/];
    const { code, stderr, afterInterrupt } = await demo([...fixture('deaf.json'), '--verbose'], { interruptAt });
    expect(code).toBe(130);
    expect(stderr).not.toContain('the generation was cancelled');
    expect(afterInterrupt).toBeLessThan(5000);
  });

  test('while WanGP is being loaded leaves at once', async () => {
    const file = path.join(home, 'sleeps.py');
    writeFileSync(file, 'import time; time.sleep(30)');
    const { code, afterInterrupt } = await demo(['--pre-import', file], { interruptAt: [/Starting/] });
    expect(code).toBe(130);
    expect(afterInterrupt).toBeLessThan(5000);
  });
});

describe.skipIf(isWindows)('in a terminal', () => {
  // Gives the command a terminal of 60 columns and 24 rows.
  const script = `import fcntl, os, pty, struct, sys, termios
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
pid = os.fork()
if pid == 0:
    os.close(master)
    os.login_tty(slave) if hasattr(os, "login_tty") else [os.dup2(slave, fd) for fd in (0, 1, 2)]
    os.execvp(sys.argv[1], sys.argv[1:])
os.close(slave)
while True:
    try:
        data = os.read(master, 65536)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
  const command = [process.env['WANGP_PYTHON'] ?? 'python3', '-c', script];
  const xterm = {
    TERM: 'xterm-256color',
    COLORTERM: undefined,
    TERM_PROGRAM: undefined,
    TMUX: undefined,
    CI: undefined,
  };

  test('a bar and the preview are drawn in place, in 256 colours', async () => {
    const { code, stdout } = await demo(fixture('paced.json'), { command, env: xterm });
    expect(code).toBe(0);
    expect(stdout).toMatch(/38;5;\d+;48;5;\d+m▀/);
    expect(stdout).toMatch(/Denoising +█+░+ +\d+ % +[1-7]\/8/);
    expect(stdout).toMatch(/Done +█+ 100 %/);
    expect(stdout).toContain(`\r${ESCAPE}[`);
    const drawn = stripVTControlCharacters(stdout).replaceAll('\r', '').split('\n');
    for (const line of drawn.filter((each) => /[▀█░]/.test(each))) expect(line.length).toBeLessThan(60);
    expect(stdout.lastIndexOf(`${ESCAPE}[?25h`)).toBeGreaterThan(stdout.lastIndexOf(`${ESCAPE}[?25l`));
  });

  test('the preview is in 24-bit colours where COLORTERM says that there are', async () => {
    const env = { ...xterm, COLORTERM: 'truecolor' };
    const { stdout } = await demo(fixture('own.json'), { cwd: SETTINGS, command, env });
    expect(stdout).toMatch(/38;2;\d+;\d+;\d+;48;2;\d+;\d+;\d+m▀/);
  });

  test.each([
    ['--no-preview', ['--no-preview'], {}],
    ['NO_COLOR', [], { NO_COLOR: '1' }],
  ])('%s shows the bar without the preview', async (name, args, env) => {
    const how = { cwd: SETTINGS, command, env: { ...xterm, ...env } };
    const { stdout } = await demo([...fixture('own.json'), ...args], how);
    expect(stdout).toMatch(/Done +█+ 100 %/);
    expect(stdout).not.toContain('▀');
    if (name === 'NO_COLOR') expect(stdout).not.toMatch(new RegExp(`${ESCAPE}\\[[\\d;]*m`));
  });

  test('a dumb terminal gets plain lines without escapes', async () => {
    const env = { ...xterm, TERM: 'dumb' };
    const { stdout } = await demo(fixture('own.json'), { cwd: SETTINGS, command, env });
    expect(stdout).toContain('VAE Decoding');
    expect(stdout).not.toContain(ESCAPE);
  });
});

describe('info', () => {
  test('says versions, interpreter, root and device of what runs', async () => {
    const { code, stdout } = await cli(['info']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^WanGP +the embedded sample: no WanGP, no AI$/m);
    expect(stdout).toMatch(/^Python +3\.\d+\.\d+ \(.+\)$/m);
  });

  test('--json ends stdout with the properties of session.info', async () => {
    const { code, stdout } = await cli(['info', '--json']);
    expect(code).toBe(0);
    expect(lastLine(stdout)).toMatchObject({
      success: true,
      isSample: true,
      pythonVersion: expect.stringMatching(/^3\./),
    });
  });
});
