import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Left,
  runWithClosed,
  runWithFile,
  runWithPipe,
  runWithSocket,
  runWithTerminal,
  SLOW,
} from '../fixtures/stdout.js';
import { initScripted } from '../tools.js';

const folder = mkdtempSync(path.join(tmpdir(), 'wangp-console-'));

afterAll(() => rmSync(folder, { recursive: true }));

const LINES = 10_000;
const HOST_LINES = 150;

/** Characters that nobody else uses: whoever tears a line of whose, the text of each can be told from the others'. */
const WRITERS = {
  print: { digits: 'abcdefghij', filler: 'z', characters: /[a-z]/g },
  under: { digits: 'ABCDEFGHIJ', filler: 'Z', characters: /[A-Z]/g },
  host: { digits: '0123456789', filler: '-', characters: /[0-9-]/g },
} as const;
type Writer = keyof typeof WRITERS;

/** Python's last output, which has no line end. */
const LAST = '@@@@@@';

function pythonLine(writer: Writer): string {
  const { digits, filler } = WRITERS[writer];
  return `f"{n:05d}".translate(str.maketrans("0123456789", "${digits}")) + "${filler.repeat(95)}"`;
}

/** `print` on the job's thread, and `sys.__stdout__` on another one: 20,000 lines of 101 bytes. */
const PRINT = `
def under():
    for n in range(${LINES}): sys.__stdout__.write(${pythonLine('under')} + "\\n")
other = threading.Thread(target=under)
other.start()
for n in range(${LINES}): print(${pythonLine('print')})
other.join()
print("${LAST}", end="")`;

/** Runs PRINT while the host prints lines of its own, some of them at its very end. */
const PRINT_BOTH = `
let lines = 0;
const print = () => console.log(String(lines++).padStart(5, '0') + '-'.repeat(95));
const timer = setInterval(() => lines < 100 && print(), 1);
const result = await session.runTask({ script: ${JSON.stringify(PRINT)} });
clearInterval(timer);
process.on('exit', () => { while (lines < ${HOST_LINES}) print(); });
if (!result.success) throw new Error(result.errors[0].message);`;

function numbered(writer: Writer, count: number): string {
  const { digits, filler } = WRITERS[writer];
  return Array.from({ length: count }, (_, n) => {
    const number = String(n).padStart(5, '0');
    return number.replaceAll(/\d/g, (digit) => digits[Number(digit)]!) + filler.repeat(95);
  }).join('');
}

/** Each writer's text in the order of its arrival, how many lines there are, and the end of Python's output. */
function byWriter(text: string): Record<Writer, string> & { lines: number; last: string } {
  const of = (characters: RegExp): string => text.match(characters)?.join('') ?? '';
  return {
    print: of(WRITERS.print.characters),
    under: of(WRITERS.under.characters),
    host: of(WRITERS.host.characters),
    lines: text.match(/\n/g)?.length ?? 0,
    last: of(/@+/g),
  };
}

const FROM_PYTHON = {
  print: numbered('print', LINES),
  under: numbered('under', LINES),
  host: '',
  lines: 2 * LINES,
  last: LAST,
};
const COMPLETE = { ...FROM_PYTHON, host: numbered('host', HOST_LINES), lines: 2 * LINES + HOST_LINES };

const KINDS: Record<string, (body: string) => Promise<Left>> = {
  'a slow pipe': runWithPipe,
  'a slow socket': runWithSocket,
  'a file': runWithFile,
  'a terminal': runWithTerminal,
};

const ENDS = [
  { end: 'by itself', leave: 'process.exitCode = 3;', code: 3 },
  { end: 'by process.exit()', leave: 'process.exit(7);', code: 7 },
  { end: 'by an exception', leave: 'throw new Error("nobody catches this");', code: 1 },
];

describe.each(Object.entries(KINDS))('with stdout %s', (_, run) => {
  test.each(ENDS)('all lines arrive when the process ends $end', async ({ leave, code }) => {
    const left = await run(PRINT_BOTH + leave);
    expect(left).toMatchObject({ code, signal: null });
    const writers = byWriter(left.text);
    for (const name of ['print', 'under', 'host'] as const) {
      expect(writers[name].length).toBe(COMPLETE[name].length);
      expect(writers[name] === COMPLETE[name], `the lines of ${name} are in order`).toBe(true);
    }
    expect(writers).toMatchObject({ lines: COMPLETE.lines, last: LAST });
    // A terminal takes what it has room for, also part of a line.
    const whole = left.text.match(/[a-j]{5}z{95}\n/g)?.length;
    if (run !== runWithTerminal) expect(whole).toBe(LINES);
  });
});

