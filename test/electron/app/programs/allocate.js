// Python allocates one block of memory, and writes into every page of it.
'use strict';
const { init } = require('wangp-node');

module.exports = async ({ init: options, bytes, told }) => {
  const session = await init({ ...options, consoleOutput: false });
  told('allocate');
  const script = `import numpy
kept["block"] = numpy.empty(${bytes}, numpy.uint8)
kept["block"][::4096] = 1
put("output", {"pages": int(kept["block"][::4096].sum()), "bytes": kept["block"].nbytes})`;
  let seen;
  const job = await session.submitTask({ script });
  for await (const { kind, data } of job.events) if (kind === 'output') seen = data;
  const { success, errors } = await job.result();
  return { success, errors, ...seen };
};
