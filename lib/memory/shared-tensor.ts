import { WanGPError } from '../errors';
import { joinRuntime } from '../runtime/embedded';
import { joinSharedMemory } from '../runtime/shared-memory';
import { invalid } from '../validate';
import {
  AudioTensor,
  HdrVideoTensor,
  SHARED,
  type SharedTensor,
  Tensor,
  type TensorKind,
  toTensor,
  VideoTensor,
} from './tensor';

function isToken(value: unknown): value is SharedTensor {
  if (typeof value !== 'object' || value === null) return false;
  const { token, core, pid } = value as Partial<SharedTensor>;
  return (
    Number.isSafeInteger(token) &&
    typeof core === 'string' &&
    (core === SHARED || /^3\.\d+$/.test(core)) &&
    Number.isInteger(pid)
  );
}

/**
 * Makes a tensor of a token that another thread of this process got from `tensor.share()`: the same memory at the same
 * address, with a hold of its own until it is disposed or collected. No session is needed.
 *
 * Throws `ERR_WANGP_ARGUMENT` for what is no token of this process, `ERR_WANGP_DISPOSED` for one that was opened
 * already, or whose thread has ended.
 */
export function openTensor<Opened extends Tensor<ArrayBufferView>>(shared: SharedTensor<Opened>): Opened {
  if (!isToken(shared)) throw invalid('shared must be what tensor.share() gave');
  if (shared.pid !== process.pid) {
    throw new WanGPError(
      'ERR_WANGP_ARGUMENT',
      `the tensor belongs to the process ${shared.pid}, and this is ${process.pid}: memory is shared between the ` +
        'threads of one process; send tensor.data instead',
    );
  }
  const addon = shared.core === SHARED ? joinSharedMemory(toTensor) : joinRuntime(shared.core, toTensor);
  const tensor = addon.openShared(shared.token);
  if (!(tensor instanceof Tensor)) {
    throw new WanGPError(
      'ERR_WANGP_DISPOSED',
      'the token is void: it was opened already, or the thread that shared the tensor has ended. Each token is worth ' +
        'one tensor: call share() once for each Worker',
    );
  }
  return ofKind(tensor as Tensor, shared) as unknown as Opened;
}

function ofKind(tensor: Tensor, kind: TensorKind): Tensor<ArrayBufferView> {
  switch (kind.kind) {
    case 'video':
      return new VideoTensor(tensor, kind.fps);
    case 'hdr':
      return new HdrVideoTensor(tensor, kind.fps);
    case 'audio':
      return new AudioTensor(tensor, kind.samplingRate);
    default:
      return tensor;
  }
}
