/** Memory of a child's that arrives here. */
import type { MemoryFactory } from '../embedded';
import type { SegmentHandle, SharedMemoryAddon, TensorLayout } from '../native';
import { ownMemory, OWN_MEMORY } from '../own-memory';
import { tensorOverSegment } from '../shared-memory';
import type { Life } from './life';
import type { Parcel } from './messages';

/** What stands where a tensor should: a warning says so, for an artifact without media is easily missed. */
function lostTensor({ dtype, size }: TensorLayout, why: string): object {
  process.emitWarning(`a tensor of the child's (${dtype}, ${size} bytes) is lost: ${why}`, 'WanGPWarning');
  return { pythonType: 'memoryview', repr: `${dtype}, ${size} bytes: ${why}` };
}

/** What `fromMemory` makes of a parcel; where its bytes can't be had, a description of them. */
export async function toTensor(
  parcel: Parcel,
  life: Life,
  addon: SharedMemoryAddon,
  fromMemory: MemoryFactory,
): Promise<unknown> {
  const { dtype, shape, size } = parcel;
  if ('bytes' in parcel) {
    // A view of the whole message.
    const { buffer } = parcel.bytes.slice();
    return fromMemory(OWN_MEMORY, ownMemory(buffer, dtype, shape));
  }
  if ('lost' in parcel && parcel.lost === 'too large') {
    return fromMemory(OWN_MEMORY, ownMemory(null, dtype, shape));
  }
  if ('lost' in parcel) return lostTensor(parcel, 'the child had no memory, or no descriptor, for it');
  const { number } = parcel;
  const free = (): void => life.process.send({ type: 'free segment', number });
  let handle: SegmentHandle;
  try {
    handle = life.opened.open(parcel);
  } catch (error) {
    free();
    return lostTensor(parcel, error instanceof Error ? error.message : String(error));
  }
  return tensorOverSegment(addon, handle, { dtype, shape, size }, free);
}
