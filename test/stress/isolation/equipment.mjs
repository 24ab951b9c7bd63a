// What the comparison needs besides the interpreters: other Nodes, jemalloc, a C++ extension for each interpreter.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { CACHE, fail, once, ROOT, run, say } from '../../../scripts/lib.mjs';

const MAJORS = ['20', '22', '24', '26'];
const JEMALLOC = 'libjemalloc.so.2';
const EXTENSION = path.join(ROOT, 'test', 'fixtures', 'native_extension', 'streams.cc');

/** One Node of each major version: the running one, and others that npm's package `node` brings, once. */
export async function nodes() {
  const [running] = process.versions.node.split('.');
  const found = MAJORS.includes(running) ? [] : [process.execPath];
  for (const version of MAJORS) {
    if (version === running) {
      found.push(process.execPath);
      continue;
    }
    const folder = path.join(CACHE, 'nodes', version);
    const file = path.join(folder, 'node_modules', 'node', 'bin', 'node');
    await once(`node ${version}`, { inputs: [], outputs: [file] }, async () => {
      say(`fetching Node ${version}`);
      mkdirSync(folder, { recursive: true });
      // Its install script fetches the binary for this machine.
      const options = ['--no-audit', '--no-fund', '--ignore-scripts=false'];
      await run('npm', ['install', '--prefix', folder, `node@${version}`, ...options]);
    });
    found.push(file);
  }
  return found;
}

/** The environment that preloads jemalloc; undefined where it isn't installed. */
export function jemalloc() {
  const env = { LD_PRELOAD: JEMALLOC };
  // The dynamic linker says that it can't, and goes on without.
  const { stderr } = spawnSync('/bin/true', { env: { ...process.env, ...env }, encoding: 'utf8' });
  return stderr === '' ? env : undefined;
}

/**
 * The interpreter with `extensions`, the folder with the C++ extension that was compiled for it, and `zlibBuiltIn`,
 * whether its zlib is part of libpython.
 */
export async function withExtension(python) {
  const folder = path.join(CACHE, 'extensions', python.name);
  const script = `import json, sys, sysconfig
print(json.dumps({
    "include": sysconfig.get_path("include"),
    "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "zlibBuiltIn": "zlib" in sys.builtin_module_names,
}))`;
  const { include, suffix, zlibBuiltIn } = JSON.parse(await run(python.executable, ['-c', script]));
  const output = path.join(folder, `streams${suffix}`);
  const key = createHash('sha256').update(readFileSync(EXTENSION)).update(python.version).digest('hex');
  await once(`extension ${python.name}`, { inputs: [], outputs: [output], key }, async () => {
    mkdirSync(folder, { recursive: true });
    try {
      const flags = ['-shared', '-fPIC', '-O1', '-std=c++17', '-pthread', `-I${include}`];
      await run('g++', [...flags, EXTENSION, '-o', output]);
    } catch (error) {
      fail(`the C++ extension of the tests could not be built for ${python.name}: ${error.message}`);
    }
  });
  return { ...python, extensions: folder, zlibBuiltIn };
}
