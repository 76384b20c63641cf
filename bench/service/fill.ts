/** A long history in a catalog, made by the database itself: a million rows a table in seconds, the same on both. */
import { type RawBuilder, sql } from 'kysely';
import type { Catalog } from '../../src/server/catalog/types.ts';

export const TENANTS = 100;
export const PLANS = 1000;
/** Rows a statement: on SQLite each is one transaction, and its log must not grow without end. */
const BATCH = 100_000;
const STEP_MS = 180_000;
/** Of the oldest rows these belong to one tenant and plan that did nothing since: what a filter finds last. */
const RARE_ROWS = 300;

export interface Filled {
  readonly rows: number;
  readonly startMs: number;
  /** The id of row number `i`; higher is newer. Backup, job and trigger of a number share it. */
  idOf(i: number): string;
  timeOf(i: number): number;
}

/** The time of the newest row in a catalog that was filled with as many; null in one that was not. */
async function filledUntilMs({ db }: Catalog, rows: number): Promise<number | null> {
  const found = await db
    .selectFrom('backups')
    .select([sql<number>`count(*)`.as('count'), sql<number>`max(started_at)`.as('last')])
    .executeTakeFirstOrThrow();
  return found.count === rows ? found.last : null;
}

/** Unless it is filled: writes `rows` backups with a copy, jobs, triggers and entries of both streams of the ledger. The newest is of `endMs`. */
export async function fillHistory(catalog: Catalog, rows: number, endMs: number): Promise<Filled> {
  const lastMs = await filledUntilMs(catalog, rows);
  const startMs = (lastMs ?? endMs) - (rows - 1) * STEP_MS;
  for (let from = 0; from < rows && lastMs === null; from += BATCH) {
    const batch = { from, to: Math.min(rows, from + BATCH), startMs, dialect: catalog.dialect };
    for (const statement of statementsOf(batch)) {
      await catalog.transaction(async (trx) => void (await statement.execute(trx)));
    }
  }
  if (catalog.dialect === 'postgres') await sql`vacuum analyze`.execute(catalog.db);
  const timeOf = (i: number) => startMs + i * STEP_MS;
  const idOf = (i: number) => {
    const time = timeOf(i).toString(16).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${i.toString(16).padStart(12, '0')}`;
  };
  return { rows, startMs, idOf, timeOf };
}

interface Batch {
  readonly from: number;
  readonly to: number;
  readonly startMs: number;
  readonly dialect: Catalog['dialect'];
}

function statementsOf(batch: Batch): RawBuilder<unknown>[] {
  const { from, to, startMs, dialect } = batch;
  const hex = (value: string, digits: number) =>
    dialect === 'sqlite'
      ? `printf('%0${digits}x', ${value})`
      : `lpad(to_hex((${value})::bigint), ${digits}, '0')`;
  const at = `(${startMs} + i * ${STEP_MS})`;
  const time = hex(at, 12);
  const id = `substr(${time}, 1, 8) || '-' || substr(${time}, 9) || '-7000-8000-' || ${hex('i', 12)}`;
  const rare = `i < ${RARE_ROWS}`;
  const tenant = `case when ${rare} then 'tenant-rare' when i % 10 = 0 then null else 'tenant-' || (i % ${TENANTS}) end`;
  const plan = `case when ${rare} then 'plan-rare' else 'plan-' || (i % ${PLANS}) end`;
  const status = `case when i % 50 = 7 then 'failed' else 'succeeded' end`;
  const series =
    dialect === 'sqlite'
      ? `with recursive n(i) as (select ${from} union all select i + 1 from n where i + 1 < ${to})`
      : `with n(i) as (select generate_series(${from}::bigint, ${to - 1}::bigint))`;
  const insert = (table: string, columns: Readonly<Record<string, string>>) =>
    sql.raw(
      `insert into ${table} (${Object.keys(columns).join(', ')}) ${series} select ${Object.values(columns).join(', ')} from n order by i`,
    );
  const owner = { tenant_id: tenant, plan_id: plan, plan };
  // As the ledger chains them, but for the signature, which reading does not look at.
  const entry = (action: string) => ({
    ...{
      seq: 'i + 1',
      at,
      tenant_id: tenant,
      actor_kind: "'worker'",
      actor_id: "'w'",
      actor_name: "'worker'",
    },
    ...{ action, object_kind: "'backup'", object_id: id, outcome: "'succeeded'", detail: "'{}'" },
    ...{ previous_hash: hex('i', 64), hash: hex('i + 1', 64), signature: "'-'", key_id: hex('1', 64) },
  });
  return [
    insert('backups', {
      ...{
        id,
        ...owner,
        type: "'full'",
        status: "'succeeded'",
        started_at: at,
        finished_at: `${at} + 60000`,
      },
      ...{ size_bytes: '1000000000 + i', stored_bytes: '10000000', held: '0', job_id: id },
      artifacts: `'[{"name":"db.dump","source":"db","kind":"postgres","sizeBytes":1000000000}]'`,
      archived_at: `case when i % 7 = 0 then ${at} else null end`,
    }),
    insert('backup_copies', {
      backup_id: id,
      destination_id: "'main'",
      state: "'present'",
      seen_at: at,
      copied_at: at,
    }),
    insert('jobs', {
      ...{
        id,
        kind: "case when i % 20 = 0 then 'verify' else 'backup' end",
        status,
        ...owner,
        payload: "'{}'",
      },
      ...{
        priority: '0',
        concurrency_key: `'source:' || (${plan})`,
        singleton_key: `'backup:' || (${plan})`,
      },
      ...{
        idempotency_key: `'slot:' || i`,
        created_at: at,
        run_after: at,
        started_at: at,
        finished_at: `${at} + 60000`,
      },
      ...{ attempt: '1', max_attempts: '3', worker_id: "'w'", slot_at: at, last_event: '3' },
      ...{
        result: `'{"backups":[]}'`,
        error_code: "case when i % 50 = 7 then 'source_failed' else null end",
      },
      error_message: "case when i % 50 = 7 then 'the source failed' else null end",
      error_next: "case when i % 50 = 7 then 'see its message' else null end",
    }),
    insert('triggers', {
      ...{ id, at, via: "'schedule'", ...owner, type: "'full'", outcome: "'accepted'", job_id: id },
    }),
    insert('audit_vault', entry(`case when i % 1000 = 0 then 'key.rotate' else 'backup' end`)),
    insert('org_admin_reads', entry("'api.backups.download'")),
  ];
}
