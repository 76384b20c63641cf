import { HoldfastError } from '../../base/errors.ts';
import { TABLE_ARCHIVE_PREFIX } from '../../repository/manifest.ts';
import { openRetainedPostgres } from '../../sources/postgres/index.ts';
import {
  DEFAULT_PACE,
  type RetainedTable,
  type RetentionPace,
  type RetentionRule,
} from '../../sources/retained-table.ts';
import { openRetainedSqlite } from '../../sources/sqlite/index.ts';
import type { SourceSpec } from '../source-spec.ts';

/** A table of a source and what is kept of it. */
export interface TableToRetain {
  readonly source: SourceSpec;
  readonly rule: RetentionRule;
  readonly pace?: Partial<RetentionPace>;
}

/** The plan of a table's archives. */
export function archivePlan(source: string, table: string): string {
  return `${TABLE_ARCHIVE_PREFIX}${source}.${table}`;
}

/** Throws `usage` for a source that is no database, and what opening the table throws. The caller closes. */
export async function openTable(
  { source, rule, pace }: TableToRetain,
  place: { readonly nowMs: number; readonly scratchFolder: string; readonly signal: AbortSignal },
): Promise<RetainedTable> {
  const given = { name: source.name, rule, pace: { ...DEFAULT_PACE, ...pace }, ...place };
  if (source.kind === 'sqlite') return openRetainedSqlite({ ...given, path: source.path });
  if (source.kind === 'postgres') return openRetainedPostgres({ ...given, url: source.url });
  throw new HoldfastError('usage', `${source.name} is no database: it has no tables`);
}
