// The interpreters that tests run on, each with an environment of its own and a core built for it.
import path from 'node:path';
import { CACHE, fail, run, say } from './lib.mjs';
import { buildNative, pythonEnvironments, setUpEnvironment } from './steps.mjs';

// WANGP_TEST_VERSIONS=3.11,3.12 tests on fewer interpreters, while working on something.
const SUPPORTED = process.env.WANGP_TEST_VERSIONS?.split(',') ?? ['3.10', '3.11', '3.12', '3.13', '3.14'];
const TEST_PACKAGES = ['pytest'];

/** The suitable interpreters: one of each minor version, and those that have torch besides. */
async function chooseInterpreters() {
  const { listInterpreters } = pythonEnvironments();
  const all = (await listInterpreters()).filter(({ suitable }) => suitable).map(({ environment }) => environment);
  const chosen = [];
  for (const python of all) {
    const torch = await hasTorch(python);
    const known = chosen.some((other) => other.minor === python.minor);
    if (SUPPORTED.includes(python.minor) && (!known || torch)) chosen.push({ ...python, torch });
  }
  return chosen.sort((a, b) => SUPPORTED.indexOf(a.minor) - SUPPORTED.indexOf(b.minor));
}

async function hasTorch(python) {
  try {
    await run(python.executable, ['-c', 'import torch']);
    return true;
  } catch {
    return false;
  }
}

const nameOf = ({ minor, torch }) => `${minor}${torch ? '-torch' : ''}`;

/** The environment of an interpreter: what the sample root needs, and the tests. Resolves with its interpreter. */
function environmentOf(python) {
  return setUpEnvironment(path.join(CACHE, 'environments', python.name), python, {
    extra: TEST_PACKAGES,
    systemPackages: python.torch,
  });
}

/** One environment for each minor version of CPython on the machine: `{ minor, executable }`. */
export async function prepareEnvironments() {
  const all = (await chooseInterpreters()).map((python) => ({ ...python, name: nameOf(python) }));
  const environments = [];
  for (const python of all.filter(({ torch }) => !torch)) {
    environments.push({ minor: python.minor, executable: await environmentOf(python) });
  }
  return environments;
}

/**
 * Builds for every CPython of the machine (with `few`: for the one that runs all tests, and for those with torch);
 * `{ name, executable, version, base, torch, thorough }` of each. Exactly one of them is `thorough`.
 */
export async function prepareInterpreters({ few = false } = {}) {
  const all = (await chooseInterpreters()).map((python) => ({ ...python, name: nameOf(python) }));
  if (all.length === 0) fail('there is no CPython 3.10 to 3.14 with a shared library on this machine');
  const thorough = all.find(({ name }) => name === '3.11') ?? all[0];
  const pythons = [];
  for (const python of few ? all.filter((one) => one === thorough || one.torch) : all) {
    await buildNative(python);
    pythons.push({
      name: python.name,
      executable: await environmentOf(python),
      version: python.version,
      base: python.executable,
      torch: python.torch,
      thorough: python === thorough,
    });
  }
  say('the tests run on:');
  for (const { name, version, base } of pythons) say(`  ${name}: CPython ${version} (${base})`);
  if (!pythons.some(({ torch }) => torch)) say('no interpreter here has torch: its tests say so and run without it');
  return pythons;
}

/** The one that runs all tests, and what has to be repeated often. */
export function thoroughInterpreter(pythons) {
  return pythons.find(({ thorough }) => thorough);
}

const DECIDES_WHICH_PYTHON = /^(WANGP_PYTHON|WANGP_ROOT|VIRTUAL_ENV|CONDA_PREFIX)$/;
const DECIDES_WHAT_IS_PRINTED =
  /^(FORCE_COLOR|NO_COLOR|NODE_DISABLE_COLORS|NODE_OPTIONS|WANGP_FAULTHANDLER|PYTHON(FAULTHANDLER|WARNINGS|DEVMODE|VERBOSE))$/;

/** The environment of a test's process: nothing of the caller's decides which Python runs, or what is printed. */
export function cleanEnvironment(changes) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !DECIDES_WHICH_PYTHON.test(name) && !DECIDES_WHAT_IS_PRINTED.test(name),
  );
  return { ...Object.fromEntries(inherited), ...changes };
}
