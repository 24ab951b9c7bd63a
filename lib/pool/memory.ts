import { readFileSync } from 'node:fs';

/** The memory that a process has in use, in bytes; null where the system doesn't tell. */
export function residentBytes(pid: number | null): number | null {
  if (pid === process.pid) return process.memoryUsage.rss();
  if (pid === null) return null;
  try {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  } catch {
    // No Linux, or it has just ended.
    return null;
  }
}
