import { type Expression, expressionBuilder, type SqlBool, sql } from 'kysely';
import type { CatalogSchema } from '../catalog/schema.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { cronTimes } from './cron.ts';
import { DRILL_PART } from './drill-entries.ts';
import { dueAtMs } from './jitter.ts';
import type { UpcomingRequest, UpcomingRun } from './port.ts';

/** The next runs of backups and drills in order of time. */
export async function upcomingRuns(db: CatalogDb, request: UpcomingRequest): Promise<UpcomingRun[]> {
  const lines = [...(await backupEntries(db, request)), ...(await drillEntries(db, request))].map(lineOf);
  const runs: UpcomingRun[] = [];
  const unseen = new Set(lines);
  // Each time the first of all that is next: most entries are asked for one time, not for as many as are wanted.
  while (runs.length < request.limit) {
    const first = lines.reduce<Line | null>(
      (best, one) => (one.next && (!best?.next || one.next.dueAtMs < best.next.dueAtMs) ? one : best),
      null,
    );
    if (!first?.next) break;
    runs.push(first.next);
    unseen.delete(first);
    first.advance();
  }
  if (!request.eachOnce) return runs;
  const later = [...unseen].flatMap(({ next }) => next ?? []);
  return [...runs, ...later.toSorted((a, b) => a.dueAtMs - b.dueAtMs)];
}

interface Entry {
  readonly kind: UpcomingRun['kind'];
  readonly plan_id: string;
  readonly name: string;
  readonly tenant_id: string | null;
  /** As it is stored, and what jitter goes by. */
  readonly part: string;
  readonly cron: string;
  readonly time_zone: string;
  readonly jitter_ms: number;
  readonly next_slot_at: number | null;
}

interface Line {
  readonly next: UpcomingRun | null;
  advance(): void;
}

function lineOf({ kind, plan_id, name, tenant_id, part, jitter_ms, ...entry }: Entry): Line {
  const times = cronTimes(entry.cron, entry.time_zone);
  const runAt = (slotMs: number | null): UpcomingRun | null =>
    slotMs === null
      ? null
      : {
          ...{ kind, planId: plan_id, plan: name, tenantId: tenant_id },
          part: kind === 'drill' ? null : part || null,
          slotAtMs: slotMs,
          dueAtMs: dueAtMs(plan_id, part, slotMs, jitter_ms),
        };
  let next = runAt(entry.next_slot_at);
  return {
    get next() {
      return next;
    },
    advance() {
      next = next && runAt(times.after(next.slotAtMs));
    },
  };
}

async function backupEntries(db: CatalogDb, request: UpcomingRequest): Promise<Entry[]> {
  const rows = await db
    .selectFrom('schedule_entries as entry')
    .innerJoin('documents as plan', 'plan.id', 'entry.plan_id')
    .selectAll('entry')
    .select(['plan.name', 'plan.tenant_id'])
    .where('entry.enabled', '=', sql.lit(1))
    .where('entry.next_due_at', 'is not', null)
    .where(isAskedFor(request))
    .orderBy('entry.next_due_at')
    .$if(!request.eachOnce, (query) => query.limit(request.limit))
    .execute();
  return rows.map((row) => ({ ...row, kind: 'backup' }));
}

/** Those with times of their own; a drill after so many backups has none. */
async function drillEntries(db: CatalogDb, request: UpcomingRequest): Promise<Entry[]> {
  const rows = await db
    .selectFrom('drill_entries as entry')
    .innerJoin('documents as plan', 'plan.id', 'entry.plan_id')
    .selectAll('entry')
    .select(['plan.name', 'plan.tenant_id'])
    .where('entry.enabled', '=', sql.lit(1))
    .where('entry.next_due_at', 'is not', null)
    .where(isAskedFor(request))
    .orderBy('entry.next_due_at')
    .$if(!request.eachOnce, (query) => query.limit(request.limit))
    .execute();
  return rows.map((row) => ({ ...row, kind: 'drill', part: DRILL_PART, cron: row.cron! }));
}

/** Which plans, in a query that calls them `plan`. */
function isAskedFor({ planId, tenantId, tenants }: UpcomingRequest): Expression<SqlBool> {
  const plan = expressionBuilder<{ plan: CatalogSchema['documents'] }, 'plan'>();
  const conditions = [];
  if (planId !== undefined) conditions.push(plan('plan.id', '=', planId));
  // `in ()` is no SQL: nobody's name where there are none.
  if (tenants) conditions.push(plan('plan.tenant_id', 'in', tenants.length > 0 ? tenants : ['']));
  if (tenantId === null) conditions.push(plan('plan.tenant_id', 'is', null));
  if (tenantId != null) conditions.push(plan('plan.tenant_id', '=', tenantId));
  return plan.and(conditions);
}
