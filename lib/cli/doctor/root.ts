import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { findConfig, findRoot, SAMPLE_ROOT } from '../../session/root';
import { type Check, Finding } from './check';

/** What came of looking for something: the thing, where it is there, and what is said of it. */
export interface Found<Thing> {
  readonly value: Thing | undefined;
  readonly check: Check;
}

const LARGEST_TEXT = 64e6;

/** What a text file holds. Throws for what is none: reading a pipe would never end. */
function readText(file: string): string {
  const stats = statSync(file);
  if (!stats.isFile()) throw new Error('it is no file');
  if (stats.size > LARGEST_TEXT) throw new Error('it is larger than 64 MB');
  return readFileSync(file, 'utf8');
}

/** A version that a file of Python's assigns to `name`; nothing is run. */
function assignedIn(file: string, name: string): string | undefined {
  try {
    return new RegExp(`^${name}\\s*=\\s*["']([^"'\\n]+)["']`, 'm').exec(readText(file))?.[1];
  } catch {
    return undefined;
  }
}

function versionOf(root: string): string | undefined {
  return (
    assignedIn(path.join(root, 'wgp.py'), 'WanGP_version') ??
    assignedIn(path.join(root, 'shared', 'api.py'), '__version__')
  );
}

/** The checkout, and what led to it. */
export function checkRoot(option: string | undefined): Found<string> {
  const finding = new Finding('root', 'Root');
  let root: string;
  try {
    root = findRoot(option);
  } catch (error) {
    return { value: undefined, check: finding.refused(error) };
  }
  const variable = (process.env['WANGP_ROOT'] ?? '') !== '';
  const source = option === undefined ? (variable ? 'the variable WANGP_ROOT' : 'nothing names another') : '--root';
  if (root === SAMPLE_ROOT) {
    return { value: root, check: finding.ok(`the embedded sample, no WanGP, no AI: ${root} (${source})`) };
  }
  const version = versionOf(root);
  const name = version === undefined ? 'a WanGP that tells no version' : `WanGP ${version}`;
  return { value: root, check: finding.ok(`${name}: ${root} (${source})`) };
}

/** What the doctor reads of a `wgp_config.json`. */
export type Config = Readonly<Record<string, unknown>>;

function canWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The configuration: where it is, and whether it can be read. An empty one where WanGP has yet to write it. */
export function checkConfig(option: string | undefined, root: string): Found<Config> {
  const finding = new Finding('config', 'wgp_config.json');
  let file = path.join(root, 'wgp_config.json');
  try {
    if (option !== undefined) file = findConfig(option, root);
  } catch (error) {
    return { value: undefined, check: finding.refused(error) };
  }
  if (!existsSync(file)) return { value: {}, check: absentConfig(finding, file, root) };
  const remedy = `Correct ${file}, or move it away: WanGP then writes a new one when it starts`;
  try {
    const value: unknown = JSON.parse(readText(file).replace(/^\ufeff/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { value: value as Config, check: finding.ok(file) };
    }
    return { value: undefined, check: finding.error(`${file} holds no object`, remedy) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { value: undefined, check: finding.error(`${file} can't be read: ${reason}`, remedy) };
  }
}

function absentConfig(finding: Finding, file: string, root: string): Check {
  if (root === SAMPLE_ROOT) return finding.ok('none; the sample root needs none');
  const detail = `${file} is not there yet: WanGP writes it when it first starts`;
  if (canWrite(root)) return finding.ok(detail);
  return finding.error(`${detail}, and this user may not write there`, `Give this user the right to write in ${root}`);
}
