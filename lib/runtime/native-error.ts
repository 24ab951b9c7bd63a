/** Errors of native calls as those of this package. */
import { ERROR_CODES, WanGPError, type WanGPErrorCode } from '../errors';
import type { NativeError } from './native';

/** Python's exception as JavaScript's `cause`: its type, its message, and its traceback where others have a stack. */
function pythonCause({ pythonType, pythonMessage = '', pythonTraceback }: NativeError): Error | undefined {
  if (pythonType === undefined) return undefined;
  const cause = new Error(pythonMessage);
  cause.name = pythonType;
  cause.stack = pythonTraceback?.trimEnd() ?? `${pythonType}: ${pythonMessage}`;
  return cause;
}

/** An error with a code of this package as a {@link WanGPError}; any other as it is. */
export function toWanGPError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const native = error as NativeError;
  if (native.code === undefined || !Object.hasOwn(ERROR_CODES, native.code)) return error;
  const { pythonType, pythonTraceback } = native;
  const details = { cause: pythonCause(native), pythonType, pythonTraceback };
  return new WanGPError(native.code as WanGPErrorCode, native.message, details);
}
