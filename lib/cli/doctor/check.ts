import { WanGPError, type WanGPErrorCode } from '../../index';

/** `error`: no generation can run. `warning`: one can, but not every one, or not as well. */
export type Status = 'ok' | 'warning' | 'error';

/** One finding of the doctor's. */
export interface Check {
  /** Stays the same from version to version; each at most once in a report. */
  readonly id: string;
  readonly status: Status;
  /** What was looked at, for people. */
  readonly title: string;
  /** What was found, for people. */
  readonly detail: string;
  /** What to do; there wherever the status isn't `ok`. */
  readonly remedy?: string;
  /** Of the error that `init` would reject with. */
  readonly code?: WanGPErrorCode;
  /** One line for each of several things. */
  readonly items?: readonly string[];
}

type Extra = Pick<Check, 'code' | 'items'>;

/** Makes the findings about one thing. */
export class Finding {
  constructor(
    readonly id: string,
    readonly title: string,
  ) {}

  ok(detail: string, extra: Extra = {}): Check {
    return { id: this.id, status: 'ok', title: this.title, detail, ...extra };
  }

  warning(detail: string, remedy: string, extra: Extra = {}): Check {
    return { id: this.id, status: 'warning', title: this.title, detail, remedy, ...extra };
  }

  error(detail: string, remedy: string, extra: Extra = {}): Check {
    return { id: this.id, status: 'error', title: this.title, detail, remedy, ...extra };
  }

  /** What `init` would reject with. A message says first what is wrong, then what to do. */
  refused(error: unknown): Check {
    if (!(error instanceof WanGPError)) throw error;
    const [detail = '', remedy] = splitMessage(error.message);
    return this.error(detail, remedy ?? 'Correct that, and run the doctor again', { code: error.code });
  }
}

/** A message in its two parts: up to the end of its first line or sentence, and the rest. */
function splitMessage(message: string): readonly string[] {
  const end = /\n|(?<=[^.\s]{2})[.:] (?=[A-Z"`])/.exec(message);
  if (end === null) return [message];
  return [message.slice(0, end.index), message.slice(end.index + end[0].length)];
}

/** Bytes for people. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${value >= 100 || power === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[power]}`;
}
