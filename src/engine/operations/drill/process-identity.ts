import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Tells a process from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start in ticks since the boot, and which boot; null where the system does not tell (no /proc). */
  readonly started: string | null;
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid) };
}

/** True unless it is certain that the process has ended. */
export function isAlive({ pid, started }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const now = startOf(pid);
  return started === null || now === null || now === started;
}

function startOf(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the start is field 22, the 20th behind it.
    return `${boot}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return null;
  }
}

/**
 * Processes that carry `NAME=value` in the environment they were started with, or work in a folder, unless that is null: what a drill started
 * and did not end. This process is never among them. Empty where there is no /proc.
 */
export function processesOf(mark: string, folder: string | null): number[] {
  const wanted = Buffer.from(mark);
  return numbersIn('/proc').filter((pid) => {
    if (pid === process.pid) return false;
    try {
      const place = readlinkSync(`/proc/${pid}/cwd`);
      if (folder !== null && (place === folder || place.startsWith(`${folder}/`))) return true;
      const environment = readFileSync(`/proc/${pid}/environ`);
      return `\0${environment.toString('latin1')}`.includes(`\0${wanted.toString('latin1')}\0`);
    } catch {
      // Ended meanwhile, or somebody else's.
      return false;
    }
  });
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Ends every process of a drill; those that appear meanwhile, too. Resolves with how many there were. */
export async function endProcessesOf(mark: string, folder: string | null): Promise<number> {
  let ended = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = processesOf(mark, folder);
    if (pids.length === 0) return ended;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
        ended += 1;
      } catch {
        // Ended by itself.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
  }
  return ended;
}

const ROUNDS = 50;
const ROUND_MS = 20;
