import { currentDirectory } from '../../directory';
import { WanGPError } from '../../errors';
import type { PythonEnvironment } from '../../python/find';
import type { MemoryFactory } from '../embedded';
import type { NativeError, SharedMemoryAddon } from '../native';
import { toWanGPError } from '../native-error';
import { Channel, type ChannelListener, type DeathListener, type Runtime, type RuntimeCallOptions } from '../runtime';
import { joinSharedMemory } from '../shared-memory';
import { toCloneable } from './cloneable';
import { deathOf } from './death';
import { Life, startProcess } from './life';
import type { CallMessage, Parcel, PlainError, ToParent } from './messages';
import { findNode } from './node-binary';
import { putIn } from './parcels';
import type { ChildEnd } from './process';
import { SMALLEST_SHARED } from './segments';
import { toTensor } from './tensors';

export interface ChildOptions {
  readonly python: PythonEnvironment;
  /** The Node to start. */
  readonly node: string | undefined;
  /** Environment variables of the child, beside this process's; null removes one. */
  readonly env: Readonly<Record<string, string | null>>;
}

/** The longest pause before a child is started again. */
const LONGEST_PAUSE_MS = 30_000;
/** A child that lived longer than this is not one that dies again and again. */
const LONG_LIFE_MS = 60_000;

interface OpenChannel {
  readonly listener: ChannelListener;
  /** Whether the call that its events belong to has settled. */
  isAccepted: boolean;
}

function isLarge(arg: unknown): arg is Uint8Array {
  return arg instanceof Uint8Array && arg.length >= SMALLEST_SHARED;
}

function toError({ name, message, stack, ...plain }: PlainError): unknown {
  const error = Object.assign(new Error(message), plain) as NativeError;
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return toWanGPError(error);
}

/** What a call has ended with, until it is told as an error. */
class Refusal {
  constructor(readonly plain: PlainError) {}
}

/**
 * Python in a process of its own, which is started when it is needed and replaced when it has died. A crash of it ends
 * what it was asked for, with an error, and nothing else.
 */
export class ChildRuntime implements Runtime {
  readonly place = 'child';
  readonly python: PythonEnvironment;
  readonly #options: ChildOptions;
  readonly #addon: SharedMemoryAddon;
  readonly #fromMemory: MemoryFactory;
  /** Those who have sessions in the living child. */
  readonly #users = new Set<DeathListener>();
  readonly #channels = new Map<number, OpenChannel>();
  readonly #inbox: (() => void | Promise<void>)[] = [];
  /** The first pause before a child that died again is replaced; it doubles each time. 0: none. */
  restartPauseMs = 1000;
  #life: Life | undefined;
  #starting: Promise<void> | undefined;
  #incarnations = 0;
  #lastCall = 0;
  #lastChannel = 0;
  #awaited = 0;
  #deaths = 0;

  constructor(options: ChildOptions, fromMemory: MemoryFactory) {
    this.python = options.python;
    this.#options = options;
    this.#fromMemory = fromMemory;
    this.#addon = joinSharedMemory(fromMemory);
  }

  get pid(): number | null {
    return this.#life?.process.pid ?? null;
  }

  get incarnation(): number {
    return this.#life?.incarnation ?? 0;
  }

  get client(): number {
    return this.#life?.client ?? 0;
  }

  async ready(): Promise<void> {
    if (this.incarnation !== 0) return;
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    await this.#starting;
  }

  async call(command: string, args: readonly unknown[], options: RuntimeCallOptions): Promise<unknown> {
    const life = this.#life;
    if (life === undefined) throw new WanGPError('ERR_WANGP_CHILD_ENDED', 'the process that Python ran in has ended');
    this.#hold();
    const used: number[] = [];
    try {
      return await this.#send(life, command, args, options, used);
    } catch (error) {
      // Made here, where the stack leads to the caller.
      throw error instanceof Refusal ? toError(error.plain) : error;
    } finally {
      for (const number of used) life.pool.giveBack(number);
      this.#letGo();
    }
  }

