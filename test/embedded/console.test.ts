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

const folder = mkdtempSync(path.join(tmpdir(), 'wangp-console-'));

afterAll(() => rmSync(folder, { recursive: true }));

const LINES = 10_000;
const HOST_LINES = 150;
const X = 'x'.repeat(88);

/** `print` on the job's thread, and `sys.__stdout__` on another one: 20,000 lines of 101 bytes. */
const PRINT = `
def under():
    for n in range(${LINES}): sys.__stdout__.write(f"under {n:05d} ${X}\\n")
other = threading.Thread(target=under)
other.start()
for n in range(${LINES}): print(f"print {n:05d} ${X}")
other.join()
print("last, without a line end", end="")`;

/** Runs PRINT while the host prints lines of its own, some of them at its very end. */
const PRINT_BOTH = `
let lines = 0;
const print = () => console.log('host  ' + String(lines++).padStart(5, '0') + ' ${X}');
const timer = setInterval(() => lines < 100 && print(), 1);
const result = await session.runTask({ script: ${JSON.stringify(PRINT)} });
clearInterval(timer);
process.on('exit', () => { while (lines < ${HOST_LINES}) print(); });
if (!result.success) throw new Error(result.errors[0].message);`;

function numbered(name: string, count: number): string {
  return Array.from({ length: count }, (_, n) => `${name.padEnd(5)} ${String(n).padStart(5, '0')} ${X}\n`).join('');
}

/** Each writer's text, in the order of its arrival. A line of the host's may have lines of Python's within it. */
function byWriter(text: string): Record<'print' | 'under' | 'host', string> {
  const found = { print: '', under: '' };
  const host = text.replaceAll(/(print|under) \d{5} x{88}\n/g, (line, name: 'print' | 'under') => {
    found[name] += line;
    return '';
  });
  return { ...found, host };
}

const COMPLETE = {
  print: numbered('print', LINES),
  under: numbered('under', LINES),
  host: expect.toSatisfy((text: string) => {
    const last = 'last, without a line end';
    return text.includes(last) && text.replace(last, '') === numbered('host', HOST_LINES);
  }) as string,
};

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
    expect(writers.print.length).toBe(COMPLETE.print.length);
    expect(writers).toEqual(COMPLETE);
  });
});

describe('the end of the process', () => {
  const PRINT_ONLY = `await session.runTask({ script: ${JSON.stringify(PRINT)} }); process.exit(7);`;

  test('waits as long as a reader reads, however slowly', async () => {
    const left = await runWithPipe(PRINT_ONLY, { pace: { bytes: 8192, everyMs: 20 } });
    expect(left).toMatchObject({ code: 7, signal: null, other: '' });
    expect(byWriter(left.text)).toEqual({ ...COMPLETE, host: 'last, without a line end' });
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

  test.each(ENDS)('writes what C code printed, $end', async ({ leave }) => {
    const file = path.join(folder, 'log');
    const left = await runWithPipe(`await session.runTask({ script: \`
import ctypes
libc = ctypes.CDLL(None)
libc.printf(b"from C")
libc.fopen.restype = ctypes.c_void_p
libc.fputs(b"to a file", ctypes.c_void_p(libc.fopen(b${JSON.stringify(file)}, b"w")))\` }); ${leave}`);
    expect([left.text, readFileSync(file, 'utf8')]).toEqual(['from C', 'to a file']);
  });

  test('is not held up by a thread inside a C stream', async () => {
    const begin = performance.now();
    const left = await runWithPipe(`await session.submitTask({ script:
      'import ctypes; libc = ctypes.CDLL(None); libc.flockfile(ctypes.c_void_p.in_dll(libc, "stdout")); ' +
      'put("status", "here"); time.sleep(30)',
    }, { callbacks: { onStatus: () => process.exit(7) } });`);
    expect(left).toMatchObject({ code: 7, signal: null, text: '', other: '' });
    expect(performance.now() - begin).toBeLessThan(15_000);
  });

  // Another process may share the pipe: it would find it non-blocking.
  test('leaves a pipe as it found it', async () => {
    for (const withPackage of [false, true]) {
      expect(await runWithPipe('console.log("hello"); process.exit(7);', { withPackage })).toMatchObject({
        code: 7,
        text: 'hello\n',
        nonBlocking: false,
      });
    }
  });

  test('leaves a terminal in its usual mode', async () => {
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
