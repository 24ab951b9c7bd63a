/** What runs Python in a place: the process itself, or a child. Above it nothing knows where Python runs. */
import type { WanGPError } from '../errors';
import type { PythonEnvironment } from '../python/find';
import type { CallOptions } from './native';

/** Where Python runs. `here`: in this process. `child`: in a process of its own, which this one starts. */
export type Place = 'here' | 'child';

/** What hears the events of one channel. */
export interface ChannelListener {
  /** An event, in a turn of its own. `dropped` counts those of its kind that were given up before it. */
  hear(kind: string, data: unknown, timestamp: number, dropped: number): void;
  /** The Python that fed the channel has died after it took the channel's call: no event comes any more. */
  lose(error: WanGPError): void;
}

/** A stream of events. As an argument of a call it stands for its number. */
export class Channel {
  constructor(readonly number: number) {}
}

/** How a runtime's calls are made: see {@link CallOptions}. */
export type RuntimeCallOptions = Omit<CallOptions, 'channel'> & {
  /** A channel whose events are held back until this call's promise has settled, and its reactions have run. */
  readonly channel?: Channel;
};

/** How the process that Python ran in has ended. */
export interface ChildExit {
  readonly pid: number;
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines that it wrote to stderr. */
  readonly stderr: string;
  /** What the calls and jobs that it ran have ended with. */
  readonly error: WanGPError;
}

/** Hears of the end of a Python that nobody asked for. */
export type DeathListener = (exit: ChildExit) => void;

export interface Runtime {
  readonly place: Place;
  readonly python: PythonEnvironment;
  /** The process that Python runs in; null where there is none at the moment. */
  readonly pid: number | null;
  /** Which Python runs, if several have, one after another: each begins without sessions. 0 where none runs. */
  readonly incarnation: number;
  /** Whose things Python keeps for this environment, until it ends. */
  readonly client: number;
  /** Resolves once Python runs; starts it where it has died. */
  ready(): Promise<void>;
  /** Calls a command of the Python bridge. Rejects with a {@link WanGPError}; while it waits the event loop goes on. */
  call(command: string, args: readonly unknown[], options: RuntimeCallOptions): Promise<unknown>;
  /** A new channel; its events keep the event loop alive until `closeChannel`. */
  openChannel(listener: ChannelListener): Channel;
  /** Idempotent. */
  closeChannel(channel: Channel): void;
  /** A session is made in Python, for `user`, who hears if that Python ends unasked. */
  retain(user: DeathListener): void;
  /** The session was closed. After the last one nobody needs Python: a child ends then. */
  release(user: DeathListener): void;
  /** Ends the process that Python runs in, at once; nothing where that is this one. */
  kill(): void;
  /** Reports an exception that is nobody's to catch, as Node does with one in an event listener. */
  reportUncaught(error: unknown): void;
}
