import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Child processes and open files, pipes and sockets of this process, by kind and name. Linux only. */
export function openResources(): string[] {
  return [...descriptors(), ...children()].sort();
}

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const link = readlinkSync(`/proc/self/fd/${descriptor}`);
      // The runtime's own, and the listing itself.
      return /^anon_inode:|^\/dev\/|^\/proc\//.test(link) ? [] : [`descriptor ${link}`];
    } catch {
      return [];
    }
  });
}

function children(): string[] {
  return readdirSync('/proc/self/task').flatMap((task) => {
    try {
      const pids = readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim();
      return pids === '' ? [] : pids.split(' ').map((pid) => `process ${pid}`);
    } catch {
      return [];
    }
  });
}

/** What is open now and was not before. The runtime gives descriptors back a little later: looks for a minute. */
export async function releasedResources(before: readonly string[]): Promise<string[]> {
  let extra: string[] = [];
  for (let look = 0; look < 2400; look += 1) {
    extra = surplus(before, openResources());
    if (extra.length === 0) return [];
    await sleep(25);
  }
  return extra;
}

function surplus(before: readonly string[], now: readonly string[]): string[] {
  const left = [...before];
  return now.filter((one) => {
    const at = left.indexOf(one);
    if (at < 0) return true;
    left.splice(at, 1);
    return false;
  });
}
