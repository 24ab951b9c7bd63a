// Runs the program that WANGP_APP names, in the process that this is loaded into.
'use strict';
const { appendFileSync } = require('node:fs');

const settings = JSON.parse(process.env.WANGP_APP);

/** Tells the test, at once: the process may end in the next moment. */
function tell(line) {
  appendFileSync(settings.file, `${JSON.stringify(line)}\n`);
}

/** Resolves with the exit code, once the program has answered or thrown. */
async function run({ quit }) {
  try {
    const program = require(`./programs/${settings.program}.js`);
    const answer = await program({ ...settings, quit, told: (what) => tell({ told: what }) });
    tell({ answer: answer === undefined ? null : answer });
    return 0;
  } catch (error) {
    const { name, code, message, stack } = error;
    tell({ error: { name, code, message, stack } });
    return 1;
  }
}

module.exports = { run, settings, tell };
