/** The child as a process: started, spoken to, and watched until its end. */
import { type ChildProcess, fork, type ForkOptions } from 'node:child_process';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';
import type { SharedMemoryAddon } from '../native';
import { PACKAGE_ROOT } from '../package';
import type { ToChild, ToParent } from './messages';
import { StderrRelay } from './relay';

const PROGRAM = path.join(PACKAGE_ROOT, 'dist', 'runtime', 'child', 'main.js');

/** Its own children may hold on to the ends of its pipes after its end. */
const PATIENCE_MS = 500;

/** While this process exits, how long it waits at most for what its children still print: they give a slow reader that time. */
const EXIT_GRACE_MS = 30_000;

/** A Node that says nothing for so long hangs in its own start. */
const START_LIMIT_MS = 60_000;

/** How a child has ended. */
export interface ChildEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines that it wrote to stderr. */
  readonly stderr: string;
  /** Why there was no process at all. */
  readonly failure?: Error | undefined;
}

export interface ChildListener {
  hear(message: ToParent): void;
  /** Once, when nothing more comes. */
  end(end: ChildEnd): void;
}

const living = new Set<PythonProcess>();

process.on('exit', () => {
  const deadline = Date.now() + EXIT_GRACE_MS;
  for (const each of living) each.send({ type: 'end' });
  for (const each of living) each.drain(deadline);
});

/** Another Node, with one Python in it. It never keeps this process's event loop alive unless it is told to. */
export class PythonProcess {
  readonly #addon: SharedMemoryAddon;
  readonly #child: ChildProcess;
  readonly #relay: StderrRelay;
  #failure: Error | undefined;

  constructor(
    addon: SharedMemoryAddon,
    node: string,
    environment: NodeJS.ProcessEnv,
    cwd: string | undefined,
    listener: ChildListener,
  ) {
    const options: ForkOptions & { windowsHide: boolean } = {
      execPath: node,
      execArgv: [],
      env: environment,
      ...(cwd === undefined ? {} : { cwd }),
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      windowsHide: true,
    };
    this.#addon = addon;
    this.#child = fork(PROGRAM, options);
    const limit = setTimeout(() => {
      this.#failure = new Error(`it has said nothing for ${START_LIMIT_MS / 1000} s`);
      this.kill();
    }, START_LIMIT_MS).unref();
    // When a Worker ends, Node forgets its children.
    if (!isMainThread && this.#child.pid !== undefined) addon.addChild(this.#child.pid);
    this.#child.once('message', () => clearTimeout(limit));
    this.#child.on('message', (message: ToParent) => listener.hear(message));
    this.#relay = new StderrRelay(this.#child.stderr);
    living.add(this);
    void this.#ended().then((end) => {
      clearTimeout(limit);
      // Processes of its own may hold on to stderr.
      this.keepAlive(false);
      listener.end(end);
    });
    this.keepAlive(false);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What can't be sent any more is of no use: the end of the child is told anyway. */
  send(message: ToChild): void {
    if (this.#child.connected) this.#child.send(message, undefined, undefined, () => undefined);
  }

  /** Whether this process waits for the child. */
  keepAlive(alive: boolean): void {
    const stderr = this.#child.stderr as (Readable & { ref(): void; unref(): void }) | null;
    for (const each of [this.#child, this.#child.channel, stderr]) {
      if (alive) each?.ref();
      else each?.unref();
    }
  }

  /** The child ends by itself, as every child does whose parent has gone. */
  disconnect(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  /** While this process exits: what the child has printed arrives. */
  drain(deadline: number): void {
    this.#relay.drain(deadline, () => this.#addon.isAtRest(this.pid));
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Once the process has ended and what it sent before has come. */
  async #ended(): Promise<ChildEnd> {
    const child = this.#child;
    const isGone = new Promise<void>((resolve) => {
      if (!child.connected) resolve();
      else child.once('disconnect', resolve);
    });
    const isSilent = new Promise<void>((resolve) => void child.stderr?.once('close', resolve));
    const end = await new Promise<Omit<ChildEnd, 'stderr'>>((resolve) => {
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
      child.once('error', (failure) => resolve({ exitCode: null, signal: null, failure }));
    });
    this.#addon.removeChild(this.pid);
    await Promise.race([Promise.all([isGone, isSilent]), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    living.delete(this);
    return { failure: this.#failure, ...end, stderr: this.#relay.tail };
  }
}
