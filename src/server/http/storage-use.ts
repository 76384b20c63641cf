/** How much lies at each destination, and what the backups there would be by themselves. */
import { isoOrNull } from '../../contracts/api/common.ts';
import { asHoldfastError, MINUTE_MS, measureDestination } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { listDocuments, storedConfig } from '../configuration/documents.ts';
import type { ServerContext } from './context.ts';
import { redact } from './redact.ts';

interface Measured {
  readonly atMs: number;
  readonly bytes: number | null;
  readonly error: string | null;
}

/** A listing of a large bucket is hundreds of requests: not one for every look at a page. */
const FRESH_MS = 5 * MINUTE_MS;
const LIMIT_MS = 30_000;

export type StorageUse = (context: ServerContext) => Promise<
  {
    destination: string;
    used_bytes: number | null;
    measured_at: string | null;
    error: string | null;
    backups: number;
    backup_bytes: number;
  }[]
>;

/** Remembers what was measured, so that everybody who looks shares one measurement. */
export function storageUse(): StorageUse {
  const known = new Map<string, { readonly atMs: number; readonly measured: Promise<Measured> }>();
  const measured = (context: ServerContext, name: string): Promise<Measured> => {
    const atMs = context.catalog.clock.nowMs();
    const before = known.get(name);
    if (before && atMs - before.atMs < FRESH_MS) return before.measured;
    const next = measure(context, name);
    known.set(name, { atMs, measured: next });
    return next;
  };
  return async (context) => {
    const destinations = await listDocuments(context.catalog.db, 'destination');
    const totals = await totalsOf(context.catalog.db);
    return Promise.all(
      destinations.map(async ({ id, name }) => {
        const { backups, bytes: backupBytes } = totals.get(id) ?? { backups: 0, bytes: 0 };
        const found = await measured(context, name);
        // A disk that is not mounted lists as an empty folder.
        const isGone = found.bytes === 0 && backups > 0;
        const { atMs, bytes, error } = isGone
          ? { ...found, bytes: null, error: 'nothing lies there, though there should be backups' }
          : found;
        return {
          ...{ destination: name, used_bytes: bytes, measured_at: isoOrNull(bytes === null ? null : atMs) },
          ...{ error, backups, backup_bytes: backupBytes },
        };
      }),
    );
  };
}

/** Never rejects: a destination that does not answer is told as such. */
async function measure({ catalog, workplace }: ServerContext, name: string): Promise<Measured> {
  const atMs = catalog.clock.nowMs();
  try {
    const spec = await workplace.destination(await storedConfig(catalog.db), name);
    const { address, storage } = await spec.options();
    const signal = AbortSignal.timeout(LIMIT_MS);
    const { bytes } = await measureDestination({ address, ...(storage ? { storage } : {}), signal });
    return { atMs, bytes, error: null };
  } catch (error) {
    return { atMs, bytes: null, error: redact(asHoldfastError(error).message) };
  }
}

/** By id of the destination: what the catalog knows to be there, the archive, too. */
async function totalsOf(db: CatalogDb): Promise<Map<string, { backups: number; bytes: number }>> {
  const rows = await db
    .selectFrom('backup_copies as copy')
    .innerJoin('backups as backup', 'backup.id', 'copy.backup_id')
    .select((eb) => [
      'copy.destination_id',
      eb.fn.countAll().as('backups'),
      eb.fn.sum('backup.size_bytes').as('bytes'),
    ])
    .where('copy.state', 'in', ['present', 'archived'])
    .groupBy('copy.destination_id')
    .execute();
  return new Map(
    rows.map((row) => [row.destination_id, { backups: Number(row.backups), bytes: Number(row.bytes) }]),
  );
}
