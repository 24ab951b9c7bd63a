import { closeSync, openSync, statSync } from 'node:fs';
import { WanGPError } from '../index';
import { findPython } from '../python/find';
import { ANSWER_MARKER, askScript, ProbeFailure } from '../python/probe';
import { searchOptions } from '../session/search';

/** Reads a queue as WanGP does, by Python's own `zipfile`, but of its content the list of tasks alone. */
const SCRIPT = `
import sys
sys.path[:] = [p for p in sys.path if p]
import json, zipfile

def problem(file):
    try:
        with zipfile.ZipFile(file) as archive:
            if 'queue.json' not in archive.namelist():
                return 'is no saved queue: it holds no queue.json'
            tasks = json.loads(archive.read('queue.json').decode('utf-8-sig'))
    except (zipfile.BadZipFile, EOFError) as error:
        return 'is no zip archive that can be read: %s' % error
    except ValueError as error:
        return 'is no saved queue: its queue.json is no JSON (%s)' % error
    except Exception as error:
        return 'cannot be read: %s' % error
    if not isinstance(tasks, list):
        return 'is no saved queue: its queue.json holds no list of tasks'
    return '' if tasks else 'is an empty queue: it holds no task'

sys.stdout.write('\\n${ANSWER_MARKER}' + json.dumps(problem(sys.argv[1])) + '${ANSWER_MARKER}\\n')
sys.stdout.flush()
`;

const LIMIT_MS = 20_000;

const isText = (value: unknown): value is string => typeof value === 'string';

/**
 * Throws `ERR_WANGP_FILE` or `ERR_WANGP_SETTINGS_FILE` for a saved queue (`.zip`) that WanGP would refuse when it has
 * been loaded. The interpreter that will run WanGP looks, in a process of its own; without one nothing is found out.
 */
export async function checkQueue(file: string, root: string, python: string | undefined): Promise<void> {
  checkReadable(file);
  let problem: string;
  try {
    const { executable } = await findPython(await searchOptions(root, python));
    const options = { environment: process.env, timeoutMs: LIMIT_MS };
    problem = await askScript(executable, ['-c', SCRIPT, file], isText, options);
  } catch (error) {
    // What is wrong with the interpreter is told where it is needed, and WanGP will say what it finds.
    if (error instanceof ProbeFailure || error instanceof WanGPError) return;
    throw error;
  }
  if (problem === '') return;
  throw new WanGPError('ERR_WANGP_SETTINGS_FILE', `${file} ${problem}. Save the queue from WanGP again`);
}

function checkReadable(file: string): void {
  try {
    closeSync(openSync(file, 'r'));
    if (statSync(file).isFile()) return;
  } catch (cause) {
    throw new WanGPError('ERR_WANGP_FILE', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  throw new WanGPError('ERR_WANGP_FILE', `${file} cannot be read: it is no file`);
}
