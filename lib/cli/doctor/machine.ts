import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { commandsOnPath } from '../../python/places';
import { muslError } from '../../runtime/binaries';
import { PACKAGE_ROOT, packageVersion, PLATFORM } from '../../runtime/package';
import { nearMiss } from '../../validate';
import { type Check, Finding } from './check';

/** This package: its version and its folder. */
export function checkPackage(): Check {
  return new Finding('package', 'Package').ok(`wangp-node ${packageVersion()} in ${PACKAGE_ROOT}`);
}

interface Runtime {
  readonly name: string;
  readonly version: string;
}

/** What runs this process. The others answer as a Node of some version too. */
function runtime(): Runtime {
  for (const [key, name] of [
    ['electron', 'Electron'],
    ['bun', 'Bun'],
    ['deno', 'Deno'],
  ] as const) {
    const version = process.versions[key];
    if (version !== undefined) return { name, version };
  }
  return { name: 'Node', version: process.versions.node };
}

function oldestNode(): string {
  const manifest = JSON.parse(readFileSync(path.join(PACKAGE_ROOT, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  return manifest.engines.node.replace(/^\D+/, '');
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0;
}

/** Node, Bun, Deno or Electron, and whether it is new enough. */
export function checkRuntime(version = process.versions.node): Check {
  const finding = new Finding('runtime', 'Runtime');
  const { name, version: own } = runtime();
  const detail = name === 'Node' ? `Node ${version} (${process.execPath})` : `${name} ${own} (${process.execPath})`;
  const oldest = oldestNode();
  if (name === 'Node' && isOlder(version, oldest)) {
    return finding.error(`${detail} is older than ${oldest}`, `Install Node ${oldest} or newer: https://nodejs.org`);
  }
  if (name === 'Electron' && process.platform === 'linux') {
    return finding.warning(
      `${detail}: its own media libraries answer for those of Python's, which ends in a crash`,
      'Run wangp-node in a plain Node process beside Electron',
    );
  }
  return finding.ok(detail);
}

/** The version of glibc that this process runs with; undefined where Node doesn't tell. */
function glibcVersion(): string | undefined {
  // Other runtimes have no reports. Looking up the network's names takes time, and nobody asked for them.
  const report = process.report as (NodeJS.ProcessReport & { excludeNetwork?: boolean }) | undefined;
  if (typeof report?.getReport !== 'function') return undefined;
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  if (before !== undefined) report.excludeNetwork = before;
  return header?.glibcVersionRuntime;
}

/** Operating system, processor and C library. */
export function checkPlatform(): Check {
  const finding = new Finding('platform', 'Platform');
  const musl = muslError();
  if (musl !== undefined) return finding.refused(musl);
  const glibc = process.platform === 'linux' ? glibcVersion() : undefined;
  return finding.ok(`${PLATFORM}${glibc === undefined ? '' : `, glibc ${glibc}`}`);
}

const PREFIX = 'WANGP_';
/** Those that this package reads, and what each does. */
const VARIABLES = ['WANGP_ROOT', 'WANGP_PYTHON', 'WANGP_FAULTHANDLER'];

/** The variables whose names begin as this package's do. A misspelt one would be ignored in silence. */
export function checkVariables(environment: NodeJS.ProcessEnv): Check {
  const finding = new Finding('variables', 'Variables');
  const set = Object.keys(environment).filter((name) => name.toUpperCase().startsWith(PREFIX));
  const ours = set.filter((name) => VARIABLES.includes(name));
  const items = set.sort().map((name) => `${name}=${environment[name]}${ours.includes(name) ? '' : ' (not read)'}`);
  const withoutPrefix = VARIABLES.map((name) => name.slice(PREFIX.length));
  const misspelt = set
    .filter((name) => !ours.includes(name))
    .map((name) => [name, nearMiss(name.slice(PREFIX.length), withoutPrefix)] as const)
    .filter(([, meant]) => meant !== undefined);
  if (misspelt.length > 0) {
    const what = misspelt.map(([name]) => name).join(', ');
    const remedy = misspelt.map(([name, meant]) => `${name}: did you mean ${PREFIX}${meant}?`).join(' ');
    return finding.warning(`this package reads no variable ${what}`, remedy, { items });
  }
  return finding.ok(ours.length === 0 ? 'none of this package is set' : `${ours.join(', ')} set`, { items });
}

const TOOLS = [
  { name: 'ffmpeg', option: '-version', use: 'saves and reads media' },
  { name: 'ffprobe', option: '-version', use: 'examines media' },
  { name: 'git', option: '--version', use: 'updates WanGP and installs some of its packages' },
] as const;

const TOOL_LIMIT_MS = 5000;

/** The first line of what a program says of itself. */
async function versionOf(file: string, option: string): Promise<string> {
  const { stdout } = await promisify(execFile)(file, [option], { timeout: TOOL_LIMIT_MS, windowsHide: true });
  const [line = ''] = stdout.split(/\r?\n/);
  return /\bversion (\S+)/.exec(line)?.[1] ?? line;
}

/**
 * The programs that WanGP calls. `root`: a checkout, which may have its own; undefined for the sample root, which
 * calls none.
 */
export function checkTools(root: string | undefined, environment: NodeJS.ProcessEnv): readonly Promise<Check>[] {
  return TOOLS.map(async ({ name, option, use }) => {
    const finding = new Finding(name, name);
    const own = root === undefined ? [] : [path.join(root, 'ffmpeg_bins')];
    const places = [environment['PATH'], ...own].filter((place) => place !== undefined).join(path.delimiter);
    const [file] = await commandsOnPath(name, { ...environment, PATH: places });
    if (file === undefined) {
      if (root === undefined) return finding.ok('not on PATH; the sample root needs none');
      return finding.warning(`not on PATH: WanGP ${use} with it`, installHint(name));
    }
    try {
      return finding.ok(`${await versionOf(file, option)} (${file})`);
    } catch (error) {
      const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
      const detail = `${file} does not run: ${reason}`;
      return root === undefined ? finding.ok(detail) : finding.warning(detail, installHint(name));
    }
  });
}

function installHint(name: string): string {
  const package_ = name === 'git' ? 'git' : 'ffmpeg';
  const windows = { git: 'winget install Git.Git', ffmpeg: 'winget install Gyan.FFmpeg' }[package_];
  const commands: Partial<Record<NodeJS.Platform, string>> = {
    win32: `\`${windows}\``,
    darwin: `\`brew install ${package_}\``,
  };
  return `Install it: ${commands[process.platform] ?? `\`apt install ${package_}\` or your distribution's command`}`;
}
