import type { PreviewImage } from '../index';
import { type Pixels, toPalette } from './palette';

/** Bits of colour: 24 for truecolor, 8 for the 256 colours of xterm. */
export type ColourDepth = 8 | 24;

/** What is there for a picture, in character cells. */
export interface Space {
  readonly columns: number;
  readonly rows: number;
}

const UPPER_HALF = '▀';
const RESET = '\u001b[0m';

/**
 * A picture as lines of half blocks, two pixels above each other in a cell, as large as fits into `space` and never
 * larger than it is. Each line ends with the colours reset.
 */
export function renderPreview(image: PreviewImage, space: Space, depth: ColourDepth): readonly string[] {
  const pixels = scale(image, space);
  const { width, height } = pixels;
  const colour = depth === 24 ? truecolor(pixels) : indexed(pixels);
  const lines: string[] = [];
  for (let y = 0; y < height; y += 2) {
    let line = '';
    let before = '';
    for (let x = 0; x < width; x += 1) {
      const top = y * width + x;
      const codes = `38;${colour(top)};48;${colour(top + width)}`;
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

/** What selects the colour of a pixel, behind the number that says where it goes. */
type Colour = (pixel: number) => string;

function truecolor({ data }: Pixels): Colour {
  return (pixel) => `2;${data[pixel * 3]};${data[pixel * 3 + 1]};${data[pixel * 3 + 2]}`;
}

function indexed(pixels: Pixels): Colour {
  const indices = toPalette(pixels);
  return (pixel) => `5;${indices[pixel]}`;
}
