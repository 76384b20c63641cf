import type { Engine } from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';
import { splitPlan } from '../worker/plan-config.ts';
import { artifactsText, recordBackup, recordCopy, settleArchived } from '../worker/record-backups.ts';

/** Puts a backup that a destination holds into the catalog, where people look for it. */
export async function recordFound(
  catalog: Catalog,
  engine: Pick<Engine, 'show'>,
  id: string,
  destinationId: string,
): Promise<void> {
  const made = await engine.show(id);
  const { tenantId, type, status, sizeBytes } = made;
  const nowMs = catalog.clock.nowMs();
  await catalog.transaction(async (trx) => {
    await recordBackup(trx, {
      ...{ id, ...splitPlan(made.plan), tenant_id: tenantId, type, status, size_bytes: sizeBytes },
      ...{
        started_at: made.startedAtMs,
        finished_at: made.finishedAtMs,
        artifacts: artifactsText(made.artifacts),
      },
    });
    await recordCopy(trx, {
      ...{ backup_id: id, destination_id: destinationId, state: 'present', error: null },
      ...{ seen_at: nowMs, copied_at: nowMs },
    });
    await settleArchived(trx, [id], nowMs);
  });
}
