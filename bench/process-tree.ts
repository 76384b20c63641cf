/** Processes as /proc shows them: who descends from whom, what they have used. Linux alone. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessState {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** User and system time of the children it has waited for, and of theirs. */
  readonly waitedSeconds: number;
}

/** USER_HZ, which Linux fixes at 100 for everything it shows outside the kernel. */
const TICKS_A_SECOND = 100;
const PAGE_BYTES = 4096;
/** A fork that never becomes another program is a worker from here on; until then it may be one on its way. */
const TWIN_SAMPLES = 4;

/** Null when the process is gone. */
export function processState(pid: number | 'self'): ProcessState | null {
  const text = readProc(pid, 'stat');
  if (text === '') return null;
  // The name stands in brackets and may itself hold brackets and blanks.
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  return {
    pid: Number.parseInt(text, 10),
    parent: Number(fields[1]),
    name: text.slice(text.indexOf('(') + 1, end),
    waitedSeconds: (Number(fields[13]) + Number(fields[14])) / TICKS_A_SECOND,
  };
}

/** Resident memory of one process; 0 when it is gone. What it shares with others counts in full. */
export const residentBytes = (pid: number) => Number(readProc(pid, 'statm').split(' ')[1] ?? 0) * PAGE_BYTES;

/**
 * The sum over a process and all that descend from it, for calling many times a second: it asks each process of the
 * machine for its parent only once. The caller itself is above `root`, and so never counted.
 * A child that has been forked and is not yet another program shares all memory with its parent, and would count that
 * memory twice. It is left out until its command line differs, or it has stayed the same for some samples.
 */
export function treeMemory(root: number): () => number {
  const members = new Map<number, { parent: number; twinSamples: number }>();
  members.set(root, { parent: 0, twinSamples: TWIN_SAMPLES });
  const strangers = new Set<number>();
  const admit = (pid: number): void => {
    if (members.has(pid) || strangers.has(pid)) return;
    const state = processState(pid);
    if (state === null) return;
    if (!strangers.has(state.parent) && state.parent > 1) admit(state.parent);
    if (members.has(state.parent)) members.set(pid, { parent: state.parent, twinSamples: 0 });
    else strangers.add(pid);
  };
  return () => {
    for (const name of readdirSync('/proc')) if (isNumber(name)) admit(Number(name));
    let sum = 0;
    for (const [pid, member] of members) {
      const bytes = residentBytes(pid);
      if (bytes === 0) continue;
      if (member.twinSamples < TWIN_SAMPLES && isTwin(pid, member.parent)) member.twinSamples += 1;
      else member.twinSamples = TWIN_SAMPLES;
      // The shell that joins programs is this benchmark's, not the tool's.
      if (member.twinSamples === TWIN_SAMPLES && processState(pid)?.name !== 'bash') sum += bytes;
    }
    return sum;
  };
}

const isTwin = (pid: number, parent: number) => readProc(pid, 'cmdline') === readProc(parent, 'cmdline');

const isNumber = (name: string) => name.charCodeAt(0) >= 0x31 && name.charCodeAt(0) <= 0x39;

function readProc(pid: number | 'self', name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}
