import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { PreviewImage } from '../lib/index.js';
import { renderPreview } from '../lib/cli/preview-view.js';

type Rgb = readonly [number, number, number];

function picture(width: number, height: number, colourAt: (x: number, y: number) => Rgb): PreviewImage {
  const data = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i += 1) data.set(colourAt(i % width, Math.floor(i / width)), i * 3);
  return { data, width, height, channels: 3, zeroCopy: false };
}

function blocksOf(line: string): number {
  return stripVTControlCharacters(line).length;
}

const ROOMY = { columns: 100, rows: 50 };
const RED: Rgb = [255, 0, 0];
const BLUE: Rgb = [0, 0, 255];

describe('a preview', () => {
  test('has two pixels in a cell: the upper one in front, the lower one behind', () => {
    const image = picture(1, 2, (_, y) => (y === 0 ? RED : BLUE));
    expect(renderPreview(image, ROOMY, 24)).toEqual(['\u001b[38;2;255;0;0;48;2;0;0;255m▀\u001b[0m']);
  });

  test('names a colour once for the cells that have it', () => {
    const line = renderPreview(
      picture(10, 2, () => RED),
      ROOMY,
      24,
    )[0]!;
    expect(line.split('\u001b[38;')).toHaveLength(2);
    expect(blocksOf(line)).toBe(10);
  });

  test.each([
    ['wide', 1333, 200, 59, 30],
    ['tall', 200, 1333, 59, 30],
    ['square', 512, 512, 120, 20],
    ['a line', 500, 1, 40, 10],
    ['tiny room', 640, 384, 1, 1],
  ])('of any shape fits the columns and rows that there are (%s)', (_, width, height, columns, rows) => {
    const lines = renderPreview(
      picture(width, height, () => RED),
      { columns, rows },
      24,
    );
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of lines) expect(blocksOf(line)).toBeLessThanOrEqual(columns);
  });

  test('keeps its proportions and is not enlarged', () => {
    const lines = renderPreview(
      picture(40, 20, () => RED),
      ROOMY,
      24,
    );
    expect(lines).toHaveLength(10);
    expect(blocksOf(lines[0]!)).toBe(40);
  });

  test('is averaged where it is scaled down', () => {
    const chequered = picture(64, 64, (x, y) => ((x + y) % 2 === 0 ? [200, 100, 0] : [0, 100, 200]));
    expect(renderPreview(chequered, { columns: 1, rows: 1 }, 24)[0]).toContain('38;2;100;100;100;48;2;100;100;100');
  });

  test.each([
    [RED, 196],
    [BLUE, 21],
    [[0, 0, 0], 16],
    [[255, 255, 255], 231],
    [[128, 128, 128], 244],
    [[95, 135, 175], 67],
  ] as [Rgb, number][])('has the nearest of 256 colours (%j)', (colour, index) => {
    const image = picture(1, 2, () => colour);
    expect(renderPreview(image, ROOMY, 8)[0]).toContain(`38;5;${index};48;5;${index}m`);
  });

  describe('in 256 colours', () => {
    const LEVELS = [0, 95, 135, 175, 215, 255];

    function rgbOf(index: number): Rgb {
      if (index >= 232) return [8 + 10 * (index - 232), 8 + 10 * (index - 232), 8 + 10 * (index - 232)];
      const place = index - 16;
      return [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map((level) => LEVELS[level]!) as unknown as Rgb; // prettier-ignore
    }

    const light = (value: number): number => (value / 255) ** 2.2;

    /** The colours of all pixels, row by row. */
    function shown(image: PreviewImage): Rgb[] {
      return renderPreview(image, ROOMY, 8).flatMap((line) => {
        const rows: [Rgb[], Rgb[]] = [[], []];
        let colours: [Rgb, Rgb] = [RED, RED];
        for (const [, codes] of line.matchAll(/\[38;5;(\d+;48;5;\d+)m|▀/g)) {
          if (codes !== undefined) colours = codes.split(';48;5;').map((code) => rgbOf(Number(code))) as [Rgb, Rgb];
          else rows.forEach((row, index) => row.push(colours[index]!));
        }
        return rows.flat();
      });
    }

    test.each([
      ['a dark violet, whose nearest is grey', [38, 22, 64]],
      ['between two levels of the cube', [115, 155, 195]],
      ['skin', [224, 172, 140]],
      ['the darkest blue', [0, 0, 40]],
      ['nearly white', [250, 246, 238]],
    ] as [string, Rgb][])('an area has its colour as a whole: %s', (_, colour) => {
      const pixels = shown(picture(60, 60, () => colour));
      expect(pixels).toHaveLength(3600);
      for (const channel of [0, 1, 2] as const) {
        const mean = pixels.reduce((sum, pixel) => sum + light(pixel[channel]), 0) / pixels.length;
        expect(Math.abs(mean - light(colour[channel]))).toBeLessThan(0.01);
      }
    });

    test('a gradient has no bands: every stretch of it is lighter than the one before', () => {
      const pixels = shown(picture(96, 96, (x) => [40 + x, 20 + x, 90]));
      const means = Array.from({ length: 12 }, (_, part) => {
        const columns = pixels.filter((_, at) => Math.floor((at % 96) / 8) === part);
        return columns.reduce((sum, pixel) => sum + light(pixel[0]), 0) / columns.length;
      });
      expect([...means].sort((a, b) => a - b)).toEqual(means);
      expect(new Set(means).size).toBe(12);
    });

    test('a colour that a terminal has stays as it is, beside others too', () => {
      const image = picture(40, 40, (x) => (x < 20 ? [95, 0, 215] : [128, 128, 128]));
      expect(new Set(shown(image).map(String))).toEqual(new Set(['95,0,215', '128,128,128']));
    });
  });
});
