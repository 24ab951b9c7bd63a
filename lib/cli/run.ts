import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Shows what the program prints, on stderr, while it runs. @default false */
  readonly show?: boolean | undefined;
}

/** A program did not start, or ended with another code than 0. `output` is all that it printed. */
export class ProgramFailure extends Error {
  constructor(
    message: string,
    readonly output: string,
    /** `ENOENT` where there is no such program. */
    readonly code: string | undefined,
  ) {
    super(message);
  }
}

/** Runs a program to its end; resolves with what it printed, rejects with a {@link ProgramFailure}. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { cwd, env, show = false } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (show) process.stderr.write(text);
      });
    }
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ProgramFailure(error.message, output, error.code)),
    );
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new ProgramFailure(`${program} ended with ${code ?? signal}`, output, undefined));
    });
  });
}

/** The last lines of what a program printed, for messages. */
export function lastLines(output: string, count = 15): string {
  return output.trim().split(/\r?\n/).slice(-count).join('\n');
}
