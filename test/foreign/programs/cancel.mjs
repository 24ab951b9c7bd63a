import { init } from 'wangp-node';

const { root } = JSON.parse(process.env.WANGP_PROGRAM);
const session = await init({ root, consoleOutput: false });
const script = 'put("status", "on")\nwhile not job.wait_for_cancel(1): pass';
const job = await session.submitTask({ script });
for await (const { kind } of job.events) if (kind === 'status') job.cancel();
const { cancelled, success } = await job.result();
console.log(JSON.stringify({ cancelled, success }));
