// What the comparison needs besides the interpreters: other Nodes, jemalloc, a C++ extension for each interpreter.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { CACHE, fail, once, ROOT, run } from '../../../scripts/lib.mjs';
import { nodeOf, NODES } from '../../../scripts/nodes.mjs';

const JEMALLOC = 'libjemalloc.so.2';
const EXTENSION = path.join(ROOT, 'test', 'fixtures', 'native_extension', 'streams.cc');

/** One Node of each major version, and the running one. */
export async function nodes() {
  const [running] = process.versions.node.split('.');
  const found = NODES.includes(running) ? [] : [process.execPath];
  for (const major of NODES) found.push(await nodeOf(major));
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
