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
}

/** Newest first. */
export async function listLedger(db: LedgerDb, filter: LedgerFilter): Promise<Entry[]> {
  const { stream, limit, beforeSeq, tenantId, action } = filter;
  const conditions = ['seq < ?'];
  const values: SqlValue[] = [beforeSeq ?? Number.MAX_SAFE_INTEGER];
  if (tenantId === null) conditions.push('tenant_id is null');
  if (typeof tenantId === 'string') {
    conditions.push('tenant_id = ?');
    values.push(tenantId);
  }
  if (action !== undefined) {
    conditions.push('(action = ? or substr(action, 1, ?) = ?)');
    values.push(action, action.length + 1, `${action}.`);
  }
  const rows = await db.query<LedgerEntriesTable>(
    `select * from ${stream} where ${conditions.join(' and ')} order by seq desc limit ?`,
    [...values, limit],
  );
  return rows.map((row) => entryOf(stream, row));
}
