import type { ArchiveToc, TocEntry } from './archive-toc.ts';
import { type CopyTarget, parseCopyStatement } from './copy-statement.ts';
import type { DumpFacts, TableFacts } from './facts.ts';
import { type ForeignKey, foreignKeysOf, type IndexBuild, indexesOf } from './index-plan.ts';

/** One table to load by itself. */
export interface TableLoad {
  readonly table: TableFacts;
  readonly target: CopyTarget;
  /**
   * True for a table this restore makes and nobody else fills: it may be truncated and loaded frozen, in one
   * transaction, which spares the write-ahead log and later rewriting of every row.
   */
  readonly fresh: boolean;
  /** What can be made as soon as it is loaded, constraints first. */
  readonly indexes: readonly IndexBuild[];
}

export interface RestorePlan {
  /** Largest first: the last connection to finish then has little left. */
  readonly tables: readonly TableLoad[];
  /** Data that pg_restore itself puts in place: sequences, large objects. */
  readonly others: readonly TocEntry[];
  /** Byte ranges of the blocks `others` need, ascending. */
  readonly otherBlocks: readonly { readonly start: number; readonly end: number }[];
  /** Between tables of this plan, once their indexes are there. */
  readonly foreignKeys: readonly PlannedKey[];
  /** What comes last, by pg_restore: all of the last section that is not in this plan. */
  readonly later: readonly TocEntry[];
}

export interface PlannedKey extends ForeignKey {
  readonly fromTable: TableLoad;
  readonly toTable: TableLoad;
}

/**
 * Tables below this are loaded many at a time. Foreign keys of theirs cost nothing, and pg_restore makes them: a plan
 * of a hundred thousand keys would not be one any more.
 */
export const SMALL_TABLE_BYTES = 1 << 20;

/** Entries that set up a session of pg_restore; they are no data wherever they stand. */
const SETTINGS = new Set(['ENCODING', 'STDSTRINGS', 'SEARCHPATH', 'DATABASE', 'DATABASE PROPERTIES']);

/**
 * How to restore a dump table by table, or null when something in it is not understood and pg_restore should do
 * the whole: data without a plain COPY statement, or blocks the facts do not know.
 */
export function planRestore(toc: ArchiveToc, facts: DumpFacts): RestorePlan | null {
  const known = new Map(facts.tables.map((table) => [table.dumpId, table]));
  const made = new Map(
    toc.entries.filter((entry) => entry.kind === 'TABLE').map((entry) => [entry.dumpId, entry]),
  );
  const tables: (TableLoad & { readonly made: TocEntry | null })[] = [];
  const others: TocEntry[] = [];
  const indexes = indexesOf(toc, [...made.values()]);
  for (const entry of entriesIn(toc, 'data')) {
    if (entry.kind !== 'TABLE DATA') {
      others.push(entry);
      continue;
    }
    const table = known.get(entry.dumpId);
    const target = parseCopyStatement(entry.copyStatement);
    if (!table || !target || !entry.hasData) return null;
    const maker = makerOf(entry, target, made);
    const own = maker === null ? [] : indexes.get(maker.dumpId)!;
    const constraintsFirst = [...own].sort((a, b) => Number(b.exclusive) - Number(a.exclusive));
    tables.push({ table, target, fresh: maker !== null, indexes: constraintsFirst, made: maker });
  }
  const blocks = new Map(facts.largeObjects.blocks.map((block) => [block.dumpId, block]));
  const withData = others.filter((entry) => entry.hasData);
  if (withData.some((entry) => !blocks.has(entry.dumpId))) return null;
  tables.sort((a, b) => sizeOf(b.table) - sizeOf(a.table));
  const otherBlocks = withData.map((entry) => blocks.get(entry.dumpId)!).sort((a, b) => a.start - b.start);
  const foreignKeys = keysBetween(toc, tables);
  const planned = new Set(
    [...tables.flatMap((load) => load.indexes), ...foreignKeys].map(({ entry }) => entry.dumpId),
  );
  const later = entriesIn(toc, 'post-data').filter(({ dumpId }) => !planned.has(dumpId));
  return { tables, others, otherBlocks, foreignKeys, later };
}

function keysBetween(
  toc: ArchiveToc,
  loads: readonly (TableLoad & { readonly made: TocEntry | null })[],
): PlannedKey[] {
  const byId = new Map(loads.flatMap((load) => (load.made ? [[load.made.dumpId, load] as const] : [])));
  const tables = new Map([...byId].map(([id, load]) => [id, load.made!]));
  const made = new Set(loads.flatMap((load) => load.indexes).map(({ entry }) => entry.dumpId));
  return foreignKeysOf(toc, tables, made)
    .map((key) => ({
      ...key,
      fromTable: byId.get(key.from.dumpId)!,
      toTable: byId.get(key.to.dumpId)!,
    }))
    .filter(({ fromTable }) => sizeOf(fromTable.table) >= SMALL_TABLE_BYTES);
}

/**
 * The entries pg_restore counts as of one section. Those of section `none`, such as comments and grants, belong to
 * whatever stands before them (`ProcessArchiveRestoreOptions` in pg_backup_archiver.c).
 */
function entriesIn(toc: ArchiveToc, wanted: TocEntry['section']): TocEntry[] {
  let section: TocEntry['section'] = 'pre-data';
  return toc.entries.filter((entry) => {
    if (entry.section !== 'none') section = entry.section;
    return section === wanted && !SETTINGS.has(entry.kind);
  });
}

export function sizeOf(range: { start: number; end: number }): number {
  return range.end - range.start;
}

/** None for tables of extensions, which bring rows of their own, and for data loaded through a partition's root. */
function makerOf(entry: TocEntry, target: CopyTarget, made: ReadonlyMap<number, TocEntry>): TocEntry | null {
  for (const id of entry.dependencies) {
    const table = made.get(id);
    if (table && table.schema === target.schema && table.name === target.name) return table;
  }
  return null;
}
