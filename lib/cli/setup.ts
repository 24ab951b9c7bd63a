import { WanGPError } from '../index';
import { findPython, type PythonEnvironment, probeInterpreter, surveyPython } from '../python/find';
import { findOwnEnvironment, makeOwnEnvironment } from '../python/own-environment';
import { inspectPackages } from '../python/packages';
import { coreName, findBinary, missingBinary } from '../runtime/binaries';
import { SAMPLE_ROOT } from '../session/root';
import { SAMPLE_REQUIREMENTS, searchOptions } from '../session/search';
import { EXIT } from './failure';
import { leaveByExit } from './interruption';

/** The options of `wangp-node setup`. */
export interface SetupOptions {
  /** The Python that the environment is made from. */
  readonly python?: string;
  readonly json?: boolean;
}

const LOOK_LIMIT_MS = 30_000;

/** The names of what the sample root requires and an interpreter lacks. */
async function lacking(executable: string): Promise<readonly string[]> {
  const options = { environment: process.env, timeoutMs: LOOK_LIMIT_MS };
  const { packages } = await inspectPackages(executable, SAMPLE_ROOT, options);
  return packages.filter(({ state }) => state === 'missing').map(({ name }) => name);
}

function hasCore({ minor }: PythonEnvironment): boolean {
  return findBinary(coreName(minor)) !== undefined;
}

/** The interpreter that an environment is made from: the named one, else the first that this package can start. */
async function findBase(python: string | undefined): Promise<PythonEnvironment> {
  let base: PythonEnvironment | undefined;
  if (python === undefined) {
    const { chosen, error, interpreters } = await surveyPython();
    const usable = [chosen, ...interpreters.map(({ environment }) => environment)].filter((each) => each !== undefined);
    base = usable.find(hasCore) ?? usable[0];
    if (base === undefined) throw error ?? new WanGPError('ERR_WANGP_PYTHON_NOT_FOUND', 'there is no Python');
  } else {
    base = await findPython({ python });
  }
  if (hasCore(base)) return base;
  const why = `there is no native core for Python ${base.minor} (${base.executable})`;
  throw missingBinary(coreName(base.minor), why, base.executable);
}

/** The interpreter that `init()` would take for the sample root, if it has all that is required. */
async function ready(): Promise<string | undefined> {
  try {
    const { executable } = await findPython(await searchOptions(SAMPLE_ROOT, undefined));
    return (await lacking(executable)).length === 0 ? executable : undefined;
  } catch {
    // None that works; the search for a base says why.
    return undefined;
  }
}

/** The environment that was made before, if it was made from `base` and has all that is required. */
async function readyFrom(base: PythonEnvironment): Promise<string | undefined> {
  try {
    const own = await findOwnEnvironment(SAMPLE_REQUIREMENTS);
    if (own === undefined) return undefined;
    const { basePrefix, version } = await probeInterpreter(own);
    const isSame = basePrefix === base.basePrefix && version === base.version;
    return isSame && (await lacking(own)).length === 0 ? own : undefined;
  } catch {
    return undefined;
  }
}

interface Prepared {
  readonly executable: string;
  /** Whether it had to be made. */
  readonly made: boolean;
}

async function prepare(python: string | undefined): Promise<Prepared> {
  const before = python === undefined ? await ready() : undefined;
  if (before !== undefined) return { executable: before, made: false };
  const base = await findBase(python);
  const own = await readyFrom(base);
  if (own !== undefined) return { executable: own, made: false };
  console.error(
    `Making a Python ${base.version} environment for the sample root, with what it requires (about 60 MB to download)…`,
  );
  const executable = await makeOwnEnvironment(SAMPLE_REQUIREMENTS, base);
  const missing = await lacking(executable);
  if (missing.length === 0) return { executable, made: true };
  throw new WanGPError('ERR_WANGP_SETUP', `${executable} was made, and lacks ${missing.join(', ')} all the same`);
}

/** Says so where `init()` takes another Python for the sample root than the one that was prepared. */
async function tellWhatIsUsed(executable: string): Promise<void> {
  const found = await findPython(await searchOptions(SAMPLE_ROOT, undefined)).catch((error: unknown) => error);
  if (found instanceof Error) {
    console.error(`It is not used yet, because another Python comes first: ${found.message}`);
    return;
  }
  const { executable: used, source } = found as PythonEnvironment;
  if (used === executable) return;
  const [why, remedy] =
    source === 'root'
      ? ['it lies in the sample root', 'remove that environment']
      : [`${source} names it`, `unset ${source}`];
  console.error(`It is not used yet: ${used} comes first, because ${why}. To use what was made, ${remedy}.`);
}

/** `wangp-node setup`: makes an environment for the sample root where there is none. Returns the exit code. */
export async function setup({ python, json }: SetupOptions): Promise<number> {
  leaveByExit();
  const { executable, made } = await prepare(python);
  console.error(made ? `Made ${executable}` : `Nothing to do: ${executable} has what the sample root requires`);
  await tellWhatIsUsed(executable);
  if (json === true) console.log(JSON.stringify({ success: true, python: executable, made }));
  return EXIT.success;
}

/**
 * Before the demo runs on the sample root: makes an environment for it where the Python that would be taken lacks what
 * it requires. A Python that somebody named is left to `init` to judge.
 */
export async function prepareForDemo(root: string, python: string | undefined): Promise<void> {
  if (root !== SAMPLE_ROOT || python !== undefined || (process.env['WANGP_PYTHON'] ?? '') !== '') return;
  await prepare(undefined);
}
