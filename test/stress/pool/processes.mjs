// What Linux tells about processes, for the programs of this folder.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

function read(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // it has ended
  }
}

const processes = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

/** What has `variable=value` in its environment, with the state of each; not what has become a zombie. */
export function withVariable(variable, value) {
  return processes().filter((pid) => read(`/proc/${pid}/environ`).split('\0').includes(`${variable}=${value}`));
}

/** The children of this process, those included that have ended and were not waited for. */
export function children() {
  return processes().filter((pid) => {
    // After the name, which may hold anything: state, parent.
    const [, parent] = read(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ');
    return parent === String(process.pid);
  });
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The open descriptors of this process by what they are, and how many of them and of its mappings are shared memory. */
export function possessions() {
  const targets = readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)];
    } catch {
      return []; // the one that read the folder
    }
  });
  const mapped = read('/proc/self/maps').split('\n');
  const isShared = (line) => /memfd:|\/dev\/shm\//.test(line);
  return {
    descriptors: targets.length,
    shared: [...targets, ...mapped].filter(isShared).length + readdirSync('/dev/shm').length,
  };
}

/** Resolves with whether `done` came to be true within `limit` ms. */
export async function within(limit, done) {
  const end = performance.now() + limit;
  while (!done()) {
    if (performance.now() > end) return false;
    await sleep(5);
  }
  return true;
}
