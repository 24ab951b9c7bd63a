import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  buildVirtualMediaPath,
  parseVirtualMediaPath,
  type VirtualMediaOptions,
  type VirtualMediaPath,
  WanGPError,
} from 'wangp-node';
import { FIXTURES } from './tools.js';

/** What upstream's own functions answered to these inputs. */
const UPSTREAM = JSON.parse(readFileSync(path.join(FIXTURES, 'virtual-media.json'), 'utf8')) as {
  build: [string, VirtualMediaOptions, string][];
  parse: [string, VirtualMediaPath | null][];
};

describe('buildVirtualMediaPath', () => {
  test.each(UPSTREAM.build)('makes of %j with %j what upstream makes of it', (source, options, expected) => {
    expect(buildVirtualMediaPath(source, options)).toBe(expected);
  });

  test.each([
    [5, 'extras must be an object or an array of pairs [name, value], not 5'],
    [new Map([['a', 1]]), 'extras must be an object or an array of pairs [name, value], not a Map'],
    [[5], 'extras must be an object or an array of pairs [name, value], not an array'],
    [[['a', {}]], 'extras.a must be a string or a number, not an object'],
  ])('refuses extras that would be left out or written as something else: %j', (extras, message) => {
    expect(() => buildVirtualMediaPath('clip.mp4', { extras: extras as never })).toThrow(
      expect.objectContaining({ code: 'ERR_WANGP_ARGUMENT', message }),
    );
  });

  test('leaves out undefined options, and takes extras as pairs', () => {
    expect(buildVirtualMediaPath('clip.mp4')).toBe('clip.mp4');
    expect(buildVirtualMediaPath('clip.mp4', { startFrame: undefined, extras: undefined })).toBe('clip.mp4');
    expect(buildVirtualMediaPath('clip.mp4', { extras: [['a', 'b'], ['c', 1]] })).toBe('clip.mp4|a=b,c=1'); // prettier-ignore
  });

  test('builds again the text that was parsed', () => {
    const text = 'clip.mp4|start_frame=-9,end_frame=-1,audio_track_no=2,vsource=mine';
    const { path: source, ...options } = parseVirtualMediaPath(text)!;
    expect(buildVirtualMediaPath(source, options)).toBe(text);
  });

  test.each([
    [{ start_frame: 3 }, 'buildVirtualMediaPath() has no option start_frame: here it is called startFrame'],
    [{ startframe: 3 }, 'buildVirtualMediaPath() has no option startframe: did you mean startFrame?'],
    [7, 'buildVirtualMediaPath() takes an object of options, not 7'],
  ])('refuses the options %j: they would be ignored', (options, message) => {
    const attempt = (): string => buildVirtualMediaPath('clip.mp4', options as VirtualMediaOptions);
    expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_WANGP_ARGUMENT', message }));
  });

  test('null counts as left out, as None does in Python', () => {
    expect(buildVirtualMediaPath('clip.mp4', null)).toBe('clip.mp4');
    expect(buildVirtualMediaPath('clip.mp4', { startFrame: null, extras: null })).toBe('clip.mp4');
  });

  test.each([NaN, Infinity, 1.5, 2 ** 60, '10'])('refuses the frame %j', (startFrame) => {
    const attempt = (): string => buildVirtualMediaPath('clip.mp4', { startFrame: startFrame as never });
    expect(attempt).toThrow(WanGPError);
    expect(attempt).toThrow(
      `startFrame must be a whole number, not ${typeof startFrame === 'string' ? '"10"' : startFrame}`,
    );
  });
});

describe('parseVirtualMediaPath', () => {
  test.each(UPSTREAM.parse)('makes of %j what upstream makes of it', (text, expected) => {
    expect(parseVirtualMediaPath(text)).toEqual(expected);
  });

  test('gives null for what is no string', () => {
    expect(parseVirtualMediaPath(null as never)).toBeNull();
  });
});
