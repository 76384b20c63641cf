import { type RawBuilder, sql } from 'kysely';
import type { CatalogDb } from '../catalog/types.ts';

export interface NextJob {
  readonly id: string;
  /** Empty for none. */
  readonly tenant: string;
}

/**
 * The due job that should be taken next by a worker with these labels: of the highest priority; among those of the tenant that was
 * served longest ago (no tenant is one more); among those the oldest. Jobs whose key is busy are passed over. Null when there
 * is none. Costs a few looks into an index for each tenant that has something waiting, however many jobs wait or ended.
 */
export async function nextJob(
  db: CatalogDb,
  labels: readonly (string | null)[],
  nowMs: number,
): Promise<NextJob | null> {
  if (labels.length === 0) return null;
  const { rows } = await nextJobQuery(labels, nowMs).execute(db);
  return rows[0] ?? null;
}

export function nextJobQuery(labels: readonly (string | null)[], nowMs: number): RawBuilder<NextJob> {
  const named = labels.filter((label) => label !== null);
  const fits = sql.join(
    [
      ...(labels.includes(null) ? [sql`one.label is null`] : []),
      ...(named.length > 0 ? [sql`one.label in (${sql.join(named)})`] : []),
    ],
    sql` or `,
  );
  const tenantAfter = (where: RawBuilder<unknown>) => sql`
    (select coalesce(tenant_id, '') from jobs where ${WAITING} ${where} order by coalesce(tenant_id, '') limit 1)`;
  // Looked up one by one: joins make PostgreSQL read whole tables while its statistics say that nothing waits.
  return sql<NextJob>`
    with recursive waiting(tenant) as (
      select ${tenantAfter(sql``)}
      union all
      select ${tenantAfter(sql`and coalesce(tenant_id, '') > waiting.tenant`)} from waiting where waiting.tenant is not null
    ), first(tenant, id) as materialized (
      select waiting.tenant, (
        select one.id from jobs as one
        where ${WAITING} and coalesce(one.tenant_id, '') = waiting.tenant and one.run_after <= ${nowMs} and (${fits})
          and not exists (
            select 1 from jobs as other where other.concurrency_key = one.concurrency_key and other.status = 'running')
        order by one.priority desc, one.run_after, one.id limit 1)
      from waiting where waiting.tenant is not null
    )
    select id, tenant from first where id is not null
    order by (select priority from jobs where jobs.id = first.id) desc,
      coalesce((select turn from queue_turns where queue_turns.tenant = first.tenant), 0),
      (select run_after from jobs where jobs.id = first.id), id limit 1`;
}

/** What `status = 'queued'` means, in the words of the index of those jobs. */
const WAITING = sql`finished_at is null and lease_token is null`;

/** The tenant was served, and goes to the end of the line. Runs where only one claims. */
export async function takeTurn(trx: CatalogDb, tenant: string): Promise<void> {
  await sql`
    insert into queue_turns (tenant, turn) select ${tenant}, coalesce(max(turn), 0) + 1 from queue_turns where true
    on conflict (tenant) do update set turn = excluded.turn`.execute(trx);
}
