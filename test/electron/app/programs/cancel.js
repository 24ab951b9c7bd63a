// A job that is cancelled while it runs, one that is withdrawn before, and one after them.
'use strict';
const { init } = require('wangp-node');

const WAITS = 'put("status", "on")\nwhile not job.wait_for_cancel(1): pass';

module.exports = async ({ init: options }) => {
  const session = await init({ ...options, consoleOutput: false });
  const job = await session.submitTask({ script: WAITS });
  for await (const { kind } of job.events) if (kind === 'status') job.cancel();
  const { cancelled, success } = await job.result();
  const submitting = session.submitTask({ script: WAITS });
  session.cancel();
  const withdrawn = await submitting.then(
    () => 'accepted',
    ({ name }) => name,
  );
  const after = await session.runTask({ script: 'pass' });
  return { cancelled, success, withdrawn, after: after.success };
};
