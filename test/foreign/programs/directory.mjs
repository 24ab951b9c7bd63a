import { init } from 'wangp-node';

const { root } = JSON.parse(process.env.WANGP_PROGRAM);
const before = process.cwd();
const session = await init({ root, consoleOutput: false });
const script = `
os.chdir(os.environ["SYSTEMROOT"])
put("status", "moved")
while not job.wait_for_cancel(1): pass
os.chdir(kept["before"])`;
await session.call('execute', [`import os\nkept["before"] = os.getcwd()`]);
const first = await session.submitTask({ script });
let during;
for await (const { kind } of first.events) {
  if (kind !== 'status') continue;
  during = process.cwd();
  first.cancel();
}
const second = await session.submitTask({ image_start: 'Bild.png', script: 'put("status", settings["image_start"])' });
let resolved;
for await (const { kind, data } of second.events) if (kind === 'status') resolved = data;
console.log(JSON.stringify({ before, during, after: process.cwd(), resolved }));
