import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { WanGPError } from '../../index';
import type { PythonSource } from '../../python/candidates';
import type { PythonEnvironment, PythonSurvey, SurveyedInterpreter } from '../../python/find';
import { binaryFolders, coreName, findBinary, LOADER, missingBinary, SHARED_MEMORY } from '../../runtime/binaries';
import { type Check, Finding } from './check';

const ORIGINS: Readonly<Record<PythonSource, string>> = {
  option: '--python names it',
  WANGP_PYTHON: 'WANGP_PYTHON names it',
  root: 'the environment of the root',
  VIRTUAL_ENV: 'the activated environment (VIRTUAL_ENV)',
  CONDA_PREFIX: 'the activated conda environment (CONDA_PREFIX)',
  PATH: 'the first usable `python3` on PATH',
};

const FIRST: Readonly<Record<PythonSource, string>> = {
  option: '--python',
  WANGP_PYTHON: 'WANGP_PYTHON',
  root: 'the environment of the root',
  VIRTUAL_ENV: 'the activated environment',
  CONDA_PREFIX: 'the activated environment',
  PATH: 'another one on PATH',
};

/** The interpreter that would be started, or why there is none. */
export function checkPython({ chosen, error }: PythonSurvey): Check {
  const finding = new Finding('python', 'Python');
  if (chosen === undefined) return finding.refused(error);
  return finding.ok(`CPython ${chosen.version}: ${chosen.executable} (${ORIGINS[chosen.source]})`);
}

/** Every interpreter that was looked at, and why each other one was not chosen. */
export function checkInterpreters({ chosen, interpreters }: PythonSurvey): Check {
  const items = interpreters.map((each) => `${each.executable} ${describe(each, chosen)}`);
  const suitable = interpreters.filter((each) => each.suitable).length;
  return new Finding('interpreters', 'Interpreters').ok(
    `${interpreters.length} looked at, ${suitable} of which can be embedded`,
    { items },
  );
}

function describe(interpreter: SurveyedInterpreter, chosen: PythonEnvironment | undefined): string {
  const { source, version, problem, error, environment } = interpreter;
  if (problem !== undefined) return `${problem} [${error?.code}]`;
  const it = `is CPython ${version}`;
  if (chosen !== undefined && environment?.executable === chosen.executable) return `${it}: chosen`;
  if (source === undefined) return `${it}, and would do where --python or WANGP_PYTHON named it`;
  return chosen === undefined ? `${it}, and would do` : `${it}, and would do, but ${FIRST[chosen.source]} comes first`;
}

/** The names of the binaries of a folder. */
function binariesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter(
    (name) => [LOADER, SHARED_MEMORY].includes(name) || /^core\.cp3\d+\.node$/.test(name),
  );
}

function minorOf(name: string): string | undefined {
  return /^core\.cp3(\d+)\.node$/.exec(name)?.[1];
}

/** The binaries of the addon: which there are and, for the chosen Python, which will be loaded. */
export function checkBinary(chosen: PythonEnvironment | undefined): Check {
  const finding = new Finding('binary', 'Native addon');
  const folders = binaryFolders();
  const items = folders.map((folder) => {
    const names = binariesIn(folder);
    return `${folder}: ${names.length === 0 ? 'none' : names.join(', ')}`;
  });
  const loader = findBinary(LOADER);
  const executable = chosen?.executable;
  try {
    if (loader === undefined) throw missingBinary(LOADER, 'the native addon is not built', executable);
    if (chosen !== undefined && findBinary(coreName(chosen.minor)) === undefined) {
      const why = `there is no native core for Python ${chosen.minor} (${chosen.executable})`;
      throw missingBinary(coreName(chosen.minor), why, executable);
    }
  } catch (error) {
    const refused = finding.refused(error);
    return error instanceof WanGPError ? { ...refused, items } : refused;
  }
  const minors = [...new Set(folders.flatMap(binariesIn).map(minorOf))].filter((minor) => minor !== undefined);
  const versions = minors.map((minor) => `3.${minor}`).join(', ');
  if (chosen === undefined) return finding.ok(`there are cores for Python ${versions}`, { items });
  const core = findBinary(coreName(chosen.minor)) ?? '';
  const also = minors.length > 1 ? ` (cores for Python ${versions})` : '';
  return finding.ok(`${path.basename(core)} of ${path.dirname(core)}${also}`, { items });
}
