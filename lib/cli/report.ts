import type { GeneratedArtifact, GenerationResult } from '../index';

interface MediaReport {
  readonly shape: readonly number[];
  readonly zeroCopy: boolean;
}

/** What `--json` prints. */
export interface Report {
  readonly success: boolean;
  readonly files: readonly string[];
  /** How many events there were of each kind. */
  readonly events: Readonly<Record<string, number>>;
  readonly video: (MediaReport & { readonly dtype: string }) | null;
  readonly audio: (MediaReport & { readonly samplingRate: number | null }) | null;
  /** From the bridge, which hands the result on, to JavaScript. */
  readonly handoverMicroseconds: number | null;
  readonly errors?: readonly string[];
}

function pictures(artifact: GeneratedArtifact) {
  return artifact.video ?? artifact.videoHdr;
}

/** The result of a job in figures; `video` and `audio` are the first that were returned. Reads the tensors. */
export function makeReport(
  result: GenerationResult,
  measured: Pick<Report, 'events' | 'handoverMicroseconds'>,
): Report {
  const video = result.artifacts.map(pictures).find((tensor) => tensor !== null);
  const audio = result.artifacts.map((artifact) => artifact.audio).find((tensor) => tensor !== null);
  return {
    success: result.success,
    files: result.generatedFiles,
    events: measured.events,
    video: video ? { shape: video.shape, dtype: video.dtype, zeroCopy: video.zeroCopy } : null,
    audio: audio ? { shape: audio.shape, samplingRate: audio.samplingRate, zeroCopy: audio.zeroCopy } : null,
    handoverMicroseconds: measured.handoverMicroseconds,
    ...(result.success ? {} : { errors: errorMessages(result) }),
  };
}

function errorMessages(result: GenerationResult): readonly string[] {
  const messages = result.errors.map((error) => error.message);
  return messages.length > 0 ? messages : ['WanGP did not say why'];
}

/** The result of a job for people. Reads the tensors. */
export function toText(result: GenerationResult, report: Report): string {
  const rows = result.artifacts.flatMap(artifactRows);
  const told = new Set(result.artifacts.map((artifact) => artifact.path));
  for (const file of result.generatedFiles) if (!told.has(file)) rows.push(['file', file]);
  if (report.handoverMicroseconds !== null && result.artifacts.length > 0) {
    rows.push(['hand-over', `${report.handoverMicroseconds} µs from Python to JavaScript`]);
  }
  return rows.map(([name, value]) => `${name.padEnd(10)} ${value}`).join('\n');
}

type Row = readonly [name: string, value: string];

function artifactRows(artifact: GeneratedArtifact): Row[] {
  const rows: Row[] = [];
  if (artifact.path !== null) rows.push([artifact.mediaType, artifact.path]);
  const video = pictures(artifact);
  if (video !== null) {
    const fps = video.fps === null ? '' : `, ${video.fps} fps`;
    rows.push(['tensor', `${video.dtype} [C,F,H,W] ${describe(video.shape, video.data, video.zeroCopy)}${fps}`]);
  }
  const { audio } = artifact;
  if (audio !== null) {
    const rate = audio.samplingRate === null ? '' : `, ${audio.samplingRate} Hz`;
    rows.push(['audio', `${audio.dtype} ${describe(audio.shape, audio.data, audio.zeroCopy)}${rate}`]);
  }
  return rows;
}

function describe(shape: readonly number[], data: ArrayBufferView, zeroCopy: boolean): string {
  const bytes = data.byteLength;
  const size = bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  return `[${shape.join(', ')}], ${size}, ${zeroCopy ? "zero-copy: Python's own memory" : 'copied'}`;
}
