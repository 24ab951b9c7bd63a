import { checkNoNul, checkOptions, describe, invalid, isGiven, isPlain } from '../validate';

/** A part of a media file, or one of its audio tracks. What is undefined or null isn't written. */
export interface VirtualMediaOptions {
  /** Zero-based; negative counts from the end. */
  readonly startFrame?: number | null | undefined;
  /** Inclusive; negative counts from the end, -1 being the last frame. */
  readonly endFrame?: number | null | undefined;
  readonly audioTrackNo?: number | null | undefined;
  /** Further keys, in their order. Those with an empty name or value (0 is one) are left out. */
  readonly extras?: Readonly<Record<string, string | number>> | readonly VirtualMediaExtra[] | null | undefined;
}

/** A key that isn't a frame or a track, and its value. */
export type VirtualMediaExtra = readonly [key: string, value: string | number];

/** A virtual media path, taken apart. */
export interface VirtualMediaPath {
  readonly path: string;
  /** 0 where the path names none. */
  readonly startFrame: number;
  readonly endFrame: number | null;
  readonly audioTrackNo: number | null;
  /** Other keys in their order, in lower case; an item without `=` as it stands, with an empty value. */
  readonly extras: readonly (readonly [key: string, value: string])[];
}

// What Python's `str.strip` removes; `String.prototype.trim` knows other characters.
const SPACES =
  // eslint-disable-next-line no-control-regex -- Python counts them among its spaces
  /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;

function strip(text: string): string {
  return text.replace(SPACES, '');
}

/** A whole number as Python's `int` reads it; null where it doesn't. */
function parseWhole(text: string | undefined): number | null {
  if (text === undefined || !/^[+-]?\d+(?:_\d+)*$/.test(text)) return null;
  return Number(text.replaceAll('_', '')) + 0; // no -0
}

function written(name: string, value: number | null | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Number.isSafeInteger(value)) {
    throw invalid(`${name} must be a whole number, not ${describe(value)}`);
  }
  return value;
}

function extraPairs(extras: unknown): readonly VirtualMediaExtra[] {
  const isPair = (each: unknown): boolean => Array.isArray(each) && each.length === 2 && typeof each[0] === 'string';
  if (isGiven(extras) && !isPlain(extras) && !(Array.isArray(extras) && extras.every(isPair))) {
    throw invalid(`extras must be an object or an array of pairs [name, value], not ${describe(extras)}`);
  }
  const pairs = (Array.isArray(extras) ? extras : Object.entries(extras ?? {})) as readonly VirtualMediaExtra[];
  for (const [name, value] of pairs as readonly (readonly [string, unknown])[]) {
    if (typeof value === 'string' || Number.isFinite(value)) continue;
    throw invalid(`extras.${name} must be a string or a number, not ${describe(value)}`);
  }
  return pairs;
}

/**
 * The path that targets a range of frames, or an audio track, of a media file without cutting it:
 * `clip.mp4|start_frame=10,end_frame=40`. Throws `ERR_WANGP_ARGUMENT` for what is no frame or track, and for unknown options.
 */
export function buildVirtualMediaPath(path: string, options?: VirtualMediaOptions | null): string {
  if (typeof path !== 'string') throw invalid(`path must be a string, not ${describe(path)}`);
  checkNoNul(path, 'path');
  const { extras, ...numbers } = checkOptions(
    options,
    ['startFrame', 'endFrame', 'audioTrackNo', 'extras'],
    'buildVirtualMediaPath()',
  );
  const source = strip(path);
  const parts: [string, string | number | undefined][] = [
    ['start_frame', written('startFrame', numbers.startFrame)],
    ['end_frame', written('endFrame', numbers.endFrame)],
    ['audio_track_no', written('audioTrackNo', numbers.audioTrackNo)],
  ];
  for (const [key, value] of new Map(extraPairs(extras))) {
    const [name, text] = [strip(key), strip(String(value))];
    if (name !== '' && text !== '' && value !== 0) parts.push([name, text]);
  }
  const given = parts.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value}`);
  return source === '' || given.length === 0 ? source : `${source}|${given.join(',')}`;
}

/**
 * Takes a virtual media path apart as WanGP does: at the first `|`. Null for a path without one, or without a file
 * before it. Frames and tracks that are no whole numbers count as missing.
 */
export function parseVirtualMediaPath(text: string): VirtualMediaPath | null {
  if (typeof text !== 'string') return null;
  const bar = text.indexOf('|');
  const path = strip(text.slice(0, Math.max(bar, 0)));
  if (path === '') return null;
  const numbers = new Map<string, string>();
  const extras: [string, string][] = [];
  for (const item of text
    .slice(bar + 1)
    .split(',')
    .map(strip)) {
    if (item === '') continue;
    const equals = item.indexOf('=');
    if (equals === -1) {
      extras.push([item, '']);
      continue;
    }
    const key = strip(item.slice(0, equals)).toLowerCase();
    const value = strip(item.slice(equals + 1));
    if (key === 'start_frame' || key === 'end_frame' || key === 'audio_track_no') numbers.set(key, value);
    else extras.push([key, value]);
  }
  return {
    path,
    startFrame: parseWhole(numbers.get('start_frame')) ?? 0,
    endFrame: parseWhole(numbers.get('end_frame')),
    audioTrackNo: parseWhole(numbers.get('audio_track_no')),
    extras,
  };
}
