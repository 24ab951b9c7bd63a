import { currentDirectory } from '../directory';
import type { ChildExit, Runtime, RuntimeCallOptions } from '../runtime/runtime';

/** What the bridge's `init` is given. */
export type PythonOptions = { readonly root: string } & Readonly<Record<string, unknown>>;

/** What it answers. */
export interface InitAnswer {
  readonly session: number;
  readonly info: {
    readonly wangp_version: string | null;
    readonly python_version: string;
    readonly executable: string;
    readonly root: string;
    readonly device: string;
    readonly own_working_directory: boolean;
  };
}

interface Opened {
  readonly incarnation: number;
  readonly answer: Promise<InitAnswer>;
  /** The session's number; undefined until it is there. */
  session?: number;
}

/** A session of Python's. Where the Python that had it has ended, the next call has another one make it anew. */
export class Connection {
  readonly runtime: Runtime;
  /** Hears of each end of a Python that had the session, if nobody asked for it. */
  deathListener: ((exit: ChildExit) => void) | undefined;
  readonly #tellDeath = (exit: ChildExit): void => this.deathListener?.(exit);
  readonly #options: PythonOptions;
  #opened: Opened | undefined;

  constructor(runtime: Runtime, options: PythonOptions) {
    this.runtime = runtime;
    this.#options = options;
  }

  /** Whether the session is there. */
  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  /** Makes the session where there is none. Rejects as the bridge's `init` does. */
  async open(): Promise<InitAnswer> {
    // It may end between its start and this turn.
    while (this.runtime.incarnation === 0) await this.runtime.ready();
    const { incarnation } = this.runtime;
    if (this.#opened?.incarnation !== incarnation) this.#opened = this.#make(incarnation);
    return this.#opened.answer;
  }

  /** Calls a command whose first argument is the session. Where that is there, `args` are read before this returns. */
  call(command: string, args: readonly unknown[], options: RuntimeCallOptions): Promise<unknown> {
    const session = this.#session;
    if (session !== undefined) return this.runtime.call(command, [session, ...args], options);
    return this.open().then(({ session: fresh }) => this.runtime.call(command, [fresh, ...args], options));
  }

  /** Closes the session; a later call makes it anew where the Python that had it has ended. */
  async close(): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined || !this.isOpen) return;
    await this.call('close', [], { lane: 'thread', cwd: this.#options.root });
    if (this.runtime.place === 'here' || this.#opened !== opened) return;
    this.#opened = undefined;
    this.runtime.release(this.#tellDeath);
  }

  get #session(): number | undefined {
    return this.#opened?.incarnation === this.runtime.incarnation ? this.#opened.session : undefined;
  }

  #make(incarnation: number): Opened {
    const { runtime } = this;
    const options = {
      lane: 'thread',
      cwd: currentDirectory() ?? this.#options.root,
      names: ['client', 'options'],
    } as const;
    runtime.retain(this.#tellDeath);
    const answer = runtime.call('init', [runtime.client, this.#options], options) as Promise<InitAnswer>;
    const opened: Opened = { incarnation, answer };
    answer.then(
      ({ session }) => {
        opened.session = session;
      },
      () => {
        if (this.#opened === opened) this.#opened = undefined;
        // A child that could not be initialised is of no use. One that has ended needs nothing any more.
        if (runtime.incarnation === incarnation) runtime.release(this.#tellDeath);
      },
    );
    return opened;
  }
}
