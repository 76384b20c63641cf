import { createHash } from 'node:crypto';
import { type DrillOutcome, newId, type ProvenEvidence } from '../../engine/index.ts';
import type { DrillsTable } from '../catalog/tables/drills.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Job, JobError } from '../jobs/port.ts';
import { splitPlan } from './plan-config.ts';
import type { DrillPayload } from './port.ts';

/** What a drill found with its evidence, or why there is neither. */
export type EndedDrill =
  | {
      readonly outcome: DrillOutcome;
      /** As it was signed. */
      readonly evidence: { readonly document: string; readonly page: string };
    }
  | { readonly startedAtMs: number; readonly finishedAtMs: number; readonly failure: JobError };

/** Adds a drill to the catalog, in the transaction that ends its job. */
export async function recordDrill(trx: CatalogDb, job: Job, ended: EndedDrill): Promise<void> {
  const { via, requestedBy, checks, backupId } = job.payload as DrillPayload;
  const about = {
    ...{ job_id: job.id, plan_id: job.planId, plan: job.plan, tenant_id: job.tenantId },
    ...{ via, requested_by: requestedBy, trial: checks === null ? 0 : 1 },
  };
  if (!('outcome' in ended)) {
    const { startedAtMs, finishedAtMs, failure } = ended;
    const row: DrillsTable = {
      ...{ ...about, ...NOTHING, id: newId(startedAtMs), backup_id: backupId },
      ...{ started_at: startedAtMs, finished_at: finishedAtMs, result: 'red' },
      failure: JSON.stringify(failure),
    };
    await trx.insertInto('drills').values(row).execute();
    return;
  }
  const { outcome, evidence } = ended;
  await recordEvidence(
    trx,
    { ...about, ...rowOf(outcome), backup_id: outcome.report.backup?.id ?? backupId },
    evidence,
  );
}

const NOTHING = {
  ...{ recovery_ms: null, data_age_ms: null, checks: 0, red_checks: 0 },
  ...{ fingerprint: null, evidence_sha256: null, stored_at: '[]', not_stored: '[]' },
};

/** Does nothing for a drill that is there already. */
async function recordEvidence(
  trx: CatalogDb,
  row: DrillsTable,
  { document, page }: { readonly document: string; readonly page: string },
): Promise<void> {
  await trx
    .insertInto('drills')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await trx
    .insertInto('drill_evidence')
    .values({ drill_id: row.id, document, page })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Adds a drill that another program or a lost catalog knew, from its evidence at a destination. */
export async function recordProven(
  trx: CatalogDb,
  { report, fingerprint, document, page }: ProvenEvidence,
  planIds: ReadonlyMap<string, string>,
  address: string,
): Promise<void> {
  const { plan } = splitPlan(report.plan);
  const sha256 = createHash('sha256').update(document).digest('hex');
  const row: DrillsTable = {
    ...rowOf({ report, fingerprint, sha256, storedAt: [address], notStored: [] }),
    ...{ job_id: null, plan, plan_id: plan === null ? null : (planIds.get(plan) ?? null) },
    ...{ tenant_id: report.tenantId, backup_id: report.backup?.id ?? null },
    ...{ via: null, requested_by: null, trial: 0 },
  };
  await recordEvidence(trx, row, { document, page });
}

/** The columns that come from the evidence itself. */
function rowOf({
  report,
  fingerprint,
  sha256,
  storedAt,
  notStored,
}: Pick<DrillOutcome, 'report' | 'fingerprint' | 'sha256' | 'storedAt' | 'notStored'>) {
  return {
    ...{ id: report.drillId, result: report.result, fingerprint, evidence_sha256: sha256 },
    started_at: Date.parse(report.startedAt),
    finished_at: Date.parse(report.finishedAt),
    ...{ recovery_ms: report.rtoMs, data_age_ms: report.rpoMs },
    checks: report.checks.length,
    red_checks: report.checks.filter(({ status }) => status === 'red').length,
    failure: report.failure && JSON.stringify(report.failure),
    ...{ stored_at: JSON.stringify(storedAt), not_stored: JSON.stringify(notStored) },
  };
}
