#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { build, type BuildOptions } from './build';
import { demo, type DemoOptions } from './demo';
import { doctor, type DoctorOptions } from './doctor';
import { EXIT, reportFailure, reportUsage } from './failure';
import { info } from './info';
import { addPlaceOptions, addWanGPOptions, DISCLOSURE, nonEmpty, PACKAGE_VERSION, type WanGPOptions } from './options';
import { setup, type SetupOptions } from './setup';

/** Runs a command to its exit code; what it throws is told the way the command line tells everything. */
async function conclude(options: WanGPOptions, command: Promise<number>): Promise<void> {
  process.exitCode = await command.catch((error: unknown) => reportFailure(error, options));
}

function makeProgram(): Command {
  const program = new Command('wangp-node')
    .description('WanGP inside a Node process: try it out, check an installation.')
    .version(PACKAGE_VERSION)
    .addHelpText('after', DISCLOSURE)
    .exitOverride();

  addWanGPOptions(
    program
      .command('demo')
      .description(
        'Runs one generation and shows its progress, its preview and what arrives in JavaScript. Without options: ' +
          'a picture and a guide clip of this package, on the embedded sample root (no AI) or on WANGP_ROOT.',
      )
      .option(
        '--settings <file>',
        'settings exported from WanGP (.json), or a saved queue (.zip), to run instead',
        nonEmpty,
      )
      .option('--output <folder>', 'where outputs go', nonEmpty, 'outputs')
      .option('--no-preview', 'no pictures in the terminal'),
  )
    .addHelpText(
      'after',
      '\nProgress goes to stderr, the result to stdout.\nExit codes: 0 success, 1 failure, 2 wrong usage, 130 Ctrl-C.',
    )
    .addHelpText('after', DISCLOSURE)
    .action((options: DemoOptions) => conclude(options, demo(options)));

  addWanGPOptions(
    program.command('info').description('Starts Python and WanGP and says what they are: checks an installation.'),
  )
    .addHelpText('after', DISCLOSURE)
    .action((options: WanGPOptions) => conclude(options, info(options)));

  addPlaceOptions(
    program
      .command('doctor')
      .description(
        'Looks at everything that a generation needs, and says of each thing whether it is there and what to do. ' +
          'Changes nothing.',
      )
      .option(
        '--output <folder>',
        'where outputs would go (default: the folders that the configuration names)',
        nonEmpty,
      )
      .addOption(
        new Option(
          '--clear-cache',
          'instead, removes what this package keeps in the cache folder of this user',
        ).conflicts(['root', 'python', 'config', 'preImport', 'output']),
      ),
  )
    .addHelpText('after', '\nExit codes: 0 a generation can run, 1 none can, 2 wrong usage.')
    .addHelpText('after', DISCLOSURE)
    .action((options: DoctorOptions) => conclude(options, doctor(options)));

  program
    .command('setup')
    .description(
      'Makes a Python environment for the embedded sample root, in the cache folder of this user, if it needs one. ' +
        'An environment of WanGP is made as WanGP says.',
    )
    .option('--python <path>', 'the interpreter to make it from (default: the first usable one)', nonEmpty)
    .option('--json', 'the last line on stdout is one JSON object')
    .addHelpText('after', DISCLOSURE)
    .action((options: SetupOptions) => conclude(options, setup(options)));
  program
    .command('build')
    .description(
      "Compiles the addon from the package's own sources, where it has no binary for a platform or a Python version.",
    )
    .option('--python <path>', 'the interpreter to build for (default: WANGP_PYTHON, else a search)', nonEmpty)
    .option('--root <folder>', 'the WanGP checkout, in which its environment is looked for', nonEmpty)
    .option('--verbose', 'what npm, pip and the compiler print')
    .addHelpText(
      'after',
      '\nIt needs a C++20 compiler, make, the headers of Python, and network (npm, PyPI). Prints the files that it made.',
    )
    .action((options: BuildOptions) => conclude(options, build(options)));

  return program;
}

async function main(): Promise<void> {
  try {
    await makeProgram().parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.success : reportUsage(error, process.argv);
  }
}

void main();
