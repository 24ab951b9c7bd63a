// Nothing but init(), once or twice: what it says of itself.
'use strict';
const { init } = require('wangp-node');

module.exports = async ({ init: options, times = 1, told }) => {
  told(`init in Electron ${process.versions.electron}`);
  let session;
  for (let time = 0; time < times; time += 1) session = await init(options);
  return { info: session.info, pid: session.pid, own: process.pid, type: process.type };
};
