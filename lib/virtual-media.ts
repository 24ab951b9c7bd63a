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
 * `clip.mp4|start_frame=10,end_frame=40`.
 */
export function buildVirtualMediaPath(path: string, options: VirtualMediaOptions = {}): string {
  const source = path.trim();
  const parts: string[] = [];
  const add = (name: string, value: number | undefined): void => {
    if (value !== undefined) parts.push(`${name}=${Math.trunc(value)}`);
  };
  add('start_frame', options.startFrame);
  add('end_frame', options.endFrame);
  add('audio_track_no', options.audioTrackNo);
  return source === '' || parts.length === 0 ? source : `${source}|${parts.join(',')}`;
}