describe('the end of the process', () => {
  const PRINT_ONLY = `await session.runTask({ script: ${JSON.stringify(PRINT)} }); process.exit(7);`;

  test('waits as long as a reader reads, however slowly', async () => {
    const left = await runWithPipe(PRINT_ONLY, { pace: { bytes: 8192, everyMs: 20 } });
    expect(left).toMatchObject({ code: 7, signal: null, other: '' });
    expect(byWriter(left.text)).toEqual(FROM_PYTHON);
  });

  test('does not wait for a reader that stopped', async () => {
    const begin = performance.now();
    const left = await runWithPipe(PRINT_ONLY, { pace: { bytes: 0, everyMs: 0 } });
    expect(left).toMatchObject({ code: 7, signal: null, other: '' });
    expect(performance.now() - begin).toBeLessThan(15_000);
  });

  test('does not wait for a job that goes on printing', async () => {
    const left = await runWithPipe(
      `
      const script = 'put("status", "here")\\nwhile True: print("x" * 100)';
      let asked;
      process.on('exit', () => { asked = Date.now(); process._rawDebug('asked', asked); });
      await session.submitTask({ script }, { callbacks: { onStatus: () => setTimeout(() => process.exit(7), 200) } });`,
      { pace: { bytes: 65_536, everyMs: 1 } },
    );
    expect(left).toMatchObject({ code: 7, signal: null });
    const [, asked] = /asked (\d+)/.exec(left.other)!;
    expect(Date.now() - Number(asked)).toBeLessThan(10_000);
    expect(left.text.length).toBeGreaterThan(0);
    expect(left.text.replaceAll(`${'x'.repeat(100)}\n`, '')).toBe('');
  });

  test.each(ENDS)('writes what C code printed, where it comes $end', async ({ leave }) => {
    const file = path.join(folder, 'log');
    const left = await runWithPipe(`await session.runTask({ script: \`
import ctypes
libc = ctypes.CDLL(None)
libc.printf(b"from C")
libc.fopen.restype = ctypes.c_void_p
libc.fputs(b"to a file", ctypes.c_void_p(libc.fopen(b${JSON.stringify(file)}, b"w")))\` }); ${leave}`);
    expect([left.text, readFileSync(file, 'utf8')]).toEqual(['from C', 'to a file']);
  });

  test('is not held up by a thread that holds the lock of a C stream', async () => {
    const begin = performance.now();
    const left = await runWithPipe(`await session.submitTask({ script:
      'import ctypes; libc = ctypes.CDLL(None); libc.flockfile(ctypes.c_void_p.in_dll(libc, "stdout")); ' +
      'put("status", "here"); time.sleep(30)',
    }, { callbacks: { onStatus: () => process.exit(7) } });`);
    expect(left).toMatchObject({ code: 7, signal: null, text: '', other: '' });
    expect(performance.now() - begin).toBeLessThan(15_000);
  });

  // Another process may share the pipe: it would find it non-blocking.
  test('leaves a pipe blocking, as it does without the package', async () => {
    for (const withPackage of [false, true]) {
      expect(await runWithPipe('console.log("hello"); process.exit(7);', { withPackage })).toMatchObject({
        code: 7,
        text: 'hello\n',
        nonBlocking: false,
      });
    }
  });

  test('leaves a terminal in its usual mode, as it does without the package', async () => {
    for (const withPackage of [false, true]) {
      const left = await runWithTerminal('process.stdin.setRawMode(true); process.exit(7);', { withPackage });
      expect(left).toEqual({ code: 7, signal: null, text: '', other: 'canonical True\n' });
    }
  });
});

describe('output that nobody reads any more', () => {
  const report = (stream: 1 | 2): string => `
    const file = 'sys.std${stream === 1 ? 'out' : 'err'}';
    const script = 'for n in range(20000): print("x" * 100, file=' + file + ')\\n' + file + '.flush()';
    const result = await session.runTask({ script });
    process.std${stream === 1 ? 'err' : 'out'}.write(JSON.stringify([result.success, result.errors]));
    process.exitCode = 3;`;

  test.each([1, 2] as const)('descriptor %i, closed midway, fails no job', async (stream) => {
    const left = await runWithPipe(report(stream), { stream, pace: { ...SLOW, until: 200_000 } });
    expect(left).toMatchObject({ code: 3, signal: null, other: '[true,[]]' });
    expect(left.text).toMatch(/^(x{100}\n)+x*$/);
  });

  test.each([1, 2] as const)('descriptor %i, closed from the start, fails no job', async (stream) => {
    const left = await runWithClosed(report(stream), stream);
    expect(left).toMatchObject({ code: 3, signal: null, text: '', other: '[true,[]]' });
  });
});

test('a slow stderr gets all lines, also when the process exits', async () => {
  const left = await runWithPipe(
    `await session.runTask({ script: 'for n in range(20000): print(f"{n:05d}", "x" * 94, file=sys.stderr)' });
    process.exit(7);`,
    { stream: 2 },
  );
  expect(left).toMatchObject({ code: 7, signal: null, other: '' });
  expect(left.text).toBe(
    Array.from({ length: 20_000 }, (_, n) => `${String(n).padStart(5, '0')} ${'x'.repeat(94)}\n`).join(''),
  );
});

test('a program that Python starts has the three standard descriptors of this process', async () => {
  await using session = await initScripted();
  const program = 'import os; [os.fstat(descriptor) for descriptor in (0, 1, 2)]';
  const statements = `import subprocess; result = subprocess.call([sys.executable, "-c", ${JSON.stringify(program)}])`;
  expect(await session.call('execute', [statements])).toBe(0);
});
