import type { ProgressUpdate } from '../index';
import { phaseLabel, type ProgressView } from './progress-view';

/** For logs and pipes: a line for each change of phase. */
export class PlainView implements ProgressView {
  readonly #output: NodeJS.WritableStream;
  #phase: string | undefined;

  constructor(output: NodeJS.WritableStream) {
    this.#output = output;
  }

  progress(update: ProgressUpdate): void {
    if (update.phase === this.#phase) return;
    this.#phase = update.phase;
    const steps = update.totalSteps === null ? '' : `, ${update.totalSteps} ${update.unit ?? 'steps'}`;
    this.line(`${String(Math.round(update.progress)).padStart(3)} %  ${phaseLabel(update)}${steps}`);
  }

  status(): void {
    // The phases say enough.
  }

  preview(): void {
    // There is no place for a picture.
  }

  line(text: string): void {
    this.#output.write(`${text}\n`);
  }

  end(outcome: string, complete: boolean): void {
    this.line(`${complete ? '100 %' : '    –'}  ${outcome}`);
  }
}
