import type { CoreAddon, NativeMemory, SharedMemoryAddon } from '../native';
import type { Parcel, ToParent } from './messages';
import { type SegmentPool, SMALLEST_SHARED } from './segments';

/** What may wait in the pipe before Python's events wait too, and give way as they do where JavaScript is behind. */
const MOST_UNSENT = 64;

/** What goes through the pipe where there is no segment for it. */
const LARGEST_PIPED = 256 << 20;

/** Of a child: sends to its parent, in order, with Python's memory in segments. */
export class Sender {
  readonly #core: CoreAddon;
  readonly #addon: SharedMemoryAddon;
  readonly #pool: SegmentPool;
  readonly #waiting: { readonly message: ToParent; readonly memories: readonly NativeMemory[] }[] = [];
  #unsent = 0;
  #isPaused = false;

  constructor(core: CoreAddon, addon: SharedMemoryAddon, pool: SegmentPool) {
    this.#core = core;
    this.#addon = addon;
    this.#pool = pool;
  }

  /** `memories` become the message's parcels and are let go of. */
  send(message: ToParent, memories: readonly NativeMemory[] = []): void {
    this.#waiting.push({ message, memories });
    if (this.#waiting.length === 1) void this.#drain();
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { message, memories } = next;
      if (memories.length === 0) {
        this.#post(message);
      } else {
        const parcels: Parcel[] = [];
        for (const memory of memories) parcels.push(await this.#pack(memory));
        this.#post({ ...message, parcels } as ToParent);
        // What the pipe has copied is Python's again.
        for (const { handle, buffer } of memories) this.#core.release(handle, buffer);
      }
      this.#waiting.shift();
    }
  }

  async #pack({ buffer, dtype, shape }: NativeMemory): Promise<Parcel> {
    if (buffer === null) return { size: 0, dtype, shape, lost: 'too large' };
    const bytes = new Uint8Array(buffer);
    const layout = { size: bytes.length, dtype, shape };
    if (bytes.length < SMALLEST_SHARED) return { ...layout, bytes };
    try {
      const { number, name, capacity, handle } = this.#pool.take(bytes.length);
      await this.#addon.fillSegment(handle, bytes);
      return { ...layout, number, name, capacity };
    } catch {
      // Slower, and it needs neither a descriptor nor shared memory.
      return bytes.length <= LARGEST_PIPED ? { ...layout, bytes } : { ...layout, lost: 'no memory' };
    }
  }

  #post(message: ToParent): void {
    this.#unsent += 1;
    process.send?.(message, undefined, undefined, () => {
      this.#unsent -= 1;
      this.#setPaused(this.#unsent > MOST_UNSENT / 2 && this.#isPaused);
    });
    if (this.#unsent > MOST_UNSENT) this.#setPaused(true);
  }

  #setPaused(paused: boolean): void {
    if (this.#isPaused === paused) return;
    this.#isPaused = paused;
    this.#core.setPaused(paused);
  }
}
