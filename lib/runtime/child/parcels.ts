import type { NativeMemory } from '../native';

/** Finds and replaces what stands in a plain value, wherever it stands. */
function replaceIn(root: unknown, replace: (value: object) => unknown): unknown {
  const holder = [root];
  const waiting: object[] = [holder];
  for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
    for (const key of Object.keys(object)) {
      const value: unknown = Reflect.get(object, key);
      if (typeof value !== 'object' || value === null) continue;
      const other = replace(value);
      if (other === undefined) waiting.push(value);
      else Object.defineProperty(object, key, { value: other, enumerable: true, writable: true, configurable: true });
    }
  }
  return holder[0];
}

/** Memory that has come from Python, until it is on its way. */
export class Unsent {
  constructor(readonly memory: NativeMemory) {}
}

/** A value with its memory taken out of it, in the order of the Maps that stand there instead. */
export function takeOut(value: unknown): { readonly value: unknown; readonly memories: readonly NativeMemory[] } {
  const memories: NativeMemory[] = [];
  const rest = replaceIn(value, (each) => {
    if (!(each instanceof Unsent)) return undefined;
    memories.push(each.memory);
    return new Map([['parcel', memories.length - 1]]);
  });
  return { value: rest, memories };
}

/** The value with tensors in their places. */
export function putIn(value: unknown, tensors: readonly unknown[]): unknown {
  if (tensors.length === 0) return value;
  return replaceIn(value, (each) => (each instanceof Map ? tensors[each.get('parcel') as number] : undefined));
}
