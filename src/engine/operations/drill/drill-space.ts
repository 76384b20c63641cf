import { statfs } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';
import type { Manifest } from '../../repository/manifest.ts';

/** A database with its indexes, measured against its dump: 1.2 to 2.2 times; and the log that loading writes. */
const DATABASE_FACTOR = 2.5;
/** An empty cluster takes 40 MB, and its log may grow before it is cleaned up. */
const CLUSTER_BYTES = 300 * 1000 ** 2;
/** So that a full disk is never the drill's doing. */
const RESERVE_BYTES = 200 * 1000 ** 2;

const IN_DATABASE: ReadonlySet<string> = new Set(['pg-dump', 'pg-sql', 'pg-csv']);

/** Bytes a drill of these backups may take. An estimate above what was seen. */
export function neededBytes(manifests: readonly Manifest[], isThrowaway: boolean): number {
  let bytes = RESERVE_BYTES;
  let hasDatabase = false;
  for (const { kind, sizeBytes } of manifests.flatMap(({ artifacts }) => artifacts)) {
    if (!IN_DATABASE.has(kind)) bytes += sizeBytes;
    else if (isThrowaway) {
      hasDatabase = true;
      bytes += sizeBytes * DATABASE_FACTOR;
    }
  }
  return Math.ceil(bytes + (hasDatabase ? CLUSTER_BYTES : 0));
}

/** Throws `drill_impossible` with both numbers when the drill could fill the disk. */
export async function requireDrillSpace(root: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(root).catch((error: unknown) => {
    throw new HoldfastError('drill_impossible', `${root} cannot be used for drills`, {
      cause: error,
      next: 'name another folder in drill.folder',
    });
  });
  const free = bavail * bsize;
  if (free >= bytes) return;
  const megabytes = (value: number) => `${Math.round(value / 1000 ** 2)} MB`;
  throw new HoldfastError(
    'drill_impossible',
    `the drill may need ${megabytes(bytes)} at ${root}, and ${megabytes(free)} are free`,
    { next: 'free space there, or name a folder on another disk in drill.folder' },
  );
}
