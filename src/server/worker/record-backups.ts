import type { BackupCopiesTable, BackupsTable } from '../catalog/tables/backups.ts';
import type { CatalogDb } from '../catalog/types.ts';

/** What is known of a backup; absent fields leave what was known before. */
export type KnownBackup = Pick<
  BackupsTable,
  'id' | 'plan' | 'part' | 'tenant_id' | 'type' | 'status' | 'started_at' | 'size_bytes'
> &
  Partial<Pick<BackupsTable, 'plan_id' | 'finished_at' | 'stored_bytes' | 'artifacts' | 'held' | 'job_id'>>;

/** Adds a backup to the catalog, or what is new about it. It stays with the tenant it was first seen with: who else brings its id gets no access by that. */
export async function recordBackup(trx: CatalogDb, backup: KnownBackup): Promise<void> {
  const { tenant_id: _, ...news } = backup;
  await trx
    .insertInto('backups')
    .values({
      plan_id: null,
      finished_at: null,
      stored_bytes: null,
      artifacts: null,
      held: 0,
      job_id: null,
      archived_at: null,
      ...backup,
    })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(news))
    .execute();
}

type KnownCopy = Pick<BackupCopiesTable, 'backup_id' | 'destination_id' | 'state' | 'seen_at'> &
  Partial<Pick<BackupCopiesTable, 'copied_at' | 'verified_at' | 'verified_good' | 'error'>>;

/** Adds what a destination holds of a backup, or what is new about it. The backup must be there. */
export async function recordCopy(trx: CatalogDb, copy: KnownCopy): Promise<void> {
  await trx
    .insertInto('backup_copies')
    .values({ copied_at: null, verified_at: null, verified_good: null, error: null, ...copy })
    .onConflict((conflict) => conflict.columns(['backup_id', 'destination_id']).doUpdateSet(copy))
    .execute();
}

/** A backup is archived when no destination lists it any more, and back when one does. */
export async function settleArchived(
  trx: CatalogDb,
  backupIds: readonly string[],
  atMs: number,
): Promise<void> {
  for (const id of backupIds) {
    const present = await trx
      .selectFrom('backup_copies')
      .select('destination_id')
      .where('backup_id', '=', id)
      .where('state', '=', 'present')
      .executeTakeFirst();
    await trx
      .updateTable('backups')
      .set({ archived_at: present ? null : atMs })
      .where('id', '=', id)
      .where('archived_at', present ? 'is not' : 'is', null)
      .execute();
  }
}
