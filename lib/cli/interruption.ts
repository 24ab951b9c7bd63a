import os from 'node:os';
import { EXIT } from './failure';

/**
 * Of one press of Ctrl-C, the terminal tells every process that runs in it, and npm and pnpm tell the program that they
 * started once more, within some milliseconds. Two presses of a person are further apart. Elsewhere nobody repeats it.
 */
const ECHO_MS = 100;

function isRunByPackageManager(): boolean {
  return process.env['npm_lifecycle_event'] !== undefined;
}

/**
 * Ctrl-C: the first one aborts `signal` where something can be cancelled, and is waited for; the second one, or one
 * where there is nothing to cancel, ends the process.
 */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #echoMs = isRunByPackageManager() ? ECHO_MS : 0;
  readonly #onSignal = (): void => this.#receive();
  #cancel: (() => void) | undefined;
  #requestedAt: number | undefined;

  constructor() {
    process.on('SIGINT', this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get requested(): boolean {
    return this.#requestedAt !== undefined;
  }

  /** From now on there is something to cancel; `tell` is called when that is asked for. */
  arm(tell: () => void): void {
    this.#cancel = tell;
  }

  /** From now on there is nothing to cancel any more. */
  disarm(): void {
    this.#cancel = undefined;
  }

  #receive(): void {
    const now = performance.now();
    if (this.#requestedAt !== undefined && now - this.#requestedAt < this.#echoMs) return;
    if (this.#requestedAt !== undefined || this.#cancel === undefined) process.exit(EXIT.interrupted);
    this.#requestedAt = now;
    this.#cancel();
    this.#controller.abort();
  }
}

/** Has Ctrl-C and what else asks the process to end lead to its `exit` listeners, which remove what is half made. */
export function leaveByExit(): void {
  new Interruption().disarm();
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + os.constants.signals[signal]));
  }
}
