import { DAY_MS } from '../../engine/index.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { settingValues } from '../configuration/settings.ts';

/** In one transaction, so that others do not wait. */
const AT_ONCE = 500;

export interface Forgotten {
  readonly jobs: number;
  readonly triggers: number;
  readonly events: number;
  /** With their evidence. */
  readonly drills: number;
}

/** What `history.days` says is old; nothing where it says null. See `forgetOld`. */
export async function forgetHistory(catalog: Catalog): Promise<void> {
  const { 'history.days': days } = await settingValues(catalog.db, null);
  if (days !== null) await forgetOld(catalog, days, catalog.clock.nowMs());
}

/**
 * Deletes jobs with their events, triggers, events that notices dealt with, and drills with their evidence, that are older than so many days.
 * Of each plan the last drill stays, and the last that was green: it proves that the plan restores. Of each table that is thinned the last
 * job stays: it tells that its time was taken, which may come once a year. Backups stay: they go with what destinations hold. Runs beside everything else; several at once share the work.
 */
export async function forgetOld(catalog: Catalog, days: number, nowMs: number): Promise<Forgotten> {
  const beforeMs = nowMs - days * DAY_MS;
  const old = firstIdAt(beforeMs);
  return {
    jobs: await inPortions(catalog, async (trx) => {
      const query = trx.selectFrom('jobs').select('id').where('id', '<', old);
      const ended = query.where('finished_at', '<', beforeMs).where('id', 'not in', await lastOfTables(trx));
      return remove(trx, 'jobs', await ended.orderBy('id').limit(AT_ONCE).execute());
    }),
    triggers: await inPortions(catalog, async (trx) => {
      const query = trx.selectFrom('triggers').select('id').where('id', '<', old);
      return remove(trx, 'triggers', await query.orderBy('id').limit(AT_ONCE).execute());
    }),
    events: await inPortions(catalog, async (trx) => {
      const query = trx.selectFrom('events').select('id').where('id', '<', old);
      const ids = await query.where('handled_at', 'is not', null).orderBy('id').limit(AT_ONCE).execute();
      return remove(trx, 'events', ids);
    }),
    drills: await inPortions(catalog, async (trx) => {
      const stays = await lastOfPlans(trx);
      const query = trx.selectFrom('drills').select('id').where('id', '<', old);
      const ids = await query.where('id', 'not in', stays).orderBy('id').limit(AT_ONCE).execute();
      return remove(trx, 'drills', ids);
    }),
  };
}

/** Ids of the last drill of each plan and of the last green one, trials left out. Never empty: `not in ()` is no SQL. */
async function lastOfPlans(db: CatalogDb): Promise<string[]> {
  const lastOf = await db
    .selectFrom('drills')
    .select((eb) => [
      eb.fn.max('id').as('last'),
      eb.fn.max(eb.case().when('result', '=', 'green').then(eb.ref('id')).end()).as('green'),
    ])
    .where('trial', '=', 0)
    .where('plan', 'is not', null)
    .groupBy(['plan', 'tenant_id'])
    .execute();
  return ['', ...lastOf.flatMap(({ last, green }) => [last, green ?? last])];
}

/** Ids of the last job of each table that is thinned. Never empty. */
async function lastOfTables(db: CatalogDb): Promise<string[]> {
  const query = db.selectFrom('jobs').select((eb) => eb.fn.max('id').as('last'));
  const rows = await query.where('kind', '=', 'table-retention').groupBy('singleton_key').execute();
  return ['', ...rows.map(({ last }) => last)];
}

async function remove(
  trx: CatalogDb,
  table: 'jobs' | 'triggers' | 'events' | 'drills',
  rows: readonly { readonly id: string }[],
): Promise<number> {
  const ids = rows.map(({ id }) => id);
  if (ids.length > 0) await trx.deleteFrom(table).where('id', 'in', ids).execute();
  return ids.length;
}

async function inPortions(catalog: Catalog, work: (trx: CatalogDb) => Promise<number>): Promise<number> {
  let total = 0;
  for (;;) {
    const done = await catalog.transaction(work);
    total += done;
    if (done < AT_ONCE) return total;
  }
}

/** Ids begin with their time, so the oldest are found without another index: no UUIDv7 of this time or later is below it. */
function firstIdAt(ms: number): string {
  const time = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}
