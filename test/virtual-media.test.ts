import { describe, expect, test } from 'vitest';
import { buildVirtualMediaPath, type VirtualMediaOptions, WanGPError } from 'wangp-node';

describe('buildVirtualMediaPath', () => {
  const cases: [string, VirtualMediaOptions | undefined, string][] = [
    ['clip.mp4', undefined, 'clip.mp4'],
    ['clip.mp4', {}, 'clip.mp4'],
    ['clip.mp4', { startFrame: undefined }, 'clip.mp4'],
    ['clip.mp4', { startFrame: 10, endFrame: 40 }, 'clip.mp4|start_frame=10,end_frame=40'],
    ['clip.mp4', { endFrame: 40, startFrame: 10 }, 'clip.mp4|start_frame=10,end_frame=40'],
    ['clip.mp4', { startFrame: 0 }, 'clip.mp4|start_frame=0'],
    ['clip.mp4', { audioTrackNo: 2, endFrame: 0 }, 'clip.mp4|end_frame=0,audio_track_no=2'],
    [' a clip, of mine=1.mkv ', { startFrame: 1 }, 'a clip, of mine=1.mkv|start_frame=1'],
    ['F:\\größe.mkv', { endFrame: 57782 }, 'F:\\größe.mkv|end_frame=57782'],
    ['clip.mp4', { endFrame: 2 ** 40 }, 'clip.mp4|end_frame=1099511627776'],
    ['  ', { startFrame: 1 }, ''],
  ];
  test.each(cases)('%j with %j', (path, options, expected) => {
    expect(buildVirtualMediaPath(path, options)).toBe(expected);
  });

  test.each([NaN, Infinity, -1, 1.5, 2 ** 60, '10', null])('refuses the frame %j', (startFrame) => {
    const attempt = (): string => buildVirtualMediaPath('clip.mp4', { startFrame: startFrame as never });
    expect(attempt).toThrow(WanGPError);
    expect(attempt).toThrow(`startFrame must be a whole number, 0 or more, not ${startFrame}`);
  });
});
