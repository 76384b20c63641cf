/** Jobs as somebody may see them. */
import { sql } from 'kysely';
import { listPage } from '../catalog/pages.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { jobOf } from '../jobs/job-rows.ts';
import type { Job, JobKind, JobStatus } from '../jobs/port.ts';
import type { HistoryPage } from './backups.ts';
import { tenantsShown, type Visibility } from './visible.ts';

export interface JobsFilter extends Visibility {
  readonly tenantId?: string | undefined;
  readonly plan?: string | undefined;
  readonly kind?: JobKind | undefined;
  readonly status?: JobStatus | undefined;
}

/** Newest first. */
export async function listJobs(
  db: CatalogDb,
  { visible, tenantId, plan, kind, status }: JobsFilter,
  { limit, after }: HistoryPage,
): Promise<{ readonly items: readonly Job[]; readonly next: string | null }> {
  let query = db
    .selectFrom('jobs')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1);
  const tenants = tenantsShown({ visible });
  if (after !== null) query = query.where('id', '<', after);
  if (tenants) query = query.where('tenant_id', 'in', tenants);
  if (tenantId !== undefined) query = query.where('tenant_id', '=', tenantId);
  if (plan !== undefined) query = query.where('plan', '=', plan);
  // Nearly every job is a backup: an index that finds those finds nothing, and SQLite would take it all the same.
  if (kind === 'backup') query = query.where(sql`coalesce(kind, '')`, '=', kind);
  else if (kind !== undefined) query = query.where('kind', '=', kind);
  if (status !== undefined) query = query.where('status', '=', status);
  return listPage((await query.execute()).map(jobOf), limit, ({ id }) => id);
}
