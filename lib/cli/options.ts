import { type Command, InvalidArgumentError } from 'commander';
import type { InitOptions } from '../index';
import { packageVersion } from '../runtime/package';

/** What both commands know: where WanGP and its Python are, and how to answer. */
export interface WanGPOptions {
  readonly root?: string;
  readonly python?: string;
  readonly config?: string;
  readonly cliArg?: readonly string[];
  readonly preImport?: readonly string[];
  readonly json?: boolean;
  readonly verbose?: boolean;
}

export const PACKAGE_VERSION = packageVersion();

export const DISCLOSURE = `
wangp-node is an independent package. WanGP (https://github.com/deepbeepmeep/Wan2GP) is not part of it.
Using WanGP is subject to WanGP's terms and conditions. A product that is built on it should disclose
its use of WanGP, in its user interface and in its documentation.`;

/** The parser of an option that is a path. */
export function nonEmpty(value: string): string {
  if (value.trim() === '') throw new InvalidArgumentError('It must not be empty.');
  return value;
}

/** Collects an option that may be given several times. */
export function list(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** What says where WanGP and its Python are. */
export function addPlaceOptions(command: Command): Command {
  return command
    .option('--root <folder>', 'the WanGP checkout (default: WANGP_ROOT, else the embedded sample root)', nonEmpty)
    .option(
      '--python <path>',
      'the interpreter that WanGP is installed in (default: WANGP_PYTHON, else a search)',
      nonEmpty,
    )
    .option('--config <file>', 'a wgp_config.json (default: the one of the checkout)', nonEmpty)
    .option('--pre-import <module>', 'a module or .py file to import before WanGP; repeatable', list)
    .option('--json', 'the last line on stdout is one JSON object');
}

export function addWanGPOptions(command: Command): Command {
  return addPlaceOptions(command)
    .option('--cli-arg <flag>', 'a startup flag of WanGP, or its value; repeatable', list)
    .option('--verbose', 'what WanGP prints, and the Python traceback of an error');
}

export function toInitOptions({ root, python, config, cliArg, preImport }: WanGPOptions): InitOptions {
  return {
    ...(root === undefined ? {} : { root }),
    ...(python === undefined ? {} : { python }),
    ...(config === undefined ? {} : { configPath: config }),
    ...(cliArg === undefined ? {} : { cliArgs: cliArg }),
    ...(preImport === undefined ? {} : { preImport }),
  };
}
