/** What a child writes to stderr on its way to this process's, which may be slow, full or closed. */
import { readSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';

const STDERR = 2;
/** How long a pipe without room is left alone. */
const RETRY_MS = 10;
/** What is kept of the text, for the report of a crash. */
const TAIL_LENGTH = 8 << 10;

type Stream = Readable & { readonly _handle?: { readonly fd?: number } | null };

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** Writes to this process's stderr and gives what it has no room for; a stderr that is closed has nobody left to tell. */
function writeWhatFits(chunk: Buffer): Buffer | undefined {
  for (let rest = chunk; rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(STDERR, rest));
    } catch (error) {
      return codeOf(error) === 'EAGAIN' ? rest : undefined;
    }
  }
  return undefined;
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Copies a stream to this process's stderr without ever blocking the event loop; the child waits for a slow reader. */
export class StderrRelay {
  /** Null where the child could not be started. */
  readonly #source: Stream | null;
  #rest: Buffer | undefined;
  #tail = '';

  constructor(source: Readable | null) {
    this.#source = source;
    // Its first use makes a pipe one that doesn't block.
    Reflect.get(process, 'stderr');
    source?.on('data', (chunk: Buffer) => {
      this.#keep(chunk);
      source.pause();
      this.#pass(chunk);
    });
  }

  /** The end of what the child has written. */
  get tail(): string {
    return this.#tail;
  }

  /**
   * While this process exits: passes on what comes until the child is at rest, its pipe is closed, or `deadline`.
   * Processes that it has started may hold the pipe open for longer.
   */
  drain(deadline: number, isAtRest: () => boolean): void {
    this.#source?.removeAllListeners('data');
    if (this.#rest !== undefined) this.#writeNow(this.#rest, deadline);
    // What was read while the stream was paused.
    const waiting = (this.#source?.read() ?? null) as Buffer | null;
    if (waiting !== null) this.#writeNow(waiting, deadline);
    const { fd } = this.#source?._handle ?? {};
    if (fd === undefined || fd < 0) return;
    const buffer = Buffer.alloc(64 << 10);
    while (Date.now() < deadline) {
      // Asked before the pipe is read: what it wrote before its end is there then.
      const isOver = isAtRest();
      try {
        const length = readSync(fd, buffer);
        if (length === 0) return;
        this.#writeNow(buffer.subarray(0, length), deadline);
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN' || isOver) return;
        sleep(RETRY_MS / 2);
      }
    }
  }

  #keep(chunk: Buffer): void {
    this.#tail = (this.#tail + chunk.toString('utf8')).slice(-TAIL_LENGTH);
  }

  #pass(chunk: Buffer): void {
    this.#rest = writeWhatFits(chunk);
    if (this.#rest === undefined) this.#source?.resume();
    else setTimeout(() => this.#rest !== undefined && this.#pass(this.#rest), RETRY_MS).unref();
  }

  #writeNow(chunk: Buffer, deadline: number): void {
    let rest = writeWhatFits(chunk);
    while (rest !== undefined && Date.now() < deadline) {
      sleep(RETRY_MS / 2);
      rest = writeWhatFits(rest);
    }
  }
}
