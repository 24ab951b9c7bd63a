import { type GenerationResult, init, type SessionEvent, type WanGPSession } from '../index';
import { findOutputFolder } from '../session/output-folder';
import { findRoot } from '../session/root';
import { EXIT, Interrupted } from './failure';
import { microsecondsSince } from './hand-over';
import { oneLine } from './info';
import { Interruption } from './interruption';
import { openView } from './open-view';
import { toInitOptions, type WanGPOptions } from './options';
import type { ProgressView } from './progress-view';
import { checkQueue } from './queue-file';
import { makeReport, type Report, toText } from './report';
import { prepareForDemo } from './setup';
import { demoSettings, readSource, type Source } from './settings-source';

/** The options of `wangp-node demo`. */
export interface DemoOptions extends WanGPOptions {
  /** A `.json` or `.zip` file; else the demo's own settings. */
  readonly settings?: string;
  readonly output: string;
  readonly preview: boolean;
}

interface Outcome {
  readonly result: GenerationResult;
  readonly events: Readonly<Record<string, number>>;
  readonly handoverMicroseconds: number | null;
}

/** `wangp-node demo`: runs a generation, shows how it goes and what came of it. Returns the exit code. */
export async function demo(options: DemoOptions): Promise<number> {
  const source = options.settings === undefined ? demoSettings() : readSource(options.settings);
  findOutputFolder(options.output, '--output');
  const root = findRoot(options.root);
  const interruption = new Interruption();
  if (typeof source === 'string') await checkQueue(source, root, options.python);
  await prepareForDemo(root, options.python);
  console.error('Starting Python and WanGP…');
  const session = await init({ ...toInitOptions(options), outputDir: options.output, consoleOutput: false });
  console.error(oneLine(session.info));
  let outcome: Outcome;
  try {
    outcome = await generate(session, source, options, interruption);
  } finally {
    interruption.disarm();
    await session.close();
  }
  conclude(outcome, options);
  if (interruption.requested) return EXIT.interrupted;
  return outcome.result.success ? EXIT.success : EXIT.failure;
}

async function generate(
  session: WanGPSession,
  source: Source,
  options: DemoOptions,
  interruption: Interruption,
): Promise<Outcome> {
  const view = openView(process.stderr, options);
  interruption.arm(() => view.line('Cancelling; once more Ctrl-C leaves at once'));
  let arrivedAt = 0;
  const callbacks = { onComplete: () => void (arrivedAt = performance.now()) };
  const events: Record<string, number> = {};
  let completedAt: number | undefined;
  try {
    const job = await session.submit(source, { callbacks, signal: interruption.signal });
    for await (const event of job.events) {
      events[event.kind] = (events[event.kind] ?? 0) + 1;
      show(event, view, options.verbose ?? false);
      if (event.kind === 'completed') completedAt = event.timestamp;
    }
    const result = await job.result();
    view.end(result.success ? 'Done' : result.cancelled ? 'Cancelled' : 'Failed', result.success);
    return {
      result,
      events,
      handoverMicroseconds: completedAt === undefined ? null : microsecondsSince(completedAt, arrivedAt),
    };
  } catch (error) {
    view.end('Failed', false);
    throw interruption.requested ? new Interrupted('interrupted before the generation had started') : error;
  }
}

function show(event: SessionEvent, view: ProgressView, verbose: boolean): void {
  if (event.kind === 'progress') view.progress(event.data);
  else if (event.kind === 'preview' && event.data.image !== null) view.preview(event.data.image);
  else if (event.kind === 'status') view.status(event.data);
  else if (event.kind === 'info') view.line(event.data);
  else if (event.kind === 'stream' && verbose) view.line(event.data.text);
}

/** Prints the outcome and lets go of its memory. */
function conclude({ result, ...measured }: Outcome, options: DemoOptions): void {
  const report: Report = makeReport(result, measured);
  const what = result.cancelled ? 'the generation was cancelled' : 'the generation failed';
  for (const message of report.errors ?? []) console.error(`wangp-node: ${what}: ${message}`);
  if (!result.success && !result.cancelled && !options.verbose) console.error('(--verbose shows what WanGP printed)');
  const text = options.json ? JSON.stringify(report) : toText(result, report);
  if (text !== '') console.log(text);
  for (const artifact of result.artifacts) {
    for (const tensor of [artifact.video, artifact.videoHdr, artifact.audio]) tensor?.dispose();
  }
}
