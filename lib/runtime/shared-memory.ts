/** Shared memory as this environment has it: the addon, and tensors over segments of children. */
import { loadSharedMemory } from './addon';
import type { MemoryFactory } from './embedded';
import type { SegmentHandle, SharedMemoryAddon, TensorLayout } from './native';

let adopted: SharedMemoryAddon | undefined;

/** What is to be done once a tensor's bytes are nobody's any more, by the tensor's number. */
const freeing = new Map<number, () => void>();
let count = 0;
/** Where the runtime copies, one copy is made at a time. */
let last: Promise<void> = Promise.resolve();

/** `shared_memory.node`, which makes tensors by `fromMemory`; loaded once for each environment. */
export function joinSharedMemory(fromMemory: MemoryFactory): SharedMemoryAddon {
  if (adopted !== undefined) return adopted;
  const addon = loadSharedMemory();
  addon.setMemoryFactory((memory) => fromMemory(addon, memory));
  addon.setFreeListener((number) => {
    const free = freeing.get(number);
    freeing.delete(number);
    free?.();
  });
  return (adopted = addon);
}

/** A tensor over a segment's first bytes; `onFree` is called once nobody has them any more. */
export function tensorOverSegment(
  addon: SharedMemoryAddon,
  handle: SegmentHandle,
  layout: TensorLayout,
  onFree: () => void,
): Promise<unknown> {
  count += 1;
  const number = count;
  freeing.set(number, onFree);
  const make = (): Promise<unknown> => addon.tensorOf(handle, layout, number);
  const made = last.then(make);
  const forget = (): void => undefined;
  last = made.then(forget, forget);
  return made;
}

/** How many segments, and tensors over them, this process has: for tests and for finding leaks. */
export function sharedCounts(): { readonly memories: number; readonly segments: number } {
  return adopted?.liveCounts() ?? { memories: 0, segments: 0 };
}
