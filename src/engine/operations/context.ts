import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Progress } from '../base/progress.ts';
import type { Repository } from '../repository/repository.ts';

/** What every operation works with. Whoever opened the repository closes its storage. */
export interface OperationContext {
  readonly repository: Repository;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Where private scratch folders are made; created 0700 when missing. */
  readonly scratchRoot: string;
  /** Worker threads for hashing, compression and encryption; null for the number of cores, at most 4. */
  readonly workers: number | null;
  /** A backup is skipped when less is free at the destination; 0 for any. Default `MINIMUM_FREE_BYTES`. */
  readonly minimumFreeBytes?: number;
}

/** Runs `work` with an empty private folder (0700) that is removed afterwards, whatever happens. */
export async function withScratchFolder<T>(
  context: Pick<OperationContext, 'scratchRoot'>,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  await mkdir(context.scratchRoot, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(context.scratchRoot, 'run-'));
  // It may hold a copy of a database: a process that ends at once must not leave it behind.
  const removeNow = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeNow);
  try {
    return await work(folder);
  } finally {
    process.off('exit', removeNow);
    await rm(folder, { recursive: true, force: true });
  }
}
