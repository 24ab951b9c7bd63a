import type { WriteStream } from 'node:tty';
import { LiveView } from './live-view';
import { PlainView } from './plain-view';
import type { ProgressView } from './progress-view';

/** The view for what `output` is. */
export function openView(output: WriteStream, options: { readonly preview: boolean }): ProgressView {
  const live = output.isTTY && process.env['TERM'] !== 'dumb';
  return live ? new LiveView(output, options) : new PlainView(output);
}
