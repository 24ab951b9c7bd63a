/**
 * The program of a child: Python in a process of its own, for the process that started it. It says and hears messages,
 * and knows nothing of WanGP. It ends with its parent.
 */
// First: a signal to the whole group may come at any time.
import './group-signals';
import { WanGPError } from '../../errors';
import { loadSharedMemory } from '../addon';
import { EmbeddedRuntime } from '../embedded';
import type { CoreAddon, SharedMemoryAddon } from '../native';
import { Channel } from '../runtime';
import { fillHoles } from './cloneable';
import type { CallMessage, Parcel, PlainError, ToChild } from './messages';
import { takeOut, Unsent } from './parcels';
import { OpenSegments, SegmentPool } from './segments';
import { Sender } from './sender';

function toPlainError(error: unknown): PlainError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const { code } = error as { code?: unknown };
  const { pythonType, pythonTraceback, cause } = error instanceof WanGPError ? error : ({} as Partial<WanGPError>);
  return {
    name,
    message,
    stack,
    code,
    pythonType,
    pythonMessage: cause instanceof Error ? cause.message : undefined,
    pythonTraceback,
  };
}

/** Python of this process, at the parent's command. */
class Server {
  readonly #runtime: EmbeddedRuntime;
  readonly #addon: SharedMemoryAddon;
  readonly #pool: SegmentPool;
  readonly #opened: OpenSegments;
  readonly #sender: Sender;
  /** By the parent's numbers. */
  readonly #channels = new Map<number, Channel>();

  constructor(runtime: EmbeddedRuntime, core: CoreAddon) {
    this.#runtime = runtime;
    this.#addon = loadSharedMemory();
    this.#pool = new SegmentPool(this.#addon, (number) => this.#sender.send({ type: 'close segment', number }));
    this.#opened = new OpenSegments(this.#addon);
    this.#sender = new Sender(core, this.#addon, this.#pool);
    this.#sender.send({ type: 'started', client: runtime.client });
  }

  receive(message: ToChild): void {
    switch (message.type) {
      case 'call':
        void this.#call(message);
        break;
      case 'close channel':
        this.#closeChannel(message.channel);
        break;
      case 'free segment':
        this.#pool.giveBack(message.number);
        break;
      case 'close segment':
        this.#opened.close(message.number);
        break;
      default:
    }
  }

  async #call({ id, command, args, holes, channels, parcels, options }: CallMessage): Promise<void> {
    try {
      fillHoles(args, holes);
      for (const index of channels) args[index] = this.#channelOf(args[index] as number);
      for (const [index, parcel] of parcels) args[index] = this.#bytesOf(parcel);
      const { channel, ...others } = options;
      const result = await this.#runtime.call(command, args, {
        ...others,
        ...(channel === undefined ? {} : { channel: this.#channelOf(channel) }),
      });
      const { value, memories } = takeOut(result);
      this.#sender.send({ type: 'result', id, value, parcels: [] }, memories);
    } catch (error) {
      this.#sender.send({ type: 'error', id, error: toPlainError(error) });
    }
  }

  #bytesOf(parcel: Parcel): Uint8Array {
    if ('bytes' in parcel) return parcel.bytes;
    if ('lost' in parcel) throw new WanGPError('ERR_WANGP_VALUE', `the bytes are lost: ${parcel.lost}`);
    return new Uint8Array(this.#addon.viewOfSegment(this.#opened.open(parcel), parcel.size));
  }

  #channelOf(number: number): Channel {
    const known = this.#channels.get(number);
    if (known !== undefined) return known;
    const channel = this.#runtime.openChannel({
      hear: (kind, data, timestamp, dropped) => {
        const { value, memories } = takeOut(data);
        this.#sender.send({ type: 'event', channel: number, kind, value, parcels: [], timestamp, dropped }, memories);
      },
      lose: () => undefined,
    });
    this.#channels.set(number, channel);
    return channel;
  }

  #closeChannel(number: number): void {
    const channel = this.#channels.get(number);
    if (channel === undefined) return;
    this.#channels.delete(number);
    this.#runtime.closeChannel(channel);
  }
}

let server: Server | undefined;

async function start({ python, parent }: Extract<ToChild, { type: 'start' }>): Promise<void> {
  try {
    if (!loadSharedMemory().endAfterParent(parent)) {
      throw new WanGPError(
        'ERR_WANGP_NODE_NOT_FOUND',
        `the Node of a child must be the process that was started, not a child of that: ${process.execPath} is not. ` +
          'A script that starts Node must do so by exec',
      );
    }
    const runtime = await EmbeddedRuntime.start(
      python,
      (_, memory) => new Unsent(memory),
      (error) => error,
    );
    server = new Server(runtime, runtime.core);
  } catch (error) {
    process.send?.({ type: 'failed', error: toPlainError(error) });
  }
}

process.on('message', (message: ToChild) => {
  if (message.type === 'start') void start(message);
  else if (message.type === 'end') process.exit();
  else server?.receive(message);
});
// The parent has ended, however it did, or wants this process no more.
process.on('disconnect', () => process.exit());
process.send?.({ type: 'hello' });
