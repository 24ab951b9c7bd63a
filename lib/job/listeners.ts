import { describe, invalid } from '../validate';
import type { EventOfKind, SessionEvent } from './records';

/** Hears the events of one kind; of every kind where that is `*`. */
export type EventListener<Kind extends string> = (event: Kind extends '*' ? SessionEvent : EventOfKind<Kind>) => void;

interface Entry {
  readonly listener: (event: SessionEvent) => void;
  readonly once: boolean;
}

/** Listeners by the kind of event that they hear. */
export class Listeners {
  readonly #byKind = new Map<string, readonly Entry[]>();

  add(kind: unknown, listener: unknown, once: boolean): void {
    if (typeof kind !== 'string') throw invalid(`the kind of event must be a string, not ${describe(kind)}`);
    if (typeof listener !== 'function') throw invalid(`the listener must be a function, not ${describe(listener)}`);
    const entry = { listener: listener as Entry['listener'], once };
    this.#byKind.set(kind, [...(this.#byKind.get(kind) ?? []), entry]);
  }

  /** Forgets the listener that was added last, where it was added more than once. */
  remove(kind: string, listener: unknown): void {
    const entries = this.#byKind.get(kind) ?? [];
    const index = entries.findLastIndex((entry) => entry.listener === listener);
    if (index !== -1)
      this.#byKind.set(
        kind,
        entries.filter((_, at) => at !== index),
      );
  }

  /** Calls those who hear `event`, and then those who hear everything; what is thrown goes to `report`. */
  tell(event: SessionEvent, report: (error: unknown) => void): void {
    for (const kind of [event.kind, '*']) {
      for (const entry of this.#byKind.get(kind) ?? []) {
        if (entry.once) this.remove(kind, entry.listener);
        try {
          entry.listener(event);
        } catch (error) {
          report(error);
        }
      }
    }
  }
}