  openChannel(listener: ChannelListener): Channel {
    this.#lastChannel += 1;
    const channel = new Channel(this.#lastChannel);
    this.#channels.set(channel.number, { listener, isAccepted: false });
    this.#hold();
    return channel;
  }

  closeChannel({ number }: Channel): void {
    if (!this.#channels.delete(number)) return;
    this.#life?.process.send({ type: 'close channel', channel: number });
    this.#letGo();
  }

  reportUncaught(error: unknown): void {
    this.#addon.reportUncaught(error);
  }

  retain(user: DeathListener): void {
    this.#users.add(user);
    if (this.#life !== undefined) this.#life.isReleased = false;
  }

  release(user: DeathListener): void {
    this.#users.delete(user);
    if (this.#life === undefined || this.#users.size > 0) return;
    this.#life.isReleased = true;
    if (this.#awaited === 0) this.#dismiss(this.#life);
  }

  kill(): void {
    this.#life?.process.kill();
  }

  #dismiss(life: Life): void {
    life.isDismissed = true;
    this.#life = undefined;
    life.process.keepAlive(false);
    life.process.disconnect();
  }

  async #start(): Promise<void> {
    this.#hold();
    try {
      const node = await findNode(this.#options.node);
      await this.#pause();
      await this.#launch(node);
    } finally {
      this.#letGo();
    }
  }

  async #pause(): Promise<void> {
    const { restartPauseMs } = this;
    if (this.#deaths < 2 || restartPauseMs === 0) return;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, restartPauseMs * 2 ** (this.#deaths - 2));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }

  #launch(node: string): Promise<void> {
    const { python, env } = this.#options;
    const environment: NodeJS.ProcessEnv = { ...process.env, ...env, NODE_OPTIONS: undefined };
    for (const [name, value] of Object.entries(env)) if (value === null) environment[name] = undefined;
    delete environment['ELECTRON_RUN_AS_NODE'];
    return new Promise((resolve, reject) => {
      const child = startProcess(this.#addon, node, environment, currentDirectory() ?? python.prefix, {
        hear: (message) => this.#enqueue(() => this.#receive(life, message, resolve, reject)),
        end: (end) => this.#enqueue(() => reject(this.#bury(life, end))),
      });
      const life = new Life(child, this.#addon);
      this.#life = life;
      child.send({ type: 'start', python, parent: process.pid });
      if (this.#awaited > 0) child.keepAlive(true);
    });
  }

  #send(
    life: Life,
    command: string,
    given: readonly unknown[],
    { channel, ...options }: RuntimeCallOptions,
    used: number[],
  ): Promise<unknown> {
    const channels = given.flatMap((arg, index) => (arg instanceof Channel ? [index] : []));
    const plain = given.map((arg) => (arg instanceof Channel ? arg.number : arg));
    const { args, holes } = toCloneable(plain);
    this.#lastCall += 1;
    const id = this.#lastCall;
    return new Promise((resolve, reject) => {
      life.pending.set(id, { resolve, reject, channel: channel?.number });
      const of = channel === undefined ? options : { ...options, channel: channel.number };
      const post = (parcels: CallMessage['parcels']): void => {
        life.process.send({ type: 'call', id, command, args, holes, channels, parcels, options: of });
      };
      // What is read before this returns may change afterwards.
      if (!args.some(isLarge)) {
        post([]);
        return;
      }
      this.#pack(life, args, used).then(post, (error: unknown) => {
        life.pending.delete(id);
        reject(error);
      });
    });
  }

  /** Large bytes among the arguments go into segments, which are this process's again once the call has settled. */
  async #pack(life: Life, args: unknown[], used: number[]): Promise<(readonly [number, Parcel])[]> {
    const parcels: (readonly [number, Parcel])[] = [];
    for (const [index, arg] of args.entries()) {
      if (!isLarge(arg)) continue;
      const { number, name, capacity, handle } = life.pool.take(arg.length);
      used.push(number);
      await this.#addon.fillSegment(handle, arg);
      parcels.push([index, { size: arg.length, dtype: 'uint8', shape: [arg.length], number, name, capacity }]);
      args[index] = null;
    }
    return parcels;
  }

  /** What comes from a child is taken in its order, each thing in a turn of its own. */
  #enqueue(task: () => void | Promise<void>): void {
    this.#inbox.push(task);
    if (this.#inbox.length === 1) setImmediate(() => void this.#takeNext());
  }

  async #takeNext(): Promise<void> {
    const [task] = this.#inbox;
    try {
      const taken = task?.();
      if (taken !== undefined) await taken;
    } finally {
      this.#inbox.shift();
      if (this.#inbox.length > 0) setImmediate(() => void this.#takeNext());
    }
  }

  #receive(life: Life, message: ToParent, resolve: () => void, reject: (error: unknown) => void): void | Promise<void> {
    switch (message.type) {
      case 'hello':
        return;
      case 'started':
        life.client = message.client;
        this.#incarnations += 1;
        life.incarnation = this.#incarnations;
        resolve();
        return;
      case 'failed':
        life.isDismissed = true;
        this.#giveUp(life);
        life.process.kill();
        reject(toError(message.error));
        return;
      case 'result': {
        const { id, value, parcels } = message;
        if (parcels.length === 0) this.#settle(life, id, value);
        else return this.#unpack(life, parcels).then((tensors) => this.#settle(life, id, putIn(value, tensors)));
        return;
      }
      case 'error':
        life.pending.get(message.id)?.reject(new Refusal(message.error));
        life.pending.delete(message.id);
        return;
      case 'event': {
        const { parcels, value } = message;
        if (parcels.length === 0) this.#hear(message, value);
        else return this.#unpack(life, parcels).then((tensors) => this.#hear(message, putIn(value, tensors)));
        return;
      }
      case 'free segment':
        life.pool.giveBack(message.number);
        return;
      case 'close segment':
        life.opened.close(message.number);
    }
  }

