import type { TableRetentionConfig } from '../../contracts/config-extras.ts';
import { HoldfastError } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { listDocuments, requireDocument, type StoredDocument } from './documents.ts';

/** A table of a stored source with a rule of what stays in it. */
export interface RetainedTableRule {
  readonly source: StoredDocument<'source'>;
  readonly table: string;
  readonly rule: TableRetentionConfig;
}

/** Of every source, in order of names. */
export async function listRetainedTables(db: CatalogDb): Promise<RetainedTableRule[]> {
  return (await listDocuments(db, 'source')).flatMap(rulesOf);
}

/** Throws `document_unknown`, and `item_unknown` for a table without a rule. */
export async function requireRetainedTable(
  db: CatalogDb,
  source: string,
  table: string,
): Promise<RetainedTableRule> {
  const found = rulesOf(await requireDocument(db, 'source', source)).find((one) => one.table === table);
  if (found) return found;
  throw new HoldfastError('item_unknown', `the source ${source} has no tableRetention for ${table}`);
}

function rulesOf(source: StoredDocument<'source'>): RetainedTableRule[] {
  const { body } = source;
  if (body.kind !== 'sqlite' && body.kind !== 'postgres') return [];
  return Object.entries(body.tableRetention ?? {}).map(([table, rule]) => ({ source, table, rule }));
}
