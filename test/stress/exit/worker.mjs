// The Worker of child.mjs: runs its script again and again, until it is terminated.
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

const { root, entry, control, script } = workerData;
if (control) {
  parentPort.postMessage('here');
  setTimeout(() => {}, 30_000);
} else {
  const session = await createRequire(import.meta.url)(entry).init({ root });
  const callbacks = { onStatus: (text) => parentPort.postMessage(text) };
  for (;;) await session.runTask({ script }, { callbacks });
}
