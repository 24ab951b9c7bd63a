// What `npm run test:matrix` does for one runtime, in a process of its own user. Its argument is the job as JSON, and its
// last line the outcome of each step for each CPython.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { generationProgram, makeProject, readmePrograms, runGeneration, runReadmeProgram } from './installs.mjs';
import { bin, run } from './lib.mjs';

const { folder, runtime, tgz, interpreters, steps } = JSON.parse(process.argv[2]);

/** What went wrong, or `ok`. */
async function outcomeOf(work) {
  try {
    await work();
    return 'ok';
  } catch (error) {
    return error.message;
  }
}

let project;
const installed = await outcomeOf(async () => {
  project = await makeProject(folder, { manager: runtime.manager, tgz, nodeProgram: runtime.node });
  if (project.compilers !== '') throw new Error(`the installation called a compiler:\n${project.compilers}`);
  if (project.warnings.length > 0) throw new Error(`the installation warned:\n${project.warnings.join('\n')}`);
});

async function askDoctor(here, python) {
  const [command, ...args] = [...here.commandLine, 'doctor', '--json'];
  const env = { ...here.env, WANGP_PYTHON: python };
  const output = await run(command, args, { cwd: here.folder, env });
  const { ok } = JSON.parse(output.trim().split('\n').at(-1));
  if (ok !== true) throw new Error(output);
}

/** Compiles as a TypeScript project of that kind does, and runs what comes out. */
async function runTypeScript(here, python) {
  const source = path.join(here.folder, 'program.mts');
  writeFileSync(source, generationProgram('esm'));
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--outDir', here.folder];
  await run(process.execPath, [bin('typescript', 'bin/tsc'), ...options, source], { cwd: here.folder });
  await runGeneration(here, { kind: path.join(here.folder, 'program.mjs'), python });
}

/** The programs of the README as they stand; in Bun and Deno the first one. */
async function runReadme(here, python) {
  const programs = runtime.node === undefined ? readmePrograms().slice(0, 1) : readmePrograms();
  for (const each of programs) await runReadmeProgram(here, { ...each, python });
}

const STEPS = {
  doctor: askDoctor,
  import: (here, python) => runGeneration(here, { kind: 'esm', python }),
  require: (here, python) => runGeneration(here, { kind: 'cjs', python }),
  TypeScript: runTypeScript,
  README: runReadme,
};

const answers = {};
for (const { minor, executable, env } of interpreters) {
  const outcomes = { install: installed };
  const here = project && { ...project, env: { ...project.env, ...env } };
  for (const step of steps.filter((name) => name !== 'install')) {
    outcomes[step] = here === undefined ? 'is not installed' : await outcomeOf(() => STEPS[step](here, executable));
  }
  answers[minor] = outcomes;
}
console.log(`\n${JSON.stringify(answers)}`);
