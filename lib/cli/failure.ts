import { WanGPError } from '../index';
import type { WanGPOptions } from './options';

/** Exit codes. */
export const EXIT = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** Ctrl-C came before there was a job to cancel. */
export class Interrupted extends Error {
  readonly code = 'ABORT_ERR';
}

function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'Error';
}

/** Lines behind the message: Python's traceback, or the stack of what is nobody's fault but this package's. */
function details(error: unknown, verbose: boolean): string[] {
  if (error instanceof WanGPError) {
    if (error.pythonTraceback === undefined) return [];
    return verbose ? [error.pythonTraceback.trimEnd()] : ['(--verbose shows the Python traceback)'];
  }
  return verbose && error instanceof Error && error.stack !== undefined ? [error.stack] : [];
}

/** Tells what stopped a command, for people on stderr and with `--json` on stdout; returns the exit code. */
export function reportFailure(error: unknown, { json = false, verbose = false }: WanGPOptions): number {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  console.error([`wangp-node: ${message} [${code}]`, ...details(error, verbose)].join('\n'));
  if (json) console.log(JSON.stringify({ success: false, error: { code, message } }));
  return error instanceof Interrupted ? EXIT.interrupted : EXIT.failure;
}

/** Wrong usage, which commander has told on stderr already: with `--json` it is told on stdout too. */
export function reportUsage({ message }: Error, args: readonly string[]): number {
  // Nobody has read the options to their end.
  const error = { code: 'ERR_WANGP_ARGUMENT', message: message.replace(/^error: /, '') };
  if (args.includes('--json')) console.log(JSON.stringify({ success: false, error }));
  return EXIT.usage;
}
