/** Promise N3: the last good backup of each tenant, and whether that is good enough. */
import { isoOrNull } from '../../contracts/api/common.ts';
import { DAY_MS, HOUR_MS } from '../../engine/index.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { listDocuments } from '../configuration/documents.ts';
import { settingValues } from '../configuration/settings.ts';

/** Of every tenant that has a plan, and of the plans of none. `visible`: see `visibleTenants`. */
export async function backupHealth({ db, clock }: Catalog, visible: readonly string[] | null) {
  const nowMs = clock.nowMs();
  const plans = await listDocuments(db, 'plan');
  const ids = [...new Set(plans.map(({ tenantId }) => tenantId))].filter(
    (id) => visible === null || (id !== null && visible.includes(id)),
  );
  const tenants = await Promise.all(ids.map((id) => healthOf(db, id, nowMs)));
  const isHealthy = tenants.every(({ status }) => status === 'healthy');
  return { status: isHealthy ? ('healthy' as const) : ('warning' as const), tenants };
}

async function healthOf(db: CatalogDb, tenantId: string | null, nowMs: number) {
  const settings = await settingValues(db, tenantId);
  const own = db
    .selectFrom('backups')
    .where('tenant_id', tenantId === null ? 'is' : '=', tenantId)
    .where('archived_at', 'is', null)
    .where('status', '=', 'succeeded');
  const last = await own
    .select(['id', 'started_at'])
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const { count } = await own
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('started_at', '>', nowMs - 28 * DAY_MS)
    .executeTakeFirstOrThrow();
  const proven = await db
    .selectFrom('drills')
    .select('finished_at')
    .where('tenant_id', tenantId === null ? 'is' : '=', tenantId)
    .where('status', '=', 'succeeded')
    .orderBy('finished_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  const hours = (ms: number) => Math.round(((nowMs - ms) / HOUR_MS) * 10) / 10;
  const ageHours = last ? hours(last.started_at) : null;
  const limit = settings['health.warningAfterHours'];
  const isHealthy = ageHours !== null && ageHours <= limit;
  return {
    tenant_id: tenantId,
    status: isHealthy ? ('healthy' as const) : ('warning' as const),
    message:
      ageHours === null
        ? 'there is no good backup'
        : `the last good backup is ${ageHours} hours old, ${limit} are allowed`,
    last_good_backup_at: isoOrNull(last?.started_at ?? null),
    last_good_backup_id: last?.id ?? null,
    age_hours: ageHours,
    backups_per_week: Number(count) / 4,
    hours_since_proven_restore: proven?.finished_at ? hours(proven.finished_at) : null,
  };
}
