import { describe, invalid, isGiven, isObject, suggestion } from '../validate';
import type {
  CallbackEvent,
  GenerationError,
  GenerationResult,
  PreviewUpdate,
  ProgressUpdate,
  SessionEvent,
  StreamMessage,
} from './records';

/**
 * Methods that are called as a job runs. Each is looked up when its event comes, and its `this` is the object of
 * callbacks. For each event, the method of its kind is called first, then `onEvent`. An exception in a callback is an
 * uncaught exception, as in any event listener; the job goes on.
 */
export interface Callbacks {
  onProgress?(update: ProgressUpdate): void;
  onPreview?(update: PreviewUpdate): void;
  /** Each line that WanGP prints, by whichever of its threads. */
  onStream?(message: StreamMessage): void;
  onStatus?(text: string): void;
  onInfo?(text: string): void;
  /** WanGP's raw output refresh. */
  onOutput?(data: unknown): void;
  /** The job has ended; the session accepts the next one. */
  onComplete?(result: GenerationResult): void;
  onError?(error: GenerationError): void;
  /** Every event that has a callback, after that callback. */
  onEvent?(event: CallbackEvent): void;
}

/** The kinds of event that have a callback, and the names that upstream gives them in `onEvent`. */
const BY_KIND = {
  progress: ['onProgress', 'progress'],
  preview: ['onPreview', 'preview'],
  stream: ['onStream', 'stream'],
  status: ['onStatus', 'status'],
  info: ['onInfo', 'info'],
  output: ['onOutput', 'output'],
  completed: ['onComplete', 'complete'],
  error: ['onError', 'error'],
} as const satisfies Record<string, readonly [keyof Callbacks, CallbackEvent['kind']]>;

const NAMES: readonly string[] = [...Object.values(BY_KIND).map(([name]) => name), 'onEvent'];

/** The names that an object and its classes define, with what stands there; no getter is called. */
function* definitionsOf(object: object): Generator<[name: string, definition: PropertyDescriptor]> {
  for (
    let each: object | null = object;
    each !== null && each !== Object.prototype;
    each = Object.getPrototypeOf(each) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(each)) {
      yield [name, Object.getOwnPropertyDescriptor(each, name) ?? {}];
    }
  }
}

/**
 * Throws `ERR_WANGP_ARGUMENT` for what can't be called, and for names that look like a callback and are none. An object
 * may have other methods: it may be a part of the caller's program.
 */
export function checkCallbacks(callbacks: unknown): void {
  if (!isObject(callbacks)) {
    throw invalid(`callbacks must be an object with methods like onProgress, not ${describe(callbacks)}`);
  }
  for (const [name, { value }] of definitionsOf(callbacks) as Iterable<[string, { value?: unknown }]>) {
    if (NAMES.includes(name)) {
      if (!isGiven(value) || typeof value === 'function') continue;
      throw invalid(`callbacks.${name} must be a function, not ${describe(value)}`);
    }
    const differsInCase = NAMES.some((each) => each.toLowerCase() === name.toLowerCase());
    if (differsInCase || /^on(?:[A-Z]|_[a-z])\w*$/.test(name)) {
      throw invalid(`there is no callback ${name}: ${suggestion(name, NAMES)}`);
    }
  }
}

/** The callbacks themselves in place of an object of options that has them, as Python's API takes them. */
export function checkForMisplacedCallbacks(options: object, usage: string): void {
  const name = NAMES.find((each) => typeof Reflect.get(options, each) === 'function');
  if (name !== undefined) throw invalid(`${name} belongs into an object of callbacks: ${usage}`);
}

/** Calls what hears `event`; what is thrown goes to `report`. */
export function callBack(callbacks: Callbacks, event: SessionEvent, report: (error: unknown) => void): void {
  if (!Object.hasOwn(BY_KIND, event.kind)) return;
  const [name, kind] = BY_KIND[event.kind as keyof typeof BY_KIND];
  callMethod(callbacks, name, event.data, report);
  callMethod(callbacks, 'onEvent', { ...event, kind }, report);
}

function callMethod(
  callbacks: Callbacks,
  name: keyof Callbacks,
  argument: unknown,
  report: (error: unknown) => void,
): void {
  try {
    const method: unknown = Reflect.get(callbacks, name);
    if (typeof method === 'function') Reflect.apply(method, callbacks, [argument]);
  } catch (error) {
    report(error);
  }
}
