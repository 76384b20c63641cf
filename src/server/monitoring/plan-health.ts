import { type Selectable, sql } from 'kysely';
import type { PlanConfig } from '../../contracts/config.ts';
import { HOUR_MS, MINUTE_MS } from '../../engine/index.ts';
import type { BackupsTable } from '../catalog/tables/backups.ts';
import type { ScheduleEntriesTable } from '../catalog/tables/schedule.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { settingValues } from '../configuration/settings.ts';
import { ageLimitMs, runIntervalMs } from './run-interval.ts';

export interface GoodBackup {
  readonly id: string;
  readonly atMs: number;
  readonly durationMs: number | null;
  readonly sizeBytes: number;
  /** Null when not known. */
  readonly storedBytes: number | null;
}

/** How a plan, or a database of it with its own hour, stands. */
export interface PlanHealth {
  readonly planId: string;
  readonly plan: string;
  /** Null for the plan itself. */
  readonly part: string | null;
  readonly tenantId: string | null;
  readonly status: 'healthy' | 'warning';
  /** For people: why. */
  readonly message: string;
  /** False when its owner switched it off; it is healthy then, whatever its age. */
  readonly isOn: boolean;
  readonly last: GoodBackup | null;
  readonly ageMs: number | null;
  /** Beyond this age the status is a warning. */
  readonly limitMs: number;
  /** Between runs that the schedule intends; null for a plan that runs only when asked. */
  readonly intervalMs: number | null;
  readonly nextDueAtMs: number | null;
  /** When a drill last proved that it restores; null for never. */
  readonly provenAtMs: number | null;
}

/** Clocks of hosts may differ; a backup from further ahead says nothing about today. */
const AHEAD_MS = 5 * MINUTE_MS;

type Row = Selectable<ScheduleEntriesTable> & {
  name: string;
  tenant_id: string | null;
  body: string;
  last_id: string | null;
};

/** Of every plan that is there, in order of name. Good is a backup that is whole, not archived, and not from the future. */
export async function planHealth({ db, clock }: Catalog): Promise<PlanHealth[]> {
  const nowMs = clock.nowMs();
  const rows = await entriesWithLast(db, nowMs);
  const backups = await backupsOf(db, rows);
  const proven = await provenAt(db);
  const limits = new Map<string | null, number>();
  const found: PlanHealth[] = [];
  for (const row of rows) {
    const { tenant_id: tenantId } = row;
    if (!limits.has(tenantId)) {
      limits.set(tenantId, (await settingValues(db, tenantId))['health.warningAfterHours']);
    }
    const last = backups.get(row.last_id ?? '') ?? null;
    found.push(
      healthOf(row, last, proven.get(keyOf(row.name, tenantId)) ?? null, limits.get(tenantId)!, nowMs),
    );
  }
  return found;
}

function healthOf(
  row: Row,
  last: GoodBackup | null,
  provenAtMs: number | null,
  settingHours: number,
  nowMs: number,
): PlanHealth {
  const isScheduled = row.enabled === 1;
  const isOn = isScheduled || isSwitchedOn(row);
  const intervalMs = isScheduled ? runIntervalMs(row.cron, row.time_zone, nowMs) : null;
  const limitMs = ageLimitMs(intervalMs, settingHours);
  const ageMs = last ? Math.max(0, nowMs - last.atMs) : null;
  const isGood = !isOn || (ageMs !== null && ageMs <= limitMs);
  return {
    ...{ planId: row.plan_id, plan: row.name, part: row.part || null, tenantId: row.tenant_id },
    status: isGood ? 'healthy' : 'warning',
    message: messageOf(isOn, ageMs, limitMs),
    ...{ isOn, last, ageMs, limitMs, intervalMs, provenAtMs },
    nextDueAtMs: isScheduled ? row.next_due_at : null,
  };
}

/** Without a schedule, it may be one that is run by hand, or one that its owner switched off. */
function isSwitchedOn({ body, part }: Row): boolean {
  const plan = JSON.parse(body) as PlanConfig;
  return plan.enabled !== false && (part === '' || plan.databases?.[part]?.enabled !== false);
}

function messageOf(isOn: boolean, ageMs: number | null, limitMs: number): string {
  if (!isOn) return 'it is switched off';
  if (ageMs === null) return 'there is no good backup';
  const hours = (ms: number) => Math.round((ms / HOUR_MS) * 10) / 10;
  return `the last good backup is ${hours(ageMs)} hours old, ${hours(limitMs)} are allowed`;
}

function entriesWithLast(db: CatalogDb, nowMs: number): Promise<Row[]> {
  return db
    .selectFrom('schedule_entries as entry')
    .innerJoin('documents as plan', 'plan.id', 'entry.plan_id')
    .selectAll('entry')
    .select(['plan.name', 'plan.tenant_id', 'plan.body'])
    .select((eb) =>
      eb
        .selectFrom('backups')
        .select('backups.id')
        .whereRef('backups.plan', '=', 'plan.name')
        .where(sql`coalesce(backups.part, '')`, '=', eb.ref('entry.part'))
        .where('backups.status', '=', 'succeeded')
        .where('backups.archived_at', 'is', null)
        .where('backups.started_at', '<=', nowMs + AHEAD_MS)
        .orderBy('backups.started_at', 'desc')
        .orderBy('backups.id', 'desc')
        .limit(1)
        .as('last_id'),
    )
    .where('plan.deleted_at', 'is', null)
    .orderBy('plan.name')
    .orderBy('entry.part')
    .execute();
}

const AT_ONCE = 500;

async function backupsOf(db: CatalogDb, rows: readonly Row[]): Promise<Map<string, GoodBackup>> {
  const ids = rows.flatMap(({ last_id }) => (last_id === null ? [] : [last_id]));
  const found = new Map<string, GoodBackup>();
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = await db
      .selectFrom('backups')
      .selectAll()
      .where('id', 'in', ids.slice(at, at + AT_ONCE))
      .execute();
    for (const row of some) found.set(row.id, goodBackup(row));
  }
  return found;
}

const goodBackup = (row: Selectable<BackupsTable>): GoodBackup => ({
  id: row.id,
  atMs: row.started_at,
  durationMs: row.finished_at === null ? null : row.finished_at - row.started_at,
  sizeBytes: row.size_bytes,
  storedBytes: row.stored_bytes,
});

async function provenAt(db: CatalogDb): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('drills')
    .select((eb) => ['plan', 'tenant_id', eb.fn.max('finished_at').as('at')])
    .where('result', '=', 'green')
    .where('trial', '=', 0)
    .where('plan', 'is not', null)
    .groupBy(['plan', 'tenant_id'])
    .execute();
  return new Map(
    rows.flatMap(({ plan, tenant_id, at }) => (at === null ? [] : [[keyOf(plan!, tenant_id), Number(at)]])),
  );
}

/** A name may have been another tenant's. */
const keyOf = (plan: string, tenantId: string | null) => JSON.stringify([plan, tenantId]);
