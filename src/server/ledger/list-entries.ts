import type { LedgerEntriesTable } from '../catalog/tables/ledger.ts';
import { entryOf } from './entry-rows.ts';
import type { LedgerDb, SqlValue } from './ledger-db.ts';
import type { Entry, Stream } from './proof/statements.ts';

export interface LedgerFilter {
  readonly stream: Stream;
  readonly limit: number;
  /** Only entries before this one: where the last page ended. */
  readonly beforeSeq?: number;
  /** Null for what belongs to no tenant; absent for all. */
  readonly tenantId?: string | null;
  /** `key` also finds `key.rotate`. */
  readonly action?: string;
  /** What it was about, such as a backup. */
  readonly objectId?: string;
}

interface Condition {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** Newest first. Costs the same wherever it begins and however rare what is asked for is: each part of it follows an index. */
export async function listLedger(db: LedgerDb, filter: LedgerFilter): Promise<Entry[]> {
  const { stream, limit, beforeSeq, tenantId, action, objectId } = filter;
  const tenant = tenantCondition(tenantId);
  const object = objectId === undefined ? [] : [{ text: 'object_id = ?', values: [objectId] }];
  const before = { text: 'seq < ?', values: [beforeSeq ?? Number.MAX_SAFE_INTEGER] };
  const names = action === undefined ? null : await actionsOf(db, stream, tenant, action);
  const parts = (names ?? [null]).map((name) =>
    page(stream, limit, [
      ...[tenant, ...object, ...(name === null ? [] : [{ text: 'action = ?', values: [name] }])],
      before,
    ]),
  );
  const query = parts.length === 1 ? parts[0]! : newestOf(parts, limit);
  const rows = await db.query<LedgerEntriesTable>(query.text, query.values);
  return rows.map((row) => entryOf(stream, row));
}

function tenantCondition(tenantId: string | null | undefined): Condition {
  if (tenantId === undefined) return { text: '1 = 1', values: [] };
  return tenantId === null
    ? { text: 'tenant_id is null', values: [] }
    : { text: 'tenant_id = ?', values: [tenantId] };
}

function page(stream: Stream, limit: number, conditions: readonly Condition[]): Condition {
  const text = conditions.map((one) => one.text).join(' and ');
  return {
    text: `select * from ${stream} where ${text} order by seq desc limit ?`,
    values: [...conditions.flatMap(({ values }) => values), limit],
  };
}

function newestOf(parts: readonly Condition[], limit: number): Condition {
  const all = parts.map(({ text }, i) => `select * from (${text}) as part${i}`).join(' union all ');
  return {
    text: `select * from (${all}) as parts order by seq desc limit ?`,
    values: [...parts.flatMap(({ values }) => values), limit],
  };
}

/** Actions that occur, of one name and those below it, by leaps through the index: there are few, and many entries of each. */
async function actionsOf(
  db: LedgerDb,
  stream: Stream,
  tenant: Condition,
  action: string,
): Promise<readonly string[]> {
  // `/` comes right after `.`, so that nothing else lies between.
  const end = `${action}/`;
  const next = (from: string) =>
    `select min(action) as action from ${stream} where ${tenant.text} and action ${from} and action < ?`;
  const rows = await db.query<{ action: string }>(
    `with recursive found(action) as (
      ${next('>= ?')}
      union all
      select (${next('> found.action')}) from found where found.action is not null
    ) select action from found where action is not null`,
    [...tenant.values, `${action}.`, end, ...tenant.values, end],
  );
  return [action, ...rows.map((row) => row.action)];
}
