/** Compiles the addon by node-gyp: for `wangp-node build`, and for the repository's own build. */
import { existsSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { WanGPError } from '../errors';
import type { PythonFacts } from '../python/suitability';
import { coreName } from '../runtime/binaries';
import { lastLines, ProgramFailure, run } from './run';

const IS_WINDOWS = process.platform === 'win32';

export interface AddonBuild {
  /** Holds `binding.gyp` and `native/`; `build/Release` comes here. */
  readonly folder: string;
  /** The interpreter whose minor version the core is for. */
  readonly python: PythonFacts;
  /** node-gyp's program, a file of JavaScript. */
  readonly nodeGyp: string;
  /** Folders of headers. */
  readonly nodeAddonApi: string;
  readonly pybind11: string;
  /** Shows what the compiler prints while it runs. @default false */
  readonly show?: boolean;
}

function failure(message: string, cause?: unknown): WanGPError {
  return new WanGPError('ERR_WANGP_BUILD', message, { cause });
}

/** How a compiler is installed here. */
export function compilerAdvice(): string {
  if (IS_WINDOWS) {
    return (
      'Install the C++ build tools of Visual Studio 2022: `winget install Microsoft.VisualStudio.2022.BuildTools ' +
      '--override "--passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"`'
    );
  }
  if (process.platform === 'darwin') return 'Install them: `xcode-select --install`';
  return 'Install them: `apt install g++ make` on Debian and Ubuntu, `dnf install gcc-c++ make` on Fedora and RHEL';
}

/** Throws `ERR_WANGP_BUILD` where a program that the compilation needs is not there. Windows: node-gyp looks itself. */
export async function checkCompiler(environment: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (IS_WINDOWS) return;
  const compiler = environment['CXX'] ?? (process.platform === 'darwin' ? 'clang++' : 'g++');
  const [program = compiler, ...args] = compiler.split(' ');
  const tools: readonly (readonly [string, readonly string[]])[] = [
    [program, [...args, '--version']],
    [environment['MAKE'] ?? 'make', ['--version']],
  ];
  const missing: string[] = [];
  for (const [name, version] of tools) {
    await run(name, version, { env: environment }).catch(() => missing.push(name));
  }
  if (missing.length === 0) return;
  throw failure(
    `there is no ${missing.join(' and no ')} on PATH: the addon needs a C++20 compiler and make. ${compilerAdvice()}`,
  );
}

interface PythonFiles {
  readonly include: string;
  /** `python311.lib`, on Windows. */
  readonly library: string;
}

/** What is compiled against; throws `ERR_WANGP_BUILD` where the interpreter came without it. */
export async function pythonFiles(python: PythonFacts): Promise<PythonFiles> {
  const expression = 'import sysconfig; print(sysconfig.get_path("include"))';
  const include = (await run(python.executable, ['-c', expression])).trim();
  const digits = python.minor.replace('.', '');
  const library = IS_WINDOWS ? path.join(python.basePrefix, 'libs', `python${digits}.lib`) : '';
  const missing = [path.join(include, 'Python.h'), library].find((file) => file !== '' && !existsSync(file));
  if (missing === undefined) return { include, library };
  const advice = IS_WINDOWS
    ? `Install Python ${python.minor} by its own installer, which brings them: \`winget install Python.Python.${python.minor}\``
    : `Install them: \`apt install libpython${python.minor}-dev\` on Debian and Ubuntu, ` +
      `\`dnf install python${python.minor}-devel\` on Fedora and RHEL`;
  throw failure(`${python.executable} has no headers to compile with (${missing} is missing). ${advice}`);
}

/** Where the headers of the running Node lie; undefined lets node-gyp fetch them from nodejs.org. */
export function nodeHeaders(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const candidates = [environment['npm_config_nodedir'], path.resolve(process.execPath, '..', '..')];
  return candidates.find((folder) => folder !== undefined && existsSync(path.join(folder, 'include/node/node_api.h')));
}

/**
 * Compiles what needs no Python, and the core for one Python minor version, into `build/Release` of the folder.
 * Rejects with `ERR_WANGP_BUILD`, which says what is missing.
 */
export async function buildAddon(build: AddonBuild): Promise<void> {
  const { folder, python, nodeGyp, nodeAddonApi, pybind11, show } = build;
  await checkCompiler();
  const { include, library } = await pythonFiles(python);
  const headers = await linkHeaders(folder, { python: include, pybind11, 'node-addon-api': nodeAddonApi });
  const variables = {
    core_name: path.parse(coreName(python.minor)).name,
    python_include: headers.python,
    python_library: library,
    pybind11_include: headers.pybind11,
    node_addon_api: headers['node-addon-api'],
  };
  const defines = Object.entries(variables).map(([name, value]) => `-D${name}=${value}`);
  const nodedir = nodeHeaders();
  const common = nodedir === undefined ? [] : [`--nodedir=${nodedir}`];
  // node-gyp is written in Python itself, and binding.gyp calls `node`.
  const node = path.dirname(process.execPath);
  const env = {
    ...process.env,
    PATH: `${node}${path.delimiter}${process.env['PATH'] ?? ''}`,
    NODE_GYP_FORCE_PYTHON: python.executable,
  };
  try {
    await run(process.execPath, [nodeGyp, 'configure', ...common, '--', ...defines], { cwd: folder, env, show });
    await run(process.execPath, [nodeGyp, 'build', '-j', 'max', ...common], { cwd: folder, env, show });
  } catch (error) {
    throw explain(error);
  }
}

/** Folders of headers as gyp can write them: make takes no path with a space, so that they are links in the folder. */
async function linkHeaders<Name extends string>(
  folder: string,
  headers: Readonly<Record<Name, string>>,
): Promise<Readonly<Record<Name, string>>> {
  if (IS_WINDOWS) return headers;
  const links = path.join(folder, 'build', 'headers');
  await mkdir(links, { recursive: true });
  const names = Object.keys(headers) as Name[];
  for (const name of names) {
    const link = path.join(links, name);
    await rm(link, { force: true });
    await symlink(headers[name], link);
  }
  return Object.fromEntries(names.map((name) => [name, `build/headers/${name}`])) as Record<Name, string>;
}

/** What node-gyp's output means. */
function explain(error: unknown): unknown {
  if (!(error instanceof ProgramFailure)) return error;
  const { output } = error;
  const end = lastLines(output, 25);
  if (/find (any )?Visual Studio installation|could not find a version of Visual Studio/i.test(output)) {
    return failure(`there is no Visual C++ compiler on this machine. ${compilerAdvice()}`, error);
  }
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|network socket|(?:4|5)\d\d response downloading/i.test(
      output,
    )
  ) {
    return failure(
      'node-gyp could not fetch the headers of Node from nodejs.org. If this machine has no network, name a folder ' +
        `that has include/node/node_api.h with the variable npm_config_nodedir. node-gyp said:\n${end}`,
      error,
    );
  }
  if (/unrecognized command[- ]line option .*-std=c\+\+20|invalid value 'c\+\+20'/.test(output)) {
    return failure(`the compiler is too old for C++20: use gcc 10 or clang 12, or newer. It said:\n${end}`, error);
  }
  return failure(`the compilation failed:\n${end}`, error);
}
