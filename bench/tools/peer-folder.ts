/** Where programs of a newer Debian lie that `npm run bench:peers` has unpacked, out of the way of the machine's own. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const PEER_PROGRAMS = ['restic', 'borg'] as const;
export type PeerProgram = (typeof PEER_PROGRAMS)[number];

export const peerFolder = () =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'holdfast-bench', 'peers');

/** Null when it has not been fetched. */
export function fetchedProgram(name: PeerProgram, folder = peerFolder()): string | null {
  const path = join(folder, 'bin', name);
  return existsSync(path) ? path : null;
}
