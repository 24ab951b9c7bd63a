import { fork } from 'node:child_process';
import path from 'node:path';
import { WanGPError, type WanGPErrorCode } from '../../index';
import type { PythonEnvironment } from '../../python/find';
import { type Check, Finding } from './check';

/** What the process of {@link tryStart} says. */
export type TrialAnswer =
  | { readonly started: true; readonly deepBind: boolean; readonly ownWorkingDirectory: boolean }
  | { readonly started: false; readonly message: string; readonly code: WanGPErrorCode | undefined };

/** How a process ended that said nothing. */
interface Silence {
  readonly ending: string;
  readonly printed: string;
}

const LIMIT_MS = 30_000;
const KEPT_CHARACTERS = 4000;

/** Loads the addon and starts Python in a process of its own, which ends again; WanGP isn't imported. */
export function tryStart(python: PythonEnvironment): Promise<TrialAnswer | Silence> {
  return new Promise((resolve, reject) => {
    const child = fork(path.join(__dirname, 'trial.js'), [JSON.stringify(python)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-KEPT_CHARACTERS)));
    }
    let answer: TrialAnswer | undefined;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, LIMIT_MS);
    child.once('message', (message) => (answer = message as TrialAnswer));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const ended = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
      resolve(answer ?? { ending: isLate ? `had not started after ${LIMIT_MS / 1000} s` : ended, printed });
    });
  });
}

/** Whether Python starts in a Node process, and how it would be kept apart from Node. */
export function checkStart(outcome: TrialAnswer | Silence): readonly Check[] {
  const finding = new Finding('start', 'Start');
  if (!('started' in outcome)) {
    const last = outcome.printed.trimEnd().split('\n').at(-1) ?? '';
    const detail = `a process that started Python ${outcome.ending}${last === '' ? '' : `: ${last}`}`;
    return [finding.error(detail, 'Run again with WANGP_FAULTHANDLER=1, and report what `npx wangp-node info` prints')];
  }
  if (!outcome.started) {
    const { code = 'ERR_WANGP_PYTHON_START', message } = outcome;
    return [finding.refused(new WanGPError(code, message))];
  }
  return [finding.ok('Python starts in a process of Node'), isolation(outcome)];
}

function isolation({ deepBind, ownWorkingDirectory }: TrialAnswer & { readonly started: true }): Check {
  const finding = new Finding('isolation', 'Isolation');
  const libraries = deepBind ? "Python keeps its own libraries; Node's are hidden from it" : 'nothing to hide';
  const directory = ownWorkingDirectory
    ? 'jobs have working directories of their own'
    : 'the system allows no working directory for each job; attachments are made absolute';
  return finding.ok(`${directory} (${ownWorkingDirectory ? 'thread' : 'absolute-paths'}); ${libraries}`);
}
