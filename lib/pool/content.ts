/** What a job consists of, as far as a pool needs to know: its models, and a copy of its settings. */
import { WanGPError } from '../errors';
import { type Hole, toCloneable } from '../runtime/child/cloneable';
import { toJson } from '../runtime/json';
import type { SubmitRequest } from '../session/requests';
import { isObject } from '../validate';

export interface Content {
  readonly request: SubmitRequest;
  /** How many there are; 1 for a file, which is read when its turn comes. */
  readonly tasks: number;
  /** The model of the first task; null where the settings name none, and for a file. */
  readonly firstModel: string | null;
  /** The model that is loaded after the last task. */
  readonly lastModel: string | null;
}

/** Takes a request as it is now: what its caller changes afterwards is of no matter. Throws `ERR_WANGP_VALUE`. */
export function contentOf(given: SubmitRequest): Content {
  const request = { ...given, source: copyOf(given) };
  const tasks = tasksOf(request.source);
  return { request, tasks: tasks.length, firstModel: modelOf(tasks[0]), lastModel: modelOf(tasks.at(-1)) };
}

function tasksOf(source: unknown): readonly unknown[] {
  if (Array.isArray(source)) return source;
  const tasks: unknown = isObject(source) ? Reflect.get(source, 'tasks') : undefined;
  return Array.isArray(tasks) ? tasks : [source];
}

function modelOf(task: unknown): string | null {
  if (!isObject(task)) return null;
  const params: unknown = Reflect.get(task, 'params');
  const model: unknown = Reflect.get(isObject(params) ? params : task, 'model_type');
  return typeof model === 'string' ? model : null;
}

function copyOf({ source, name }: SubmitRequest): unknown {
  if (typeof source === 'string') return source;
  const text = toJson([source]);
  if (text !== undefined) return (JSON.parse(text) as unknown[])[0];
  const { args, holes } = toCloneable([source]);
  const [hole] = holes;
  if (hole !== undefined)
    throw refused(
      placeOf(name, hole.path),
      WORDS[hole.kind] ?? `${/^[AEIOU]/.test(String(hole.of)) ? 'an' : 'a'} ${String(hole.of)}`,
    );
  checkNumbers(args[0], name);
  return structuredClone<unknown[]>(args)[0];
}

const WORDS: Partial<Record<Hole['kind'], string>> = {
  function: 'a function',
  symbol: 'a symbol',
  Date: 'a Date',
  Promise: 'a Promise',
  circle: 'an object that contains itself',
  detached: 'a detached ArrayBuffer',
  shared: 'memory shared between threads',
  'long array': 'an array of too many elements',
};

function refused(place: string, what: string): WanGPError {
  return new WanGPError('ERR_WANGP_VALUE', `${place} is ${what}, which cannot be handed to Python`);
}

/** The first step leads to the source itself. */
function placeOf(name: string, path: readonly (string | number)[]): string {
  const steps = path.slice(1).map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  return name + steps.join('');
}

/** Python's own numbers have no NaN in JSON. `value` has no circles. */
function checkNumbers(value: unknown, name: string): void {
  const open: [unknown, readonly (string | number)[]][] = [[value, [0]]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [each, path] = next;
    if (typeof each === 'number' && !Number.isFinite(each)) throw refused(placeOf(name, path), String(each));
    if (typeof each !== 'object' || each === null || ArrayBuffer.isView(each)) continue;
    const entries = Array.isArray(each) ? each.entries() : Object.entries(each);
    for (const [key, inner] of entries) open.push([inner, [...path, key]]);
  }
}
