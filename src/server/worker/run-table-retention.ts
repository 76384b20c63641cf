import { tableArchivePlan, tableRule } from '../../contracts/table-archives.ts';
import { type ListedArchive, openEngine } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Job, JobContext, JobOutcome } from '../jobs/port.ts';
import { engineProgress } from './engine-progress.ts';
import type { TableRetentionPayload, TableRetentionResult } from './port.ts';
import { artifactsText, recordBackup, recordCopy } from './record-backups.ts';
import { recordRemoved } from './record-removed.ts';
import { tableAtWork } from './retained-table.ts';
import type { RunnerParts } from './runner-parts.ts';

/** Archives old rows of a table and deletes them, then archives that are past their time. Interrupted, the next one goes on. */
export async function runTableRetention(
  parts: RunnerParts,
  job: Job,
  context: JobContext,
): Promise<JobOutcome> {
  const { source: name, table } = job.payload as TableRetentionPayload;
  const { rule, source, destination, destinationId, spec } = await tableAtWork(parts, name, table);
  const port = { progress: engineProgress(context), signal: context.signal };
  const engine = await openEngine({ ...(await spec.options()), ...port });
  try {
    const { archives, deleted, changed, resumed, limits } = await engine.runTableRetention({
      ...{ source, tenantId: job.tenantId },
      ...tableRule(table, rule),
    });
    const plan = tableArchivePlan(name, table);
    // Those of runs that were interrupted, too.
    const listed = await engine.listTableArchives({ source: name, table });
    const contents = new Map<string, string>();
    for (const { backupId } of archives) {
      contents.set(backupId, artifactsText((await engine.show(backupId)).artifacts));
    }
    const removed =
      rule.keepArchivesDays === null
        ? null
        : (
            await engine.rotate({ dryRun: false, plan, tenantId: job.tenantId, rulesOf: spec.rulesOf })
          ).decisions
            .filter(({ action }) => action === 'remove')
            .map(({ backup }) => backup.id);
    const record: JobOutcome['record'] = async (trx) => {
      const about = { job, plan, destinationId };
      const nowMs = parts.catalog.clock.nowMs();
      for (const one of listed) await recordArchive(trx, one, contents.get(one.backupId), about, nowMs);
      if (removed) {
        await recordRemoved(trx, parts, { plan, job }, [{ destination, destinationId, ids: removed }]);
      }
    };
    const result: TableRetentionResult = {
      ...{ source: name, table, destination, archives, deleted, changed, resumed, limits },
    };
    return { status: 'succeeded', result, record };
  } finally {
    await engine.close();
  }
}

interface About {
  readonly job: Job;
  readonly plan: string;
  readonly destinationId: string;
}

/** The catalog knows archives as it knows backups. */
async function recordArchive(
  trx: CatalogDb,
  { backupId, timestampMs, sizeBytes }: ListedArchive,
  artifacts: string | undefined,
  { job, plan, destinationId }: About,
  nowMs: number,
): Promise<void> {
  await recordBackup(trx, {
    ...{ id: backupId, plan, part: null, tenant_id: job.tenantId, type: 'db', status: 'succeeded' },
    ...{ started_at: timestampMs, size_bytes: sizeBytes },
    ...(artifacts !== undefined && { artifacts }),
  });
  await recordCopy(trx, {
    ...{ backup_id: backupId, destination_id: destinationId, state: 'present', seen_at: nowMs },
  });
}
