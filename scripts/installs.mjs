// The package as a user gets it: packed once, installed into an empty folder by a package manager, and a program of a
// user's that runs there.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { CACHE, ROOT, run } from './lib.mjs';
import { publishedManifest } from './manifest.mjs';
import { MANAGERS, managerProgram, runNpm } from './managers.mjs';
import { serveRegistry } from './registry.mjs';

let packed;

/**
 * Packs the repository, once a process; resolves with the path of the tarball. All binaries of `platforms` have to be
 * there (`npm run prebuild`); with `none`, what is there is packed.
 */
export function packOnce(platforms = process.env.WANGP_PACK_PLATFORMS ?? `${process.platform}-${process.arch}`) {
  return (packed ??= pack(platforms));
}

async function pack(platforms) {
  const folder = path.join(CACHE, 'packed');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await runNpm(['pack', '--pack-destination', folder], { env: { ...process.env, WANGP_PACK_PLATFORMS: platforms } });
  return path.join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')),
  );
}

/** What nobody may call during an installation. */
const COMPILERS = ['g++', 'gcc', 'c++', 'cc', 'clang', 'clang++', 'make', 'cmake', 'node-gyp', 'python', 'python3'];

/** A folder for the front of PATH in which every compiler is a program that tells of its call, and fails. */
function makeTripwires(folder, log) {
  mkdirSync(folder, { recursive: true });
  for (const name of COMPILERS) {
    const isWindows = process.platform === 'win32';
    const file = path.join(folder, isWindows ? `${name}.cmd` : name);
    writeFileSync(
      file,
      isWindows
        ? `@echo ${name} %* >> "${log}"\r\n@exit /b 1\r\n`
        : `#!/bin/sh\necho "${name} $*" >> '${log}'\nexit 1\n`,
    );
    chmodSync(file, 0o755);
  }
}

/** The variables of a process that knows nothing of this one's npm, and has a home of its own. */
function freshEnvironment(home, tripwires, nodeProgram) {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_|yarn_|pnpm_|bun_|deno_|NODE_OPTIONS$|INIT_CWD$|CI$|CXX$|CC$|WANGP_|VIRTUAL_ENV$|XDG_)/i.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    USERPROFILE: home,
    PATH: [tripwires, path.dirname(nodeProgram), process.env.PATH].join(path.delimiter),
  };
}

/**
 * An empty project in `folder`, with the package installed by a package manager of `MANAGERS`. `from`: `file`, the
 * tarball itself, or `registry`, which serves it as npm's would. `nodeProgram`: the Node of that user.
 *
 * Resolves with `{ folder, manager, output, warnings, compilers, node, commandLine, env }`: what the installation printed,
 * those lines of it that warn or speak of building, the calls of compilers, the command that runs a program there, the
 * one that runs the package's command line, and their variables.
 */
export async function makeProject(folder, { manager, tgz, from = 'file', nodeProgram = process.execPath }) {
  const { add, commandLine, files = {}, registryOnly = false, node } = MANAGERS[manager];
  const program = (await managerProgram(manager)).map((word) => (word === process.execPath ? nodeProgram : word));
  const project = path.join(folder, 'project');
  const log = path.join(folder, 'compilers.log');
  mkdirSync(project, { recursive: true });
  makeTripwires(path.join(folder, 'tripwires'), log);
  const manifest = { name: 'project', version: '1.0.0', license: 'MIT', private: true };
  writeFileSync(path.join(project, 'package.json'), JSON.stringify(manifest));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(project, name), text);

  const env = freshEnvironment(path.join(folder, 'home'), path.join(folder, 'tripwires'), nodeProgram);
  const useRegistry = registryOnly || from === 'registry';
  const published = JSON.parse(publishedManifest(readFileSync(path.join(ROOT, 'package.json'), 'utf8')));
  const registry = useRegistry ? await serveRegistry(tgz, published) : undefined;
  const variables =
    registry === undefined ? {} : { YARN_NPM_REGISTRY_SERVER: registry.url, YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1' };
  if (registry !== undefined) writeFileSync(path.join(project, '.npmrc'), `registry=${registry.url}\n`);
  try {
    const spec = useRegistry ? published.name : `${published.name}@file:${tgz}`;
    const [command, ...first] = [...program, ...add(spec)];
    const output = await run(command, first, { cwd: project, env: { ...env, ...variables } });
    return {
      folder: project,
      manager,
      output,
      warnings: warningsOf(output),
      compilers: existsSync(log) ? readFileSync(log, 'utf8') : '',
      node: node?.(program) ?? [nodeProgram],
      commandLine: commandLine(program),
      env,
    };
  } finally {
    registry?.close();
  }
}

