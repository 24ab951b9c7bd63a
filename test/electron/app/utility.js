'use strict';
const { run } = require('./run.js');

run({ quit: () => process.parentPort.postMessage('quit') }).then((code) => process.exit(code));
