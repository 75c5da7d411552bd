import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Who holds a lock, as its file says. */
interface Holder {
  pid: number;
  host: string;
  /** When the process began, in the kernel's ticks; null where the host does not tell. */
  began: string | null;
}

/**
 * Takes a lock: a file that names this process. One that a process left which runs no more is taken over.
 *
 * @throws {Error} that says who holds it.
 */
export function takeLock(path: string): void {
  for (let tries = 0; tries < 3; tries++) {
    try {
      writeFileSync(path, `${JSON.stringify(self())}\n`, { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = holderOf(path);
    if (holder !== null && isRunning(holder)) {
      const elsewhere = holder.host === hostname() ? '' : ` on ${holder.host}; if it is over, remove ${path}`;
      throw new Error(`process ${holder.pid}${elsewhere} is writing to it`);
    }
    // Only one of several that found it stale gets it out of the way.
    const aside = `${path}.${process.pid}.tmp`;
    try {
      renameSync(path, aside);
      rmSync(aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`other processes keep taking ${path}`);
}

/** Gives a lock of this process back; that of another one stays. */
export function releaseLock(path: string): void {
  if (holdsLock(path)) rmSync(path, { force: true });
}

/** Whether the lock is there and this process's. */
export function holdsLock(path: string): boolean {
  const holder = holderOf(path);
  return holder !== null && holder.pid === process.pid && holder.host === hostname();
}

function self(): Holder {
  return { pid: process.pid, host: hostname(), began: beginning(process.pid) };
}

/** Null where there is no such file, or none that names a process. */
function holderOf(path: string): Holder | null {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>;
    return typeof holder.pid === 'number' ? (holder as Holder) : null;
  } catch {
    return null;
  }
}

/** Of another machine nothing is known: it may run. */
function isRunning({ pid, host, began }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  // A number that another process has since got.
  return began === null || began === beginning(pid);
}

/** Field 22 of /proc/<pid>/stat; the name before it is in brackets and may hold anything. */
function beginning(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie runs no more.
    return fields[0] === 'Z' ? 'ended' : fields[19];
  } catch {
    return null;
  }
}
