/** One child from its start to its end, as its parent knows it. */
import type { SharedMemoryAddon } from '../native';
import { deathOf } from './death';
import { PythonProcess } from './process';
import { OpenSegments, SegmentPool } from './segments';

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly channel: number | undefined;
}

/** Some refusals of the system are thrown, others are the end of a process that was none. */
export function startProcess(...args: ConstructorParameters<typeof PythonProcess>): PythonProcess {
  try {
    return new PythonProcess(...args);
  } catch (failure) {
    throw deathOf(0, { exitCode: null, signal: null, stderr: '', failure: failure as Error });
  }
}

/** A living child and what it has been asked for. */
export class Life {
  readonly startedAt = Date.now();
  /** Which of the runtime's Pythons it is; 0 until that runs. */
  incarnation = 0;
  readonly process: PythonProcess;
  readonly pool: SegmentPool;
  readonly opened: OpenSegments;
  readonly pending = new Map<number, Pending>();
  client = 0;
  /** Its last session was closed: it ends once nothing is awaited of it. */
  isReleased = false;
  /** Nobody needs it any more: its end is no death. */
  isDismissed = false;

  constructor(process: PythonProcess, addon: SharedMemoryAddon) {
    this.process = process;
    this.pool = new SegmentPool(addon, (number) => process.send({ type: 'close segment', number }));
    this.opened = new OpenSegments(addon);
  }
}
