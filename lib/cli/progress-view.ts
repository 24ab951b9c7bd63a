import type { PreviewImage, ProgressUpdate } from '../index';

/** Where the progress of a job is shown. */
export interface ProgressView {
  progress(update: ProgressUpdate): void;
  /** WanGP's free text on what it does. */
  status(text: string): void;
  preview(image: PreviewImage): void;
  /** A line that stays. */
  line(text: string): void;
  /** Nothing more is shown; what was drawn last stays. `outcome` takes the place of the phase. */
  end(outcome: string, complete: boolean): void;
}

/** The phase as WanGP calls it, else the normalised one in words. */
export function phaseLabel(update: ProgressUpdate): string {
  if (update.rawPhase !== null && update.rawPhase !== '') return update.rawPhase;
  const words = update.phase.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
