/** Each takes up to 1 ms. One that is interrupted gives too small a value, so the largest is right. */
const CLOCK_READINGS = 5;

/**
 * Milliseconds between the epoch and the zero of `performance.now()`, as the system's clock has it now:
 * `performance.timeOrigin` dates from the start of the process, and the clock may have been adjusted since.
 */
function currentTimeOrigin(): number {
  let origin = -Infinity;
  for (let reading = 0; reading < CLOCK_READINGS; reading += 1) {
    const before = Date.now();
    let now = before;
    while (now === before) now = Date.now();
    origin = Math.max(origin, now - performance.now());
  }
  return origin;
}

/** Microseconds from a timestamp of Python's (seconds since the epoch) to `arrivedAt` (of `performance.now()`). */
export function microsecondsSince(timestamp: number, arrivedAt: number): number {
  const milliseconds = currentTimeOrigin() + arrivedAt - timestamp * 1e3;
  return Math.max(0, Math.round(milliseconds * 1e3));
}
