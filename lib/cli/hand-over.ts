/**
 * Milliseconds between the epoch and the start of `performance.now()`, to the accuracy of the system's clock.
 * `performance.timeOrigin` is set when the process starts, and the clock may have been adjusted since. Takes up to 1 ms.
 */
function currentTimeOrigin(): number {
  const before = Date.now();
  let now = before;
  while (now === before) now = Date.now();
  return now - performance.now();
}

/** Microseconds from a timestamp of Python's (seconds since the epoch) to `arrivedAt` (of `performance.now()`). */
export function microsecondsSince(timestamp: number, arrivedAt: number): number {
  const milliseconds = currentTimeOrigin() + arrivedAt - timestamp * 1e3;
  return Math.max(0, Math.round(milliseconds * 1e3));
}
