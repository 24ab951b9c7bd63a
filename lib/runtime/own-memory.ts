/** Memory that this runtime has of its own: small tensors of a child, which came through the pipe. */
import { MessageChannel } from 'node:worker_threads';
import type { MemoryAddon, MemoryHandle, NativeMemory } from './native';

/** Empties all views of `buffer`, at once. */
export function detach(buffer: ArrayBuffer): void {
  if (buffer.byteLength === 0) return;
  const { structuredClone: clone } = globalThis as Partial<typeof globalThis>;
  if (clone !== undefined) {
    clone(buffer, { transfer: [buffer] });
    return;
  }
  // Node 16, which Electron 22 has.
  const { port1 } = new MessageChannel();
  port1.postMessage(null, [buffer]);
  port1.close();
}

const none = {} as MemoryHandle;

export const OWN_MEMORY: MemoryAddon = {
  setMemoryFactory: () => undefined,
  release(_, buffer) {
    if (buffer !== null) detach(buffer);
  },
  share: () => 0,
  openShared: () => undefined,
  reportUncaught: () => undefined,
};

/** `buffer` null: larger than one of this runtime. */
export function ownMemory(buffer: ArrayBuffer | null, dtype: string, shape: readonly number[]): NativeMemory {
  return { buffer, dtype, shape, zeroCopy: false, place: 'own', handle: none };
}
