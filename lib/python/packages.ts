/**
 * What an interpreter's environment has of what a WanGP checkout needs. The interpreter looks itself, in a process of
 * its own, and runs nothing of the checkout.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { unpacked } from '../asar';
import { ANSWER_MARKER, askScript, type AskOptions } from './probe';

/** A line of a checkout's requirements, and what is installed of it. */
export interface RequiredPackage {
  readonly name: string;
  readonly requirement: string;
  readonly version: string | null;
  /** `other`: a version that the requirement doesn't accept. */
  readonly state: 'installed' | 'other' | 'missing';
}

export interface PackageReport {
  readonly packages: readonly RequiredPackage[];
  /** Lines of the requirements that couldn't be understood. */
  readonly unread: readonly string[];
  /** Modules that importing WanGP needs in any case and that are nowhere; `place`: where it is imported first. */
  readonly absent: readonly { readonly module: string; readonly place: string }[];
  /** Those of the modules that were asked for that are nowhere. */
  readonly modules: readonly string[];
  /** The version of torch, `unknown`, or null where it isn't installed. */
  readonly torch: string | null;
}

export interface TorchReport {
  readonly version: string;
  readonly device: 'cuda' | 'mps' | 'cpu';
  /** The version of CUDA that torch was built with; null where with none. */
  readonly cuda: string | null;
  /** The same of ROCm. */
  readonly hip: string | null;
  /** `memory` in bytes. */
  readonly devices: readonly { readonly name: string; readonly memory: number }[];
}

const SCRIPT = unpacked(path.join(__dirname, '..', '..', 'python', 'environment_report.py'));

function hasArrays(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => Array.isArray((value as Record<string, unknown>)[name]));
}

const isPackageReport = (value: unknown): value is PackageReport =>
  hasArrays(value, ['packages', 'unread', 'absent', 'modules']);

const isTorchReport = (value: unknown): value is TorchReport => hasArrays(value, ['devices']);

/**
 * What the environment of `executable` has of what the checkout `root` needs; `modules` are further modules to look
 * for. Takes a second or two for a real checkout. Throws a `ProbeFailure`.
 */
export function inspectPackages(
  executable: string,
  root: string,
  options: AskOptions,
  modules: readonly string[] = [],
): Promise<PackageReport> {
  const file = path.join(root, 'requirements.txt');
  const request = JSON.stringify({ root, requirements: existsSync(file) ? [file] : [], modules });
  return askScript(executable, [SCRIPT, ANSWER_MARKER, 'packages', request], isPackageReport, options);
}

/** What torch runs on. It has to be imported for that, which may take many seconds. Throws a `ProbeFailure`. */
export function inspectTorch(executable: string, options: AskOptions): Promise<TorchReport> {
  return askScript(executable, [SCRIPT, ANSWER_MARKER, 'torch'], isTorchReport, options);
}
