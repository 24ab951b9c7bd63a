import type { ChildExit } from '../runtime/runtime';
import { describe, invalid } from '../validate';

type Listener = (exit: ChildExit) => void;

function check(kind: unknown, listener: unknown): void {
  if (kind !== 'exit') {
    throw invalid(
      `a session has only the event 'exit', not ${describe(kind)}. Events of a generation are its job's: job.on('progress', …)`,
    );
  }
  if (typeof listener !== 'function') throw invalid(`the listener must be a function, not ${describe(listener)}`);
}

/** Those who hear when the Python of a session has ended. Each is there once, however often it was added. */
export class ExitListeners {
  readonly #listeners = new Map<Listener, { readonly once: boolean }>();

  add(kind: unknown, listener: Listener, once: boolean): void {
    check(kind, listener);
    this.#listeners.set(listener, { once });
  }

  remove(kind: unknown, listener: Listener): void {
    check(kind, listener);
    this.#listeners.delete(listener);
  }

  /** What is thrown goes to `report`. */
  tell(exit: ChildExit, report: (error: unknown) => void): void {
    for (const [listener, { once }] of [...this.#listeners]) {
      if (once) this.#listeners.delete(listener);
      try {
        listener(exit);
      } catch (error) {
        report(error);
      }
    }
  }
}
