/** The 256 colours of xterm, without the first 16, which each terminal has its own of. */

/** Red, green and blue, 0 to 255. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** The levels of each channel in the colour cube (16 to 231). */
const CUBE_LEVELS = [0, 95, 135, 175, 215, 255] as const;
const FIRST_GREY = 232;
const GREYS = 24;

/** Three channels for each number. */
const COLOURS = Uint8Array.from({ length: 256 * 3 }, (_, at) => {
  const index = Math.floor(at / 3);
  if (index >= FIRST_GREY) return 8 + 10 * (index - FIRST_GREY);
  const place = index - 16;
  const level = [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6][at % 3] ?? 0;
  return CUBE_LEVELS[level] ?? 0;
});

/** Light adds up, and the values of a picture don't: they are linear in what an eye sees. */
const LIGHT = Float64Array.from({ length: 256 }, (_, value) => toLight(value / 255));
/** How far beyond black and white an error may add up: what no colour can show isn't handed on for ever. */
const SPARE = 0.5;
const STEPS = 8192;
const VALUES = Float64Array.from({ length: STEPS + 1 }, (_, step) => {
  const light = (step / STEPS) * (1 + 2 * SPARE) - SPARE;
  return light < 0 ? -255 * fromLight(-light) : 255 * fromLight(light);
});

function toLight(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function fromLight(light: number): number {
  return light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}

/**
 * The number of a colour for each pixel, so that neighbours together have the light of the picture, by Floyd and
 * Steinberg. The nearest colours alone make bands of what is even, and grey of what is dark.
 */
export function toPalette({ data, width, height }: Pixels): Uint8Array {
  const indices = new Uint8Array(width * height);
  const light = new Float64Array(width * height * 3);
  for (let at = 0; at < light.length; at += 1) light[at] = LIGHT[data[at] ?? 0] ?? 0;
  for (let y = 0; y < height; y += 1) {
    // Back and forth, or the errors would drift to one side.
    const step = y % 2 === 0 ? 1 : -1;
    for (let count = 0, x = step === 1 ? 0 : width - 1; count < width; count += 1, x += step) {
      const at = y * width + x;
      const index = nearest(valueOf(light, at * 3), valueOf(light, at * 3 + 1), valueOf(light, at * 3 + 2));
      indices[at] = index;
      const isAhead = x + step >= 0 && x + step < width;
      const isBehind = x - step >= 0 && x - step < width;
      const isBelow = y + 1 < height;
      for (let channel = 0; channel < 3; channel += 1) {
        const here = at * 3 + channel;
        const error = within(light[here] ?? 0) - (LIGHT[COLOURS[index * 3 + channel] ?? 0] ?? 0);
        if (isAhead) add(light, here + step * 3, (error * 7) / 16);
        if (!isBelow) continue;
        const below = here + width * 3;
        if (isBehind) add(light, below - step * 3, (error * 3) / 16);
        add(light, below, (error * 5) / 16);
        if (isAhead) add(light, below + step * 3, error / 16);
      }
    }
  }
  return indices;
}

function within(light: number): number {
  return light < -SPARE ? -SPARE : light > 1 + SPARE ? 1 + SPARE : light;
}

function add(light: Float64Array, at: number, amount: number): void {
  light[at] = (light[at] ?? 0) + amount;
}

function valueOf(light: Float64Array, at: number): number {
  return VALUES[Math.round(((within(light[at] ?? 0) + SPARE) / (1 + 2 * SPARE)) * STEPS)] ?? 0;
}

/** The nearest of the colour cube and the greys. */
function nearest(red: number, green: number, blue: number): number {
  const cube = 16 + 36 * nearestLevel(red) + 6 * nearestLevel(green) + nearestLevel(blue);
  const step = Math.max(0, Math.min(GREYS - 1, Math.round(((red + green + blue) / 3 - 8) / 10)));
  const grey = FIRST_GREY + step;
  return distance(grey, red, green, blue) < distance(cube, red, green, blue) ? grey : cube;
}

function nearestLevel(value: number): number {
  // Levels are 40 apart, but for the first step, which is 95.
  return value < 48 ? 0 : value < 115 ? 1 : Math.min(5, Math.round((value - 55) / 40));
}

function distance(index: number, red: number, green: number, blue: number): number {
  const at = index * 3;
  return (red - (COLOURS[at] ?? 0)) ** 2 + (green - (COLOURS[at + 1] ?? 0)) ** 2 + (blue - (COLOURS[at + 2] ?? 0)) ** 2;
}
