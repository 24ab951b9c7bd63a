/** Memory that this runtime has of its own: small tensors of a child, which came through the pipe. */
import type { MemoryAddon, MemoryHandle, NativeMemory } from './native';

const none = {} as MemoryHandle;

export const OWN_MEMORY: MemoryAddon = {
  setMemoryFactory: () => undefined,
  release(_, buffer) {
    // Detaches it, like every other.
    if (buffer !== null && buffer.byteLength > 0) structuredClone(buffer, { transfer: [buffer] });
  },
  share: () => 0,
  openShared: () => undefined,
  reportUncaught: () => undefined,
};

/** `buffer` null: larger than one of this runtime. */
export function ownMemory(buffer: ArrayBuffer | null, dtype: string, shape: readonly number[]): NativeMemory {
  return { buffer, dtype, shape, zeroCopy: false, place: 'own', handle: none };
}
