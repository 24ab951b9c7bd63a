/** What waits in a line. */
export interface Waiting {
  /** Higher ones come first. */
  readonly priority: number;
  /** The model that it needs first; null where that isn't known. */
  readonly firstModel: string | null;
  /** How many have gone before it that came after it. */
  overtaken: number;
}

/** What serves a line, one item at a time. */
export interface Serving {
  /** The model that it has loaded; null where it has none, or that isn't known. */
  readonly model: string | null;
}

/**
 * A line: first in, first out within a priority. One exception saves loading models, which takes minutes: an item whose
 * model is loaded may go before earlier ones of its priority. Each of these is overtaken `maxOvertaken` times at most,
 * and is the next then.
 */
export class Line<Item extends Waiting> {
  readonly #items: Item[] = [];
  readonly #maxOvertaken: number;

  constructor(maxOvertaken: number) {
    this.#maxOvertaken = maxOvertaken;
  }

  /** In their order, but for those whose model is loaded. */
  get items(): readonly Item[] {
    return this.#items;
  }

  /** Behind all others of its priority. */
  add(item: Item): void {
    this.#items.splice(this.#items.findLastIndex(({ priority }) => priority >= item.priority) + 1, 0, item);
  }

  /** Ahead of all others of its priority: it has waited before. */
  putBack(item: Item): void {
    item.overtaken = Infinity;
    const index = this.#items.findIndex(({ priority }) => priority <= item.priority);
    this.#items.splice(index === -1 ? this.#items.length : index, 0, item);
  }

  /** Returns whether it was in the line. */
  remove(item: Item): boolean {
    const index = this.#items.indexOf(item);
    if (index !== -1) this.#items.splice(index, 1);
    return index !== -1;
  }

  /** 1 is the next one; 0 for what is not in the line. */
  positionOf(item: Item): number {
    return this.#items.indexOf(item) + 1;
  }

  /** Takes the next item out, with the one of `free` that is to serve it. Of these the first is preferred. */
  take<Server extends Serving>(free: readonly Server[]): readonly [Item, Server] | undefined {
    const index = this.#next(free);
    const item = this.#items[index];
    if (item === undefined) return undefined;
    const server =
      free.find(({ model }) => model !== null && model === item.firstModel) ??
      free.find(({ model }) => model === null) ??
      free[0];
    if (server === undefined) return undefined;
    this.#items.splice(index, 1);
    for (const earlier of this.#items.slice(0, index)) earlier.overtaken += 1;
    return [item, server];
  }

  #next(free: readonly Serving[]): number {
    const [head] = this.#items;
    if (head === undefined || head.overtaken >= this.#maxOvertaken) return 0;
    const loaded = new Set(free.map(({ model }) => model));
    loaded.delete(null);
    for (const [index, { priority, firstModel }] of this.#items.entries()) {
      if (priority !== head.priority) break;
      if (loaded.has(firstModel)) return index;
    }
    return 0;
  }
}
