import { isSamePath } from '../directory';
import { WanGPError } from '../errors';
import { toTensor } from '../memory/tensor';
import { findPython, type PythonEnvironment } from '../python/find';
import { checkParent } from '../runtime/child/node-binary';
import { ChildRuntime } from '../runtime/child/runtime';
import { EmbeddedRuntime } from '../runtime/embedded';
import type { Place, Runtime } from '../runtime/runtime';
import { invalid } from '../validate';
import type { PythonOptions } from './connection';
import { type CheckedInitOptions, checkPlace } from './options';
import { checkPackages } from './packages';
import { searchOptions } from './search';

const isElectron = process.versions['electron'] !== undefined;

let hasWarned = false;

/** Where Python is to run: the option, else `WANGP_PLACE`, else this process; in Electron a child. */
function choosePlace(option: Place | null | undefined): Place {
  const variable = process.env['WANGP_PLACE'];
  const place: unknown = option ?? (variable === '' ? undefined : variable) ?? (isElectron ? 'child' : 'here');
  checkPlace(place, option ? 'place' : 'WANGP_PLACE');
  if (place === 'child') checkParent();
  if (isElectron && place === 'here' && !hasWarned) {
    hasWarned = true;
    process.emitWarning(
      "inside Electron, Python in this process (place: 'here') has two limits: on Linux the process crashes when PyAV is " +
        'imported, and one allocation of 2 GiB ends it. A child, which is the default there, has neither',
      'WanGPWarning',
    );
  }
  return place;
}

// One embedded Python for each Node environment.
let starting: Promise<EmbeddedRuntime> | undefined;

async function startHere(python: PythonEnvironment): Promise<Runtime> {
  starting ??= EmbeddedRuntime.start(python, toTensor);
  const attempt = starting;
  let runtime: Runtime;
  try {
    runtime = await attempt;
  } catch (error) {
    if (starting === attempt) starting = undefined;
    throw error;
  }
  if (!isSamePath(runtime.python.executable, python.executable)) {
    throw new WanGPError(
      'ERR_WANGP_ALREADY_INITIALIZED',
      `this process already runs ${runtime.python.executable}; ${python.executable} cannot run beside it. ` +
        "One process holds one Python: use the same interpreter, or run this one in a process of its own, place: 'child'",
    );
  }
  return runtime;
}

/** Children by all that one of them is made for, while somebody has them. */
const children = new Map<string, WeakRef<ChildRuntime>>();

function findChild(
  python: PythonEnvironment,
  options: CheckedInitOptions,
  pythonOptions: PythonOptions,
  isAlone: boolean,
): Runtime {
  const { root, config_path, cli_args, env, python_path, pre_import } = pythonOptions;
  const { node, restartPauseMs } = options;
  const key = JSON.stringify([python.executable, root, config_path, cli_args, env, python_path, pre_import, node]);
  const known = isAlone ? undefined : children.get(key)?.deref();
  const child =
    known ??
    new ChildRuntime(
      { python, node: node ?? undefined, env: env as Readonly<Record<string, string | null>> },
      toTensor,
    );
  // Of several that share it, the last one that says so decides.
  child.restartPauseMs = restartPauseMs ?? child.restartPauseMs;
  if (isAlone || known !== undefined) return child;
  for (const [each, held] of children) if (held.deref() === undefined) children.delete(each);
  children.set(key, new WeakRef(child));
  return child;
}

/**
 * The Python that a session of these options is to run on. It need not run yet. Where `isAlone`, a child that nobody
 * else gets.
 */
export async function findRuntime(
  options: CheckedInitOptions,
  pythonOptions: PythonOptions,
  isAlone: boolean,
): Promise<Runtime> {
  const place = choosePlace(options.place);
  if (place === 'here') refuseOptionsOfChild(options);
  const { root } = pythonOptions;
  const python = await findPython(await searchOptions(root, options.python ?? undefined));
  // What is imported before WanGP may stand in for a package.
  const isFirst = place === 'child' || starting === undefined;
  if (isFirst && !options.preImport?.length) {
    await checkPackages(python, root, pythonOptions['python_path'] as readonly string[]);
  }
  return place === 'child' ? findChild(python, options, pythonOptions, isAlone) : startHere(python);
}

function refuseOptionsOfChild(options: CheckedInitOptions): void {
  const name = (['node', 'restartPauseMs'] as const).find((each) => options[each] !== undefined);
  if (name !== undefined)
    throw invalid(`${name} is for a child, and Python runs here: add place: 'child', or leave it out`);
}
