/** What drills found, as the catalog knows it. */
import type { Selectable } from 'kysely';
import type { DrillReport } from '../../engine/index.ts';
import { HoldfastError } from '../../engine/index.ts';
import { listPage } from '../catalog/pages.ts';
import type { DrillsTable } from '../catalog/tables/drills.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { JobError } from '../jobs/port.ts';
import type { HistoryPage } from './backups.ts';

export interface DrillEntry
  extends Pick<Selectable<DrillsTable>, 'id' | 'plan' | 'via' | 'result' | 'checks' | 'fingerprint'> {
  readonly jobId: string | null;
  readonly tenantId: string | null;
  readonly backupId: string | null;
  readonly requestedBy: string | null;
  readonly isTrial: boolean;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly rtoMs: number | null;
  readonly rpoMs: number | null;
  readonly redChecks: number;
  readonly failure: JobError | null;
  readonly evidenceSha256: string | null;
  readonly storedAt: readonly string[];
  readonly notStored: readonly string[];
}

export interface DrillFilter {
  /** Only of these tenants; null for all. */
  readonly tenants: readonly string[] | null;
  readonly plan?: string | undefined;
  readonly backupId?: string | undefined;
  readonly result?: 'green' | 'red' | undefined;
  readonly isTrial?: boolean | undefined;
}

/** Newest first. */
export async function listDrills(
  db: CatalogDb,
  { tenants, plan, backupId, result, isTrial }: DrillFilter,
  { limit, after }: HistoryPage,
): Promise<{ readonly items: readonly DrillEntry[]; readonly next: string | null }> {
  let query = db
    .selectFrom('drills')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (after !== null) query = query.where('id', '<', after);
  if (tenants) query = query.where('tenant_id', 'in', tenants.length > 0 ? tenants : ['']);
  if (plan !== undefined) query = query.where('plan', '=', plan);
  if (backupId !== undefined) query = query.where('backup_id', '=', backupId);
  if (result !== undefined) query = query.where('result', '=', result);
  if (isTrial !== undefined) query = query.where('trial', '=', isTrial ? 1 : 0);
  return listPage((await query.execute()).map(entryOf), limit, ({ id }) => id);
}

/** Throws `id_unknown`. */
export async function requireDrill(db: CatalogDb, id: string): Promise<DrillEntry> {
  const row = await db.selectFrom('drills').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw new HoldfastError('id_unknown', `there is no drill ${id}`);
  return entryOf(row);
}

export interface KeptEvidence {
  /** As it was signed, byte for byte. */
  readonly document: string;
  readonly page: string;
  readonly report: DrillReport;
}

/** Null where none could be made. */
export async function evidenceOf(db: CatalogDb, id: string): Promise<KeptEvidence | null> {
  const row = await db.selectFrom('drill_evidence').selectAll().where('drill_id', '=', id).executeTakeFirst();
  if (!row) return null;
  const { evidence } = JSON.parse(row.document) as { evidence: DrillReport };
  return { document: row.document, page: row.page, report: evidence };
}

const TREND_LENGTH = 24;

/** Drills of the plan up to one of them, oldest first, without trials. */
export async function trendUntil(db: CatalogDb, { id, plan, tenantId }: DrillEntry): Promise<DrillEntry[]> {
  if (plan === null) return [];
  const rows = await db
    .selectFrom('drills')
    .selectAll()
    .where('plan', '=', plan)
    .where('tenant_id', tenantId === null ? 'is' : '=', tenantId)
    .where('trial', '=', 0)
    .where('id', '<=', id)
    .orderBy('id', 'desc')
    .limit(TREND_LENGTH)
    .execute();
  return rows.map(entryOf).reverse();
}

export interface LastDrills {
  readonly last: DrillEntry;
  /** The last that was green. */
  readonly green: DrillEntry | null;
}

/** Tells the last drills of a plan, trials left out; null for none. A name may have been another tenant's before. */
export async function lastDrills(
  db: CatalogDb,
): Promise<(plan: string, tenantId: string | null) => LastDrills | null> {
  const newest = (result?: 'green') => {
    let latest = db
      .selectFrom('drills')
      .select((eb) => eb.fn.max('id').as('id'))
      .where('trial', '=', 0)
      .where('plan', 'is not', null);
    if (result) latest = latest.where('result', '=', result);
    return db
      .selectFrom('drills')
      .selectAll()
      .where('id', 'in', latest.groupBy(['plan', 'tenant_id']))
      .execute();
  };
  const keyOf = (plan: string | null, tenantId: string | null) => JSON.stringify([plan, tenantId]);
  const byPlan = (entries: readonly DrillEntry[]) =>
    new Map(entries.map((one) => [keyOf(one.plan, one.tenantId), one]));
  const green = byPlan((await newest('green')).map(entryOf));
  const last = byPlan((await newest()).map(entryOf));
  return (plan, tenantId) => {
    const key = keyOf(plan, tenantId);
    const found = last.get(key);
    return found ? { last: found, green: green.get(key) ?? null } : null;
  };
}

function entryOf(row: Selectable<DrillsTable>): DrillEntry {
  return {
    ...{ id: row.id, plan: row.plan, via: row.via, result: row.result, checks: row.checks },
    ...{ jobId: row.job_id, tenantId: row.tenant_id, backupId: row.backup_id },
    ...{ requestedBy: row.requested_by, isTrial: row.trial === 1, fingerprint: row.fingerprint },
    ...{ startedAtMs: row.started_at, finishedAtMs: row.finished_at },
    ...{ rtoMs: row.recovery_ms, rpoMs: row.data_age_ms, redChecks: row.red_checks },
    failure: row.failure === null ? null : (JSON.parse(row.failure) as JobError),
    evidenceSha256: row.evidence_sha256,
    storedAt: JSON.parse(row.stored_at) as string[],
    notStored: JSON.parse(row.not_stored) as string[],
  };
}
