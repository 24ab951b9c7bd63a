import { WanGPError } from '../../errors';
import type { ChildEnd } from './process';

const LINES = 20;

function reasonOf({ exitCode, signal, failure }: ChildEnd): string {
  if (failure !== undefined) return `could not be started: ${failure.message}`;
  if (signal === 'SIGKILL') return 'was killed (SIGKILL), by somebody or because the system ran out of memory';
  if (signal !== null) return `was ended by ${signal}`;
  return `ended with exit code ${exitCode}`;
}

/** The beginning of a traceback of WANGP_FAULTHANDLER, which tells where; else the last lines. */
function lastWords(stderr: string): string {
  const fatal = stderr.lastIndexOf('Fatal Python error');
  if (fatal === -1) return stderr.trimEnd().split('\n').slice(-LINES).join('\n');
  return stderr.slice(fatal).trimEnd().split('\n').slice(0, LINES).join('\n');
}

/** The error that tells of a child's end: how it ended, and what it said last. */
export function deathOf(pid: number, end: ChildEnd): WanGPError {
  const said = lastWords(end.stderr);
  const last = said === '' ? '' : `. Its last lines on stderr:\n${said}`;
  const which = pid === 0 ? '' : ` (${pid})`;
  const message = `the process that Python ran in${which} ${reasonOf(end)}${last}`;
  return new WanGPError('ERR_WANGP_CHILD_ENDED', message);
}