/** Yarn 4 counts its notice that a project asked for the experimental loader of Plug'n'Play, which it tells above it. */
const NOISE = /YN0000: · Done with warnings/;

/** Lines of an installation's output that a user would worry about. */
function warningsOf(output) {
  return stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => !NOISE.test(line))
    .filter((line) => /\bwarn|gyp|\bscripts?\b|\bignored|deprecat|approve/i.test(line));
}

/** A user's first program: a generation in memory. Prints one line of JSON. */
export function generationProgram(kind) {
  const load = kind === 'esm' ? "import { init } from 'wangp-node';" : "const { init } = require('wangp-node');";
  return `${load}

async function main() {
  const session = await init({ outputDir: 'outputs', consoleOutput: false });
  const result = await session.runTask({
    model_type: 'ltx2_22B_distilled',
    prompt: 'A quiet library at sunrise',
    resolution: '64x48',
    video_length: 9,
    num_inference_steps: 2,
    _api: { return_media: true },
  });
  const { video, audio } = result.throwIfFailed().artifacts[0];
  if (video === null || audio === null) throw new Error('no media were returned');
  const { shape, zeroCopy } = video;
  const bytes = video.data.length;
  video.dispose();
  audio.dispose();
  await session.close();
  console.log(JSON.stringify({ shape, bytes, zeroCopy, files: result.generatedFiles.length }));
}

main();
`;
}

/** The JavaScript programs of the README, one below a heading: `{ title, program }`. */
export function readmePrograms(readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8')) {
  const found = readme.matchAll(/^##+ (.+?)$(?:(?!^##)[^])*?^```js\n([^]*?)^```/gm);
  return [...found].map(([, title, program]) => ({ title, program }));
}

/** Runs such a program in a project, to its end, as a file of its own; throws what is wrong with it. */
export async function runReadmeProgram({ folder, node, env }, { title, program, python }) {
  const file = path.join(folder, `${title.replaceAll(/\W+/g, '-')}.mjs`);
  writeFileSync(file, program);
  const [command, ...args] = [...node, file];
  const output = await run(command, args, { cwd: folder, env: { ...env, WANGP_PYTHON: python } });
  if (output.trim() === '' || /Error:|\bundefined\b|\bNaN\b/.test(output)) throw new Error(`${title}: ${output}`);
}

/**
 * Runs {@link generationProgram} in a project, to its end; throws what is wrong with it, and resolves with what it
 * printed. `kind`: `esm`, `cjs`, or the path of that program in another form. `python` is an interpreter that has what
 * the sample root needs.
 */
export async function runGeneration({ folder, node, env }, { kind, python }) {
  const extension = { esm: 'mjs', cjs: 'cjs' }[kind];
  const file = extension === undefined ? kind : path.join(folder, `program.${extension}`);
  if (extension !== undefined) writeFileSync(file, generationProgram(kind));
  const [command, ...args] = [...node, file];
  const output = await run(command, args, { cwd: folder, env: { ...env, WANGP_PYTHON: python } });
  const line = output.split('\n').find((each) => each.startsWith('{'));
  if (line === undefined) throw new Error(`the program said nothing of its generation:\n${output}`);
  const answer = JSON.parse(line);
  const wanted = answer.shape.reduce((product, length) => product * length, 1);
  if (answer.bytes !== wanted || wanted === 0 || !answer.zeroCopy || answer.files === 0) {
    throw new Error(`the generation is not as it should be: ${line}`);
  }
  return answer;
}