  #settle(life: Life, id: number, value: unknown): void {
    const pending = life.pending.get(id);
    if (pending === undefined) return;
    life.pending.delete(id);
    const channel = pending.channel === undefined ? undefined : this.#channels.get(pending.channel);
    if (channel !== undefined) channel.isAccepted = true;
    pending.resolve(value);
  }

  #hear({ channel, kind, timestamp, dropped }: Extract<ToParent, { type: 'event' }>, value: unknown): void {
    this.#channels.get(channel)?.listener.hear(kind, value, timestamp, dropped);
  }

  #unpack(life: Life, parcels: readonly Parcel[]): Promise<unknown[]> {
    return Promise.all(parcels.map((parcel) => toTensor(parcel, life, this.#addon, this.#fromMemory)));
  }

  /** The child has ended: what it was asked for is told so. Returns the error that tells it. */
  #bury(life: Life, end: ChildEnd): WanGPError {
    this.#giveUp(life);
    const error = deathOf(life.process.pid, end);
    for (const { reject } of life.pending.values()) reject(error);
    life.pending.clear();
    // Channels and users may be those of the next child by now.
    if (life.isDismissed) return error;
    const users = [...this.#users];
    this.#users.clear();
    for (const { listener, isAccepted } of [...this.#channels.values()]) if (isAccepted) listener.lose(error);
    this.#deaths = Date.now() - life.startedAt > LONG_LIFE_MS ? 1 : this.#deaths + 1;
    const { exitCode, signal, stderr } = end;
    const { pid } = life.process;
    for (const user of users) user({ pid, exitCode, signal, stderr, error });
    return error;
  }

  #giveUp(life: Life): void {
    life.pool.close();
    life.opened.closeAll();
    if (this.#life === life) this.#life = undefined;
  }

  #hold(): void {
    this.#awaited += 1;
    if (this.#awaited === 1) this.#life?.process.keepAlive(true);
  }

  #letGo(): void {
    this.#awaited -= 1;
    const life = this.#life;
    if (this.#awaited > 0 || life === undefined) return;
    life.process.keepAlive(false);
    if (life.isReleased) this.#dismiss(life);
  }
}
