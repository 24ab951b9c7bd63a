// What a sanitizer has written: findings, which are ours, and faults of the tool itself, which say nothing about us.

const OURS = /\/native\/(?:\w+\/)*\w+\.(?:cc|h|c):|\/pybind11\/|\/(?:core\.cp\d+|loader|shared_memory)\.node\b/;
const RUNTIME = /libsanitizer|libstdc\+\+|\/c\+\+\/\d+\//;

/** LeakSanitizer stops all threads and reads their stacks; sometimes it dies of that, and the process with it. */
const TOOL_FAULT = /^(?:Tracer caught signal \d+|==\d+==LeakSanitizer has encountered a fatal error\.).*$/m;
const TOOL_LINES = /^(?:Tracer caught signal \d+.*|==\d+==(?:LeakSanitizer has encountered|HINT: ).*)$\n?/gm;

/** Whether the tool says in this text that it died of a fault of its own, rather than that it may not trace. */
export function tracerDied(text) {
  return /^Tracer caught signal \d+/m.test(text);
}

/** Leaks that the addon itself allocated: Node and Python leave much behind, and V8's heap hides who points to it. */
function leaksIn(report) {
  const leaks = report.split(/\n(?=Direct leak|Indirect leak)/).slice(1);
  return leaks.filter((leak) => {
    const frames = leak.split('\n').filter((line) => /^ +#\d+ /.test(line) && !RUNTIME.test(line));
    return OURS.test(frames[0] ?? '');
  });
}

/** Tells the findings in the texts of reports, one of each process, from the tool's own faults. */
export function judge(texts) {
  const faults = texts.filter((text) => TOOL_FAULT.test(text)).map((text) => text.match(TOOL_LINES).join('').trim());
  const rest = texts.map((text) => text.replaceAll(TOOL_LINES, '')).filter((text) => text.trim() !== '');
  return {
    faults,
    findings: rest.flatMap((text) => (text.includes('ERROR: LeakSanitizer') ? leaksIn(text) : [text])),
  };
}

/**
 * Makes a check again while the tool itself has failed in it and nothing was found, `limit` times at most; resolves
 * with the last outcome, judged. `attempt` resolves with an outcome that has the `texts` of the reports. A fault in the
 * last attempt stays in `faults`: such a check has not been made, and must count as failed.
 */
export async function checkAgain(attempt, { limit = 3, say = () => {} } = {}) {
  for (let number = 1; ; number += 1) {
    const outcome = await attempt();
    const { faults, findings } = judge(outcome.texts);
    if (faults.length === 0 || findings.length > 0 || number >= limit) return { ...outcome, faults, findings };
    say(`the sanitizer itself failed, attempt ${number} of ${limit}; the check is made again\n${faults.join('\n')}`);
  }
}
