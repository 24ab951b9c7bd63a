/**
 * Arguments on their way to a child. The structured clone carries what Python can take, and more; what it can't carry,
 * or would carry as something else, is left out and named, so that the child refuses it as this process would.
 */

import { types } from 'node:util';

/** A place in the arguments where something stood that can't be cloned. */
export interface Hole {
  readonly path: readonly (string | number)[];
  readonly kind: HoleKind;
  /** What `Object.prototype.toString` says of it, for `object`; the level of the ancestor, for `circle`. */
  readonly of?: string | number;
}

type HoleKind = 'function' | 'symbol' | 'Date' | 'Promise' | 'object' | 'circle' | 'detached' | 'shared' | 'long array';

/** As native/values/ has them. */
const MAX_DEPTH = 1000;
const MAX_ELEMENTS = 10_000_000;
const NOT_BY_PROPERTIES = new Set([
  'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'RegExp', 'SharedArrayBuffer', 'Boolean', 'Blob', 'Error', 'Number',
  'String',
]); // prettier-ignore

function tagOf(object: object): string {
  return Object.prototype.toString.call(object).slice('[object '.length, -1);
}

function isDetached(buffer: ArrayBuffer): boolean {
  try {
    // Of a detached one no view can be made.
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}

class Copier {
  readonly holes: Hole[] = [];
  readonly #path: (string | number)[] = [];
  readonly #ancestors: object[] = [];

  copy(value: unknown): unknown {
    switch (typeof value) {
      case 'function':
      case 'symbol':
        return this.#leaveOut(typeof value as 'function' | 'symbol');
      case 'object':
        return value === null ? null : this.#copyObject(value);
      default:
        return value;
    }
  }

  #leaveOut(kind: HoleKind, of?: string | number): null {
    this.holes.push({ path: [...this.#path], kind, ...(of === undefined ? {} : { of }) });
    return null;
  }

  #copyObject(object: object): unknown {
    if (ArrayBuffer.isView(object) || types.isArrayBuffer(object)) return this.#copyBytes(object);
    const level = this.#ancestors.indexOf(object);
    if (level !== -1) return this.#leaveOut('circle', level);
    // It is refused further up. The list of arguments is no level.
    if (this.#ancestors.length > MAX_DEPTH + 1) return null;
    this.#ancestors.push(object);
    const copy = Array.isArray(object) ? this.#copyArray(object) : this.#copyProperties(object);
    this.#ancestors.pop();
    return copy;
  }

  #copyBytes(bytes: ArrayBufferView | ArrayBuffer): unknown {
    const buffer = ArrayBuffer.isView(bytes) ? bytes.buffer : bytes;
    if (!types.isArrayBuffer(buffer)) return this.#leaveOut('shared');
    return isDetached(buffer) ? this.#leaveOut('detached') : bytes;
  }

  #copyArray(array: readonly unknown[]): unknown {
    if (array.length > MAX_ELEMENTS) return this.#leaveOut('long array');
    const copy: unknown[] = [];
    for (let index = 0; index < array.length; index += 1) copy.push(this.#copyAt(index, array[index]));
    return copy;
  }

  #copyProperties(object: object): unknown {
    const prototype: unknown = Object.getPrototypeOf(object);
    const keys = Object.keys(object);
    if (prototype !== Object.prototype) {
      if (types.isDate(object)) return this.#leaveOut('Date');
      if (types.isPromise(object)) return this.#leaveOut('Promise');
      const tag = tagOf(object);
      const isPlain = ['Object', 'Arguments', 'Module'].includes(tag);
      if (NOT_BY_PROPERTIES.has(tag) || (!isPlain && keys.length === 0)) return this.#leaveOut('object', tag);
    }
    const copy: Record<string, unknown> = {};
    for (const key of keys) {
      const value = this.#copyAt(key, Reflect.get(object, key));
      Object.defineProperty(copy, key, { value, enumerable: true, writable: true, configurable: true });
    }
    return copy;
  }

  #copyAt(step: string | number, value: unknown): unknown {
    this.#path.push(step);
    const copy = this.copy(value);
    this.#path.pop();
    return copy;
  }
}

/** A copy of the arguments that can be cloned, and what it lacks. */
export function toCloneable(args: readonly unknown[]): { readonly args: unknown[]; readonly holes: readonly Hole[] } {
  const copier = new Copier();
  return { args: copier.copy(args) as unknown[], holes: copier.holes };
}

function standIn({ kind, of }: Hole, ancestors: readonly object[]): unknown {
  switch (kind) {
    case 'function':
      return () => undefined;
    case 'symbol':
      return Symbol(kind);
    case 'Date':
      return new Date(0);
    case 'Promise':
      return Promise.resolve();
    case 'circle':
      return ancestors[of as number];
    case 'shared':
      return new Uint8Array(new SharedArrayBuffer(1));
    case 'detached': {
      const buffer = new ArrayBuffer(1);
      structuredClone(buffer, { transfer: [buffer] });
      return buffer;
    }
    case 'long array': {
      const array: unknown[] = [];
      array.length = MAX_ELEMENTS + 1;
      return array;
    }
    default:
      return Object.create({ [Symbol.toStringTag]: of });
  }
}

/** Puts something of the same kind where something was left out, so that it is refused for what it was. */
export function fillHoles(args: unknown[], holes: readonly Hole[]): void {
  for (const hole of holes) {
    const ancestors: object[] = [args];
    let container: object = args;
    for (const step of hole.path.slice(0, -1)) {
      container = Reflect.get(container, step) as object;
      ancestors.push(container);
    }
    const [last] = hole.path.slice(-1);
    if (last !== undefined) Reflect.set(container, last, standIn(hole, ancestors));
  }
}
