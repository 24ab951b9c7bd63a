import { EXIT } from './failure';

/** One press of Ctrl-C may be told twice, by the terminal and by npm; two of a person's are further apart. */
const ONE_PRESS_MS = 300;

/**
 * Ctrl-C: the first one aborts `signal` where something can be cancelled, and is waited for; the second one, or one
 * where there is nothing to cancel, ends the process.
 */
export class Interruption {
  readonly #controller = new AbortController();
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
    if (this.#requestedAt !== undefined && now - this.#requestedAt < ONE_PRESS_MS) return;
    if (this.#requestedAt !== undefined || this.#cancel === undefined) process.exit(EXIT.interrupted);
    this.#requestedAt = now;
    this.#cancel();
    this.#controller.abort();
  }
}
