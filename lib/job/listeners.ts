import { describe, invalid, nearMiss, suggestion } from '../validate';
import type { EventData, EventOfKind, SessionEvent } from './records';

/** Hears the events of one kind; of every kind where that is `*`. */
export type EventListener<Kind extends string> = (event: Kind extends '*' ? SessionEvent : EventOfKind<Kind>) => void;

interface Entry {
  readonly listener: (event: SessionEvent) => void;
  readonly once: boolean;
}

const KINDS: Readonly<Record<keyof EventData | '*', true>> = {
  queued: true,
  started: true,
  progress: true,
  preview: true,
  stream: true,
  status: true,
  info: true,
  output: true,
  refresh_models: true,
  completed: true,
  error: true,
  '*': true,
};
const KIND_NAMES: readonly string[] = Object.keys(KINDS);

/** What callbacks call otherwise. */
const CALLBACK_KINDS = new Map([
  ['complete', 'completed'],
  ['event', '*'],
]);

const warnedAbout = new Set<string>();

/**
 * Throws `ERR_WANGP_ARGUMENT` for what is called otherwise, and warns once of what looks misspelt: neither would ever be
 * heard. Other unknown kinds may come with a newer WanGP.
 */
export function checkKind(kind: unknown): asserts kind is string {
  if (typeof kind !== 'string') throw invalid(`the kind of event must be a string, not ${describe(kind)}`);
  if (KIND_NAMES.includes(kind)) return;
  const own = kind.replace(/^on([A-Z])/, (_, letter: string) => letter.toLowerCase());
  const meant = CALLBACK_KINDS.get(own) ?? own;
  if (meant !== kind) {
    const hint = KIND_NAMES.includes(meant) ? `here it is called ${meant}` : suggestion(own, KIND_NAMES);
    throw invalid(`there is no event ${kind}: ${hint}`);
  }
  const nearest = nearMiss(kind, KIND_NAMES);
  if (nearest === undefined || warnedAbout.has(kind)) return;
  warnedAbout.add(kind);
  process.emitWarning(`no event of the kind ${kind} is known: did you mean ${nearest}?`, 'WanGPWarning');
}

/** Listeners by the kind of event that they hear. */
export class Listeners {
  readonly #byKind = new Map<string, readonly Entry[]>();

  add(kind: string, listener: unknown, once: boolean): void {
    checkKind(kind);
    if (typeof listener !== 'function') throw invalid(`the listener must be a function, not ${describe(listener)}`);
    const entry = { listener: listener as Entry['listener'], once };
    this.#byKind.set(kind, [...(this.#byKind.get(kind) ?? []), entry]);
  }

  /** Forgets the listener that was added last, where it was added more than once. */
  remove(kind: string, listener: unknown): void {
    const added = this.#byKind.get(kind)?.findLast((entry) => entry.listener === listener);
    if (added !== undefined) this.#forget(kind, added);
  }

  /** Calls those who hear `event`, and then those who hear everything; what is thrown goes to `report`. */
  tell(event: SessionEvent, report: (error: unknown) => void): void {
    for (const kind of [event.kind, '*']) {
      for (const entry of this.#byKind.get(kind) ?? []) {
        if (entry.once) this.#forget(kind, entry);
        try {
          entry.listener(event);
        } catch (error) {
          report(error);
        }
      }
    }
  }
  #forget(kind: string, entry: Entry): void {
    this.#byKind.set(
      kind,
      (this.#byKind.get(kind) ?? []).filter((each) => each !== entry),
    );
  }
}
