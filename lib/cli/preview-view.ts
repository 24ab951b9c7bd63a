import type { PreviewImage } from '../index';

/** Bits of colour: 24 for truecolor, 8 for the 256 colours of xterm. */
export type ColourDepth = 8 | 24;

/** What is there for a picture, in character cells. */
export interface Space {
  readonly columns: number;
  readonly rows: number;
}

interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

const UPPER_HALF = '▀';
const RESET = '\u001b[0m';

/** The levels of each channel in the colour cube of xterm. */
const CUBE_LEVELS = [0, 95, 135, 175, 215, 255] as const;

/**
 * A picture as lines of half blocks, two pixels above each other in a cell, as large as fits into `space` and never
 * larger than it is. Each line ends with the colours reset.
 */
export function renderPreview(image: PreviewImage, space: Space, depth: ColourDepth): readonly string[] {
  const { data, width, height } = scale(image, space);
  const colour = depth === 24 ? truecolor : indexed;
  const lines: string[] = [];
  for (let y = 0; y < height; y += 2) {
    let line = '';
    let before = '';
    for (let x = 0; x < width; x += 1) {
      const top = (y * width + x) * 3;
      const codes = `${colour(38, data, top)};${colour(48, data, top + width * 3)}`;
      line += codes === before ? UPPER_HALF : `\u001b[${codes}m${UPPER_HALF}`;
      before = codes;
    }
    lines.push(line + RESET);
  }
  return lines;
}

/** Averages over the area of each target pixel; the height is even. */
function scale(image: PreviewImage, { columns, rows }: Space): Pixels {
  const factor = Math.min(1, columns / image.width, (rows * 2) / image.height);
  const width = Math.max(1, Math.floor(image.width * factor));
  const height = 2 * Math.max(1, Math.round((image.height * factor) / 2));
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const [top, bottom] = span(y, height, image.height);
    for (let x = 0; x < width; x += 1) {
      const [left, right] = span(x, width, image.width);
      average(image, { left, right, top, bottom }, data, (y * width + x) * 3);
    }
  }
  return { data, width, height };
}

/** The part of `total` that the one at `index` of `count` covers: at least one. */
function span(index: number, count: number, total: number): readonly [number, number] {
  const start = Math.min(total - 1, Math.floor((index * total) / count));
  return [start, Math.max(start + 1, Math.floor(((index + 1) * total) / count))];
}

interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function average(image: PreviewImage, { left, right, top, bottom }: Area, target: Uint8Array, at: number): void {
  const count = (right - left) * (bottom - top);
  let [red, green, blue] = [0, 0, 0];
  for (let y = top; y < bottom; y += 1) {
    for (let from = (y * image.width + left) * 3, end = (y * image.width + right) * 3; from < end; from += 3) {
      red += image.data[from] ?? 0;
      green += image.data[from + 1] ?? 0;
      blue += image.data[from + 2] ?? 0;
    }
  }
  target[at] = red / count;
  target[at + 1] = green / count;
  target[at + 2] = blue / count;
}

function truecolor(layer: 38 | 48, data: Uint8Array, at: number): string {
  return `${layer};2;${data[at]};${data[at + 1]};${data[at + 2]}`;
}

function indexed(layer: 38 | 48, data: Uint8Array, at: number): string {
  return `${layer};5;${nearestIndex([data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0])}`;
}

type Rgb = readonly [number, number, number];

/** The nearest of the colour cube (16 to 231) and the greys (232 to 255). */
function nearestIndex(rgb: Rgb): number {
  const [red, green, blue] = rgb.map(nearestLevel) as unknown as Rgb;
  const cube = [red, green, blue].map((level) => CUBE_LEVELS[level] ?? 0) as unknown as Rgb;
  const step = Math.max(0, Math.min(23, Math.round(((rgb[0] + rgb[1] + rgb[2]) / 3 - 8) / 10)));
  const grey = 8 + 10 * step;
  return distance(rgb, [grey, grey, grey]) < distance(rgb, cube) ? 232 + step : 16 + 36 * red + 6 * green + blue;
}

function nearestLevel(value: number): number {
  // Levels are 40 apart, but for the first step, which is 95.
  return value < 48 ? 0 : value < 115 ? 1 : Math.round((value - 55) / 40);
}

function distance(a: Rgb, b: Rgb): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
}
