/** Whether an interpreter has certain modules: looked at before its library is loaded, which can't be undone. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ANSWER_MARKER, askScript, ProbeFailure } from './probe';
import type { PythonFacts } from './suitability';

const SCRIPT = `
import sys
sys.path[:] = sys.argv[2:] + [p for p in sys.path if p]
import importlib.util, json

def is_there(name):
    try:
        return importlib.util.find_spec(name) is not None
    except Exception:
        return True

missing = [name for name in sys.argv[1].split(',') if not is_there(name)]
sys.stdout.write('\\n${ANSWER_MARKER}' + json.dumps(missing) + '${ANSWER_MARKER}\\n')
sys.stdout.flush()
`;

const LIMIT_MS = 20_000;

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}

/**
 * Those of the top-level `modules` that the interpreter doesn't find, `folders` coming first in its search path. Where
 * all of them lie in the usual folders of its environment, that takes some looks at files. Otherwise the interpreter is
 * run, and finds them itself: a wrong refusal would be worse than none, so none is missing where it doesn't answer.
 */
export async function missingModules(
  python: PythonFacts,
  modules: readonly string[],
  folders: readonly string[],
): Promise<readonly string[]> {
  const places = packageFolders(python);
  if (modules.every((name) => places.some((place) => existsSync(path.join(place, name))))) return [];
  const args = ['-c', SCRIPT, modules.join(','), ...folders];
  try {
    return await askScript(python.executable, args, isList, { environment: process.env, timeoutMs: LIMIT_MS });
  } catch (error) {
    if (error instanceof ProbeFailure) return [];
    throw error;
  }
}

/** Where an environment's packages usually lie. */
function packageFolders({ platform, minor, prefix, execPrefix }: PythonFacts): readonly string[] {
  if (platform === 'win32') return [path.join(prefix, 'Lib', 'site-packages')];
  return [
    path.join(prefix, 'lib', `python${minor}`, 'site-packages'),
    path.join(execPrefix, 'lib64', `python${minor}`, 'site-packages'),
    path.join(prefix, 'lib', 'python3', 'dist-packages'),
    path.join(prefix, 'local', 'lib', `python${minor}`, 'dist-packages'),
  ];
}
