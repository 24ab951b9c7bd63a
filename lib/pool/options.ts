import { type Callbacks, checkForMisplacedCallbacks } from '../job/callbacks';
import { checkParent } from '../runtime/child/node-binary';
import {
  checkEnvironment,
  checkInitOptions,
  checkSubmitOptions,
  INIT_OPTIONS,
  type InitOptions,
  type SubmitOptions,
} from '../session/options';
import { toPythonOptions } from '../session/python-options';
import { checkOptions, describe, invalid, isGiven, isObject } from '../validate';
import type { WorkerPlan } from './worker';

/** What one worker has of its own. */
export interface WorkerOptions {
  /** Environment variables of this worker, beside those of the pool; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>> | null | undefined;
}

/** All options of `init` but `place`, for the sessions of the workers, and those of the pool itself. */
export interface PoolOptions extends Omit<InitOptions, 'place'> {
  /**
   * How many workers there are at most: each is a child with a WanGP of its own. A list says what each has of its own.
   * `here`: one worker, which is the session of this process.
   * @default 1
   */
  readonly workers?: number | 'here' | readonly WorkerOptions[] | null | undefined;
  /** A worker for each of these GPUs, which sees no other one (`CUDA_VISIBLE_DEVICES`). In place of `workers`. */
  readonly gpus?: readonly number[] | null | undefined;
  /**
   * How many jobs may wait while every worker has one. One more is refused with `ERR_WANGP_QUEUE_FULL`.
   * @default Infinity
   */
  readonly maxQueued?: number | null | undefined;
  /**
   * How often a job is run at most, if its worker dies each time.
   * @default 1
   */
  readonly attempts?: number | null | undefined;
  /**
   * How many later jobs of its priority may run before a job, because a free worker has their model loaded. 0: none.
   * @default 8
   */
  readonly maxOvertaken?: number | null | undefined;
}

export interface PoolSubmitOptions extends SubmitOptions {
  /** Cancels the job when it aborts, also while it waits. One that has aborted already has the submit throw its reason. */
  readonly signal?: AbortSignal | null | undefined;
  /**
   * Jobs of a higher priority run first. Any finite number.
   * @default 0
   */
  readonly priority?: number | null | undefined;
}

export interface CheckedPoolOptions {
  readonly plans: readonly WorkerPlan[];
  readonly callbacks: Callbacks | undefined;
  readonly maxQueued: number;
  readonly attempts: number;
  readonly maxOvertaken: number;
}

const OWN_OPTIONS = ['workers', 'gpus', 'maxQueued', 'attempts', 'maxOvertaken'] as const;
const SESSION_OPTIONS = (Object.keys(INIT_OPTIONS) as (keyof InitOptions)[]).filter((name) => name !== 'place');

/** More processes with a model each fit on no machine. */
const MOST_WORKERS = 1024;
const GPU_VARIABLE = 'CUDA_VISIBLE_DEVICES';

/** The options of `createPool`, interpreted. Throws as `init` rejects, before anything is started. */
export function checkPoolOptions(given: PoolOptions | null | undefined): CheckedPoolOptions {
  if (isObject(given)) {
    checkForMisplacedCallbacks(given, 'createPool({ callbacks: { onProgress() { … } } })');
    refusePlace(given);
    refuseForeignNames(given);
  }
  const options = checkOptions(given, [...OWN_OPTIONS, ...SESSION_OPTIONS], 'createPool');
  const { workers, gpus, maxQueued, attempts, maxOvertaken } = options;
  const chosen = Object.fromEntries(SESSION_OPTIONS.map((name) => [name, options[name]]));
  const { callbacks, ...session } = checkInitOptions(chosen);
  const environments = isGiven(gpus) ? environmentsOf(gpus, options) : environmentsFor(workers ?? 1);
  if (workers === 'here') refuseOptionsOfChildren(options);
  const place = workers === 'here' ? 'here' : 'child';
  if (place === 'child') checkParent();
  const plans = environments.map((env) => {
    const own = { ...session, place, env: { ...session.env, ...env } } as const;
    return { options: own, pythonOptions: toPythonOptions(own) };
  });
  return {
    plans,
    callbacks: callbacks ?? undefined,
    maxQueued: checkCount(maxQueued ?? Infinity, 'maxQueued', 0),
    attempts: checkCount(attempts ?? 1, 'attempts', 1),
    maxOvertaken: checkCount(maxOvertaken ?? 8, 'maxOvertaken', 0),
  };
}

/** The options of a submit. Throws `ERR_WANGP_ARGUMENT` for what can't be used. */
export function checkPoolSubmitOptions(given: PoolSubmitOptions | null | undefined, taker: string): PoolSubmitOptions {
  const options = checkSubmitOptions(given, taker, ['priority']);
  const { priority } = options;
  if (isGiven(priority) && !Number.isFinite(priority)) {
    throw invalid(`priority must be a finite number, not ${describe(priority)}`);
  }
  return options;
}

function checkCount(value: unknown, name: string, least: number): number {
  const fits = typeof value === 'number' && value >= least && (Number.isInteger(value) || value === Infinity);
  if (fits) return value;
  throw invalid(`${name} must be a whole number, ${least} or more, or Infinity, not ${describe(value)}`);
}

function refusePlace(given: object): void {
  if (!isGiven(Reflect.get(given, 'place'))) return;
  throw invalid(
    "createPool has no option place: its workers are children; one in this process is chosen by workers: 'here'",
  );
}

/** What other packages call it. */
const FOREIGN_NAMES = {
  concurrency: 'workers says how many jobs run at a time',
  retries: 'attempts says how often a job is run at most, its first run included',
} as const;

function refuseForeignNames(given: object): void {
  for (const [name, hint] of Object.entries(FOREIGN_NAMES)) {
    if (Object.hasOwn(given, name)) throw invalid(`createPool has no option ${name}: ${hint}`);
  }
}

function refuseOptionsOfChildren(options: PoolOptions): void {
  const name = (['node', 'restartPauseMs'] as const).find((each) => isGiven(options[each]));
  if (name === undefined) return;
  throw invalid(`${name} is for children, and workers: 'here' has none: leave it out, or choose workers: 1`);
}

type Environment = Readonly<Record<string, string | undefined>>;

function environmentsFor(workers: unknown): readonly Environment[] {
  if (workers === 'here') return [{}];
  if (Array.isArray(workers) && workers.length > 0) {
    checkLength(workers, 'workers');
    return Array.from<unknown, Environment>(workers, environmentOf);
  }
  if (typeof workers === 'number' && Number.isInteger(workers) && workers >= 1 && workers <= MOST_WORKERS) {
    return Array.from({ length: workers }, () => ({}));
  }
  const hint = Array.isArray(workers) ? 'an empty array' : describe(workers);
  throw invalid(
    `workers must be a whole number from 1 to ${MOST_WORKERS}, a list like [{ env: {} }], or 'here', not ${hint}`,
  );
}

function checkLength({ length }: readonly unknown[], name: string): void {
  if (length > MOST_WORKERS) throw invalid(`${name} has ${length} entries, and a pool at most ${MOST_WORKERS} workers`);
}

function environmentOf(given: unknown, index: number): Environment {
  const name = `workers[${index}]`;
  if (!isObject(given)) throw invalid(`${name} must be an object like { env: {} }, not ${describe(given)}`);
  const { env } = checkOptions(given as WorkerOptions, ['env'], name);
  if (!isGiven(env)) return {};
  checkEnvironment(env, `${name}.env`);
  return env;
}

function environmentsOf(gpus: unknown, { workers, env }: PoolOptions): readonly Environment[] {
  if (isGiven(workers)) throw invalid('gpus makes a worker for each GPU: leave workers out, or gpus');
  if (env && Object.hasOwn(env, GPU_VARIABLE)) {
    throw invalid(`gpus sets ${GPU_VARIABLE} for each worker: leave it out of env, or leave gpus out`);
  }
  if (!Array.isArray(gpus) || gpus.length === 0) {
    throw invalid(`gpus must be a list of GPUs by their numbers, like [0, 1], not ${describeList(gpus)}`);
  }
  checkLength(gpus, 'gpus');
  for (const [index, gpu] of (gpus as unknown[]).entries()) {
    if (typeof gpu !== 'number' || !Number.isSafeInteger(gpu) || gpu < 0) {
      throw invalid(`gpus[${index}] must be the number of a GPU, 0 or more, not ${describe(gpu)}`);
    }
    if (gpus.indexOf(gpu) !== index) {
      throw invalid(`gpus names ${gpu} twice: two workers would load their models into one GPU's memory`);
    }
  }
  return gpus.map((gpu) => ({ [GPU_VARIABLE]: String(gpu) }));
}

function describeList(value: unknown): string {
  return Array.isArray(value) ? 'an empty array' : describe(value);
}
