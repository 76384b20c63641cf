import { HoldfastError } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { settleArchived } from '../worker/record-backups.ts';
import { requireBackup } from './backup-list.ts';
import type { ServerContext } from './context.ts';
import { atEachCopy } from './copies.ts';

/**
 * Moves every copy of a backup to the archive, from where `undelete` brings it back. Throws `id_unknown`, `hold_active`, and `in_use`
 * for the last good one of its plan, unless that is meant.
 */
export async function archiveBackup(context: ServerContext, id: string, evenLastGood: boolean) {
  const { catalog } = context;
  const backup = await requireBackup(catalog.db, id);
  if (backup.held === 1) throw new HoldfastError('hold_active', `backup ${id} is on hold`);
  if (!evenLastGood && (await isLastGood(catalog.db, backup))) {
    throw new HoldfastError('in_use', `backup ${id} is the last good one of its plan`, {
      next: 'make another one first, or say last_good=true',
    });
  }
  const changed = await atEachCopy(context, id, (engine) => engine.archive(id));
  const done = changed.destinations.flatMap(({ destination, error }) =>
    error === null ? [destination] : [],
  );
  const nowMs = catalog.clock.nowMs();
  await catalog.transaction(async (trx) => {
    await trx
      .updateTable('backup_copies')
      .set({ state: 'archived', seen_at: nowMs })
      .where('backup_id', '=', id)
      .where('state', '=', 'present')
      .where('destination_id', 'in', (eb) =>
        eb.selectFrom('documents').select('id').where('kind', '=', 'destination').where('name', 'in', done),
      )
      .execute();
    await settleArchived(trx, [id], nowMs);
  });
  return changed;
}

type Row = Awaited<ReturnType<typeof requireBackup>>;

async function isLastGood(
  db: CatalogDb,
  { id, plan, part, tenant_id, status, archived_at }: Row,
): Promise<boolean> {
  if (status !== 'succeeded' || archived_at !== null) return false;
  const other = await db
    .selectFrom('backups')
    .select('id')
    .where('plan', plan === null ? 'is' : '=', plan)
    .where('part', part === null ? 'is' : '=', part)
    .where('tenant_id', tenant_id === null ? 'is' : '=', tenant_id)
    .where('status', '=', 'succeeded')
    .where('archived_at', 'is', null)
    .where('id', '!=', id)
    .executeTakeFirst();
  return other === undefined;
}
