import { type Comparable, refuseConflict } from '../../engine/index.ts';
import type { BackupCopiesTable, BackupsTable } from '../catalog/tables/backups.ts';
import type { CatalogDb } from '../catalog/types.ts';

/** What is known of a backup; absent fields leave what was known before. */
export type KnownBackup = Pick<
  BackupsTable,
  'id' | 'plan' | 'part' | 'tenant_id' | 'type' | 'status' | 'started_at' | 'size_bytes'
> &
  Partial<
    Pick<
      BackupsTable,
      'plan_id' | 'finished_at' | 'stored_bytes' | 'artifacts' | 'held' | 'job_id' | 'key_id'
    >
  >;

type Artifact = Comparable['artifacts'][number] & { readonly source: string };

/** The parts of a backup as the catalog keeps them. */
export function artifactsText(artifacts: readonly Artifact[]): string {
  return JSON.stringify(
    artifacts.map(({ name, source, kind, sizeBytes, sha256 }) => ({ name, source, kind, sizeBytes, sha256 })),
  );
}

/**
 * Throws `backup_conflict` when the catalog knows another backup under this id. Where it never learned of the parts of one,
 * its type and the sum of its sizes tell.
 */
export async function refuseOther(db: CatalogDb, id: string, found: Comparable): Promise<void> {
  const known = await db
    .selectFrom('backups')
    .select(['type', 'size_bytes', 'artifacts'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (!known) return;
  const all = (sizeBytes: number) => [{ name: 'all of it', kind: '', sizeBytes }];
  const sum = found.artifacts.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
  if (known.artifacts !== null) {
    const artifacts = JSON.parse(known.artifacts) as Comparable['artifacts'];
    return refuseConflict(id, { type: known.type, artifacts }, found);
  }
  refuseConflict(
    id,
    { type: known.type, artifacts: all(known.size_bytes) },
    { ...found, artifacts: all(sum) },
  );
}

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
