import { absolutePath } from '../directory';
import type { PythonOptions } from './connection';
import type { CheckedInitOptions } from './options';
import { findOutputFolder } from './output-folder';
import { findConfig, findRoot } from './root';

/** What Python is given of checked options: paths have become absolute. Throws as `init` rejects for a wrong one. */
export function toPythonOptions(options: CheckedInitOptions): PythonOptions {
  const root = findRoot(options.root ?? undefined);
  const { configPath, outputDir } = options;
  return {
    root,
    config_path: configPath && findConfig(configPath, root),
    output_dir: outputDir && findOutputFolder(outputDir, 'outputDir'),
    cli_args: options.cliArgs ?? [],
    console_output: options.consoleOutput,
    console_isatty: options.consoleIsatty,
    webui_state: options.webuiState,
    env: Object.fromEntries(Object.entries(options.env ?? {}).map(([name, value]) => [name, value ?? null])),
    python_path: (options.pythonPath ?? []).map((folder) => absolutePath(folder, 'pythonPath')),
    pre_import: (options.preImport ?? []).map((name) =>
      name.endsWith('.py') ? absolutePath(name, 'preImport') : name,
    ),
  };
}
