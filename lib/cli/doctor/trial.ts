/**
 * A process of its own, which {@link tryStart} forks: loads the addon and starts Python as `init` does, and says how
 * that went. Nothing of WanGP is imported.
 */
import { WanGPError } from '../../errors';
import { toTensor } from '../../memory/tensor';
import type { PythonEnvironment } from '../../python/find';
import { EmbeddedRuntime } from '../../runtime/embedded';
import type { TrialAnswer } from './start';

async function start(python: PythonEnvironment): Promise<TrialAnswer> {
  try {
    const { interpreter, deepBind } = await EmbeddedRuntime.start(python, toTensor);
    return { started: true, deepBind, ownWorkingDirectory: interpreter.ownWorkingDirectory };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { started: false, message, code: error instanceof WanGPError ? error.code : undefined };
  }
}

const [, , request = ''] = process.argv;
void start(JSON.parse(request) as PythonEnvironment).then((answer) => {
  process.send?.(answer, () => process.exit());
});
