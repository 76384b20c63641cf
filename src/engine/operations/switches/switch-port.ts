import type { Connected } from '../../sources/postgres/index.ts';

/** How what is there gives way. */
export interface SafeRestore {
  /** Where this host remembers what it exchanged. */
  readonly stateFolder: string;
  /** The backup of the target that was made for this restore; null when that was turned off. */
  readonly safetyBackupId?: string | null;
  /** How long running transactions of a database may go on. Default 10 s. */
  readonly graceMs?: number;
  /** A database that cannot be exchanged is emptied and filled in place. */
  readonly inPlace?: boolean;
  /** Told who is connected to a database that is about to be exchanged. */
  readonly onConnected?: (target: string, who: readonly Connected[]) => void;
  /** For tests: before each thing that changes something. */
  readonly onStep?: (step: string) => void;
}

/** What is restored, for the record. */
export interface SwitchFacts {
  readonly backupId: string;
  readonly item: string | null;
  readonly nowMs: number;
}

export const DEFAULT_GRACE_MS = 10_000;
