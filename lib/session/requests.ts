import { absolutePath } from '../directory';
import { checkManifest, checkSource, checkTask, toFile } from './arguments';
import type { SettingsInput, TaskList } from './settings';

/** What `submit` starts: settings, a list of them, `{ tasks }`, or a saved `.json` or `.zip` file. */
export type Source = SettingsInput | TaskList | readonly SettingsInput[] | string | URL;

/** A submit as Python is asked for it. */
export interface SubmitRequest {
  /** Of Python's session. */
  readonly method: string;
  /** What messages call the source. */
  readonly name: string;
  readonly source: unknown;
  /** Python's further arguments. */
  readonly keywords?: Readonly<Record<string, unknown>> | null;
}

// Each throws `ERR_WANGP_ARGUMENT` for what can't be started.

export function sourceRequest(source: Source): SubmitRequest {
  checkSource(source);
  const isFile = typeof source === 'string' || source instanceof URL;
  const given = isFile ? absolutePath(toFile(source, 'source'), 'source') : source;
  return { method: 'submit', name: 'source', source: given };
}

export function taskRequest(settings: SettingsInput): SubmitRequest {
  checkTask(settings);
  return { method: 'submit_task', name: 'settings', source: settings };
}

export function manifestRequest(list: readonly SettingsInput[]): SubmitRequest {
  checkManifest(list, 'list');
  return { method: 'submit_manifest', name: 'list', source: list };
}
