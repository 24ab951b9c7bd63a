/** What a process and its child say to each other. Values are plain: {@link toCloneable} and segments carry the rest. */
import type { PythonEnvironment } from '../../python/find';
import type { Lane, TensorLayout } from '../native';
import type { Hole } from './cloneable';

/** Memory on its way to the other process. */
export type Parcel = TensorLayout &
  (
    | { readonly bytes: Uint8Array }
    /** It is larger than a Buffer of the child's Node, or there was no memory for it. */
    | { readonly lost: 'too large' | 'no memory' }
    | {
        /** Of the segment, in the process that made it. */
        readonly number: number;
        readonly name: string;
        readonly capacity: number;
      }
  );

/** What an error consists of: a class does not survive the way. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: unknown;
  readonly pythonType: string | undefined;
  readonly pythonMessage: string | undefined;
  readonly pythonTraceback: string | undefined;
}

export interface CallMessage {
  readonly type: 'call';
  readonly id: number;
  readonly command: string;
  readonly args: unknown[];
  readonly holes: readonly Hole[];
  /** Arguments that are channels, by their index: the parent's number stands there. */
  readonly channels: readonly number[];
  /** Arguments that are bytes, by their index. */
  readonly parcels: readonly (readonly [index: number, parcel: Parcel])[];
  readonly options: {
    readonly lane: Lane;
    readonly cwd?: string;
    readonly names?: readonly string[];
    readonly channel?: number;
  };
}

export type ToChild =
  | { readonly type: 'start'; readonly python: PythonEnvironment; readonly parent: number }
  | CallMessage
  | { readonly type: 'close channel'; readonly channel: number }
  /** While the parent exits: it can't close the pipe then, and waits for what the child has printed. */
  | { readonly type: 'end' }
  | SegmentMessage;

/** A tensor stands in a value as a Map, which Python's values never are; it holds its place among the parcels. */
export type ToParent =
  /** The program runs. */
  | { readonly type: 'hello' }
  | { readonly type: 'started'; readonly client: number }
  | { readonly type: 'failed'; readonly error: PlainError }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown; readonly parcels: readonly Parcel[] }
  | { readonly type: 'error'; readonly id: number; readonly error: PlainError }
  | {
      readonly type: 'event';
      readonly channel: number;
      readonly kind: string;
      readonly value: unknown;
      readonly parcels: readonly Parcel[];
      readonly timestamp: number;
      readonly dropped: number;
    }
  | SegmentMessage;

/** Of segments, by the numbers that their maker gave them. */
export type SegmentMessage =
  /** The maker may fill it again. */
  | { readonly type: 'free segment'; readonly number: number }
  /** The maker has given it up: whoever has opened it may do so too. */
  | { readonly type: 'close segment'; readonly number: number };
