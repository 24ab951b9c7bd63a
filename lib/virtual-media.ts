import { WanGPError } from './errors';

/** A part of a media file, or one of its audio tracks. */
export interface VirtualMediaOptions {
  /** Zero-based. */
  readonly startFrame?: number | undefined;
  /** Inclusive. */
  readonly endFrame?: number | undefined;
  readonly audioTrackNo?: number | undefined;
}

/**
 * The path that targets a range of frames, or an audio track, of a media file without cutting it:
 * `clip.mp4|start_frame=10,end_frame=40`. Throws `ERR_WANGP_ARGUMENT` for what is no frame or track.
 */
export function buildVirtualMediaPath(path: string, options: VirtualMediaOptions = {}): string {
  const source = path.trim();
  const parts: string[] = [];
  const add = (name: keyof VirtualMediaOptions, theirs: string): void => {
    const value = options[name];
    if (value === undefined) return;
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new WanGPError('ERR_WANGP_ARGUMENT', `${name} must be a whole number, 0 or more, not ${String(value)}`);
    }
    parts.push(`${theirs}=${value}`);
  };
  add('startFrame', 'start_frame');
  add('endFrame', 'end_frame');
  add('audioTrackNo', 'audio_track_no');
  return source === '' || parts.length === 0 ? source : `${source}|${parts.join(',')}`;
}
