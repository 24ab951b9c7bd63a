// A job runs, and the app quits: by itself, or killed. Tells the process that Python runs in.
'use strict';
const { init } = require('wangp-node');

module.exports = async ({ init: options, how, quit, told }) => {
  const session = await init({ ...options, consoleOutput: false });
  const job = await session.submitTask({ script: 'put("status", "on")\nwhile not job.wait_for_cancel(1): pass' });
  for await (const { kind } of job.events) {
    if (kind !== 'status') continue;
    told({ python: session.pid, own: process.pid });
    if (how === 'quit') quit();
    else process.kill(process.pid, how);
  }
  return job.result();
};
