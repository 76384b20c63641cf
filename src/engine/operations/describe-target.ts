/** What is where a restore would go: for people who are to decide. */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, HoldfastError, systemCode } from '../base/errors.ts';
import { describeLive, parsePostgresAddress, queryReadOnly } from '../sources/postgres/index.ts';
import { isSqliteFile, querySqlite } from '../sources/sqlite/index.ts';
import { isDatabaseAddress } from './restore-plan.ts';

export interface TargetDescription {
  readonly kind: 'database' | 'file' | 'folder' | 'nothing';
  readonly sizeBytes: number | null;
  /** Files and folders in a folder; null for anything else. */
  readonly entries: number | null;
  readonly tables: number | null;
  /** As the database estimates them; null where it does not. */
  readonly rows: number | null;
  /** Why a database cannot be exchanged for another by this login; null when nothing is in the way. */
  readonly obstacle: string | null;
  /** True when there was too much to count. */
  readonly isMore: boolean;
}

const NOTHING: TargetDescription = {
  ...{ kind: 'nothing', sizeBytes: null, entries: null, tables: null, rows: null, obstacle: null },
  isMore: false,
};
const QUERY_MS = 10_000;
const MOST_ENTRIES = 100_000;

const COUNTS = `select pg_catalog.pg_database_size(pg_catalog.current_database())::text,
  pg_catalog.count(*)::text, coalesce(pg_catalog.sum(greatest(c.reltuples, s.n_live_tup, 0)), 0)::int8::text
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
  where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** Changes nothing. Counts up to a limit. Throws `database_unreachable`, `database_auth`, `database_failed`, `target_failed`, `interrupted`. */
export async function describeTarget(target: string, signal: AbortSignal): Promise<TargetDescription> {
  if (isDatabaseAddress(target)) return describeDatabase(target, signal);
  const found = await lstat(target).catch((error: unknown) => {
    const code = systemCode(error) ?? '';
    if (['ENOENT', 'ENOTDIR'].includes(code)) return null;
    throw new HoldfastError('target_failed', `${target} cannot be looked at: ${code}`, { cause: error });
  });
  if (!found) return NOTHING;
  if (found.isDirectory()) return describeFolder(target, signal);
  const file = { ...NOTHING, kind: 'file' as const, sizeBytes: found.size };
  if (!found.isFile() || !(await isSqliteFile(target).catch(() => false))) return file;
  const tables = await querySqlite(
    target,
    "select count(*) from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'",
    QUERY_MS,
    signal,
  ).catch(() => null);
  return { ...file, kind: 'database', tables: tables ? Number(tables[0]![0]) : null };
}

async function describeDatabase(target: string, signal: AbortSignal): Promise<TargetDescription> {
  try {
    const [row] = await queryReadOnly(target, COUNTS, QUERY_MS, signal);
    const [sizeBytes, tables, rows] = row!.map(Number) as [number, number, number];
    const live = await describeLive(parsePostgresAddress(target));
    return { ...NOTHING, kind: 'database', sizeBytes, tables, rows, obstacle: live?.obstacle ?? null };
  } catch (error) {
    if (codeOf(error) === 'source_missing') return NOTHING;
    throw error;
  }
}

async function describeFolder(root: string, signal: AbortSignal): Promise<TargetDescription> {
  const folders = [root];
  let [sizeBytes, entries] = [0, 0];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    const opened = await opendir(folder).catch(() => null);
    for await (const entry of opened ?? []) {
      if (entries === MOST_ENTRIES) return { ...NOTHING, kind: 'folder', sizeBytes, entries, isMore: true };
      entries += 1;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) sizeBytes += (await lstat(path).catch(() => null))?.size ?? 0;
    }
  }
  return { ...NOTHING, kind: 'folder', sizeBytes, entries };
}
