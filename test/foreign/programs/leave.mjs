import { init } from 'wangp-node';

const { root, script, throws } = JSON.parse(process.env.WANGP_PROGRAM);
const session = await init({ root, consoleOutput: false });
const job = await session.submitTask({ script });
await job.events.get();
for await (const { kind } of job.events) if (kind === 'status') break;
if (throws !== undefined) throw new Error(throws);
console.log(JSON.stringify({ msToLeave: Date.now() }));
process.exit(7);
