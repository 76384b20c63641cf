import { readdirSync, readFileSync } from 'node:fs';

/** Command lines of running processes that have `text` in their arguments or environment, this one left out. Linux only. */
export function processesWith(text: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
      // A zombie has neither: it has ended, and its parent was told.
      if (`${line}\0${environment}`.includes(text)) found.push(line.replaceAll('\0', ' ').trim());
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return found;
}

/** Waits until no such process is left; the result names those that are still there after two minutes. */
export async function leftOver(text: string): Promise<string[]> {
  for (let step = 0; step < 2400; step += 1) {
    if (processesWith(text).length === 0) return [];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return processesWith(text);
}
