import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PACKAGE } from './tools.js';

// tmux is a terminal that wraps its lines anew when its width changes, and that a program can look at.
const hasTmux = spawnSync('tmux', ['-V']).status === 0;

// A server of its own for each test: one that was just told to end may still be there.
let count = 0;
const [COLUMNS, ROWS] = [100, 30];

/** Draws a large picture and a bar until it is told to end, by a file of this name. */
const PROGRAM = `
const { existsSync, writeFileSync } = require('node:fs');
const { LiveView } = require(${JSON.stringify(path.join(PACKAGE, 'dist', 'cli', 'live-view.js'))});
const [end] = process.argv.slice(2);
writeFileSync(end + '.pid', String(process.pid));
const [width, height] = [640, 384];
console.log('before ' + 'and a line that is wrapped '.repeat(3));
const view = new LiveView(process.stderr, { preview: true });
const data = Buffer.alloc(width * height * 3, 120);
view.preview({ data, width, height, channels: 3, zeroCopy: false });
setTimeout(() => view.line('said meanwhile'), 300);
setInterval(() => {
  view.status('status');
  if (existsSync(end)) { view.end('Done', true); process.exit(); }
}, 20);`;

function tmux(...args: readonly string[]): string {
  return execFileSync('tmux', ['-L', `wangp-node-${process.pid}-${count}`, '-f', '/dev/null', ...args], {
    encoding: 'utf8',
  });
}

/** What stands on the screen, and with `history` what was pushed out of it. */
function screen(history = false): readonly string[] {
  const text = tmux('capture-pane', '-p', ...(history ? ['-S', '-'] : []), '-t', 'test');
  return text.trimEnd().split('\n');
}

const flag = (name: string): string => tmux('display', '-p', '-t', 'test', `#{${name}}`).trim();

async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; !condition(); attempt += 1) {
    if (attempt > 400) throw new Error(`the terminal shows\n${screen(true).join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const isPicture = (line: string): boolean => line.includes('▀');

// Windows has no tmux; elsewhere the package manager has one (apt install tmux).
describe.skipIf(!hasTmux)('the live view in a terminal (needs tmux)', () => {
  let folder: string;
  let end: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'wangp-terminal-'));
    writeFileSync(path.join(folder, 'program.cjs'), PROGRAM);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeEach(async () => {
    count += 1;
    end = path.join(folder, `end ${count}`);
    tmux('new-session', '-d', '-s', 'test', '-x', `${COLUMNS}`, '-y', `${ROWS}`, 'sh');
    tmux(
      'send-keys',
      '-t',
      'test',
      `PS1='prompt>'; clear; "${process.execPath}" "${folder}/program.cjs" "${end}"`,
      'Enter',
    );
    await until(() => screen().some(isPicture) && screen().some((line) => line.includes('said meanwhile')));
  });
  afterEach(() => void tmux('kill-server'));

  async function resize(columns: number): Promise<void> {
    tmux('resize-window', '-t', 'test', '-x', `${columns}`, '-y', `${ROWS}`);
    // Drawn anew, and as large as fits.
    await until(
      () =>
        screen()
          .filter(isPicture)
          .every((line) => line.length < columns) && screen().includes('status'),
    );
    await until(() => screen().findIndex(isPicture) <= 1);
  }

  test('leaves no strips when it is narrowed and widened, takes no line away, and what was said stays', async () => {
    const rows = screen().filter(isPicture).length;
    expect(rows).toBeGreaterThan(10);
    for (const columns of [50, 100, 31, 100]) await resize(columns);
    await until(() => screen().filter(isPicture).length === rows);
    writeFileSync(end, '');
    await until(() => screen().at(-1) === 'prompt>');
    const lines = screen(true);
    const first = lines.findIndex(isPicture);
    expect(lines.slice(0, first).map((line) => line.trimEnd())).toEqual([
      `before ${'and a line that is wrapped '.repeat(3)}`.trimEnd(),
      'said meanwhile',
    ]);
    expect(lines.slice(first).map((line) => (isPicture(line) ? 'picture' : line.slice(0, 7)))).toEqual([
      ...Array.from({ length: rows }, () => 'picture'),
      'Done   ',
      'prompt>',
    ]);
    expect([flag('alternate_on'), flag('cursor_flag')]).toEqual(['0', '1']);
  });

  test('gives the terminal back when it is stopped by Ctrl-Z, and goes on where it was', async () => {
    expect(flag('alternate_on')).toBe('1');
    tmux('send-keys', '-t', 'test', 'C-z');
    await until(() => screen().at(-1) === 'prompt>');
    expect([flag('alternate_on'), flag('cursor_flag')]).toEqual(['0', '1']);
    expect(screen().filter(isPicture)).toEqual([]);
    expect(screen()).toContain('said meanwhile');
    tmux('send-keys', '-t', 'test', 'fg', 'Enter');
    await until(() => flag('alternate_on') === '1' && screen().some(isPicture));
    writeFileSync(end, '');
    await until(() => screen().at(-1) === 'prompt>');
    expect(screen(true).filter((line) => line === 'said meanwhile')).toHaveLength(1);
  });

  test.each(['TERM', 'HUP'])('gives the terminal back when it is ended by SIG%s', async (signal) => {
    process.kill(Number(readFileSync(`${end}.pid`, 'utf8')), `SIG${signal}`);
    await until(() => flag('alternate_on') === '0');
    expect(flag('cursor_flag')).toBe('1');
    expect(screen()).toContain('said meanwhile');
  });
});
