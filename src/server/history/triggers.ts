/** Every request for a run and what became of it. */
import type { Selectable } from 'kysely';
import { listPage } from '../catalog/pages.ts';
import type { TriggersTable } from '../catalog/tables/jobs.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { jobOf } from '../jobs/job-rows.ts';
import type { Job } from '../jobs/port.ts';
import type { HistoryPage } from './backups.ts';
import { tenantsShown, type Visibility } from './visible.ts';

export interface TriggerEntry {
  readonly id: string;
  readonly atMs: number;
  readonly via: TriggersTable['via'];
  readonly requestedBy: string | null;
  readonly tenantId: string | null;
  readonly planId: string | null;
  readonly plan: string | null;
  readonly part: string | null;
  readonly type: TriggersTable['type'];
  readonly outcome: TriggersTable['outcome'];
  readonly message: string | null;
  readonly jobId: string | null;
  /** The run; null when the request was refused, or the run is forgotten. */
  readonly job: Job | null;
}

export interface TriggerFilter extends Visibility {
  /** Null is global; absent is all. */
  readonly tenantId?: string | null | undefined;
  readonly plan?: string | undefined;
  readonly planId?: string | undefined;
}

/** Newest first. */
export async function listTriggers(
  db: CatalogDb,
  { visible, tenantId, plan, planId }: TriggerFilter,
  { limit, after }: HistoryPage,
): Promise<{ readonly items: readonly TriggerEntry[]; readonly next: string | null }> {
  let query = db
    .selectFrom('triggers')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1);
  const tenants = tenantsShown({ visible });
  if (after !== null) query = query.where('id', '<', after);
  if (tenants) query = query.where('tenant_id', 'in', tenants);
  if (tenantId === null) query = query.where('tenant_id', 'is', null);
  else if (tenantId !== undefined) query = query.where('tenant_id', '=', tenantId);
  if (plan !== undefined) query = query.where('plan', '=', plan);
  if (planId !== undefined) query = query.where('plan_id', '=', planId);
  const { items, next } = listPage(await query.execute(), limit, ({ id }) => id);
  const ids = items.flatMap(({ job_id }) => (job_id === null ? [] : [job_id]));
  const found =
    ids.length === 0 ? [] : await db.selectFrom('jobs').selectAll().where('id', 'in', ids).execute();
  const jobs = new Map(found.map((row) => [row.id, jobOf(row)]));
  return { items: items.map((row) => entryOf(row, jobs.get(row.job_id ?? '') ?? null)), next };
}

function entryOf(row: Selectable<TriggersTable>, job: Job | null): TriggerEntry {
  return {
    id: row.id,
    atMs: row.at,
    via: row.via,
    requestedBy: row.requested_by,
    tenantId: row.tenant_id,
    planId: row.plan_id,
    plan: row.plan,
    part: row.part,
    type: row.type,
    outcome: row.outcome,
    message: row.message,
    jobId: row.job_id,
    job,
  };
}
