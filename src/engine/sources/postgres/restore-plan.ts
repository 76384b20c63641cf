import type { ArchiveToc, TocEntry } from './archive-toc.ts';
import { type CopyTarget, parseCopyStatement } from './copy-statement.ts';
import type { DumpFacts, TableFacts } from './facts.ts';

/** One table to load by itself. */
export interface TableLoad {
  readonly table: TableFacts;
  readonly target: CopyTarget;
  /**
   * True for a table this restore makes and nobody else fills: it may be truncated and loaded frozen, in one
   * transaction, which spares the write-ahead log and later rewriting of every row.
   */
  readonly fresh: boolean;
}

export interface RestorePlan {
  /** Largest first: the last connection to finish then has little left. */
  readonly tables: readonly TableLoad[];
  /** Data that pg_restore itself puts in place: sequences, large objects. */
  readonly others: readonly TocEntry[];
  /** Byte ranges of the blocks `others` need, ascending. */
  readonly otherBlocks: readonly { readonly start: number; readonly end: number }[];
}

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
  const dataEntries = entriesOfData(toc);
  const tables: TableLoad[] = [];
  const others: TocEntry[] = [];
  for (const entry of dataEntries) {
    if (entry.kind !== 'TABLE DATA') {
      others.push(entry);
      continue;
    }
    const table = known.get(entry.dumpId);
    const target = parseCopyStatement(entry.copyStatement);
    if (!table || !target || !entry.hasData) return null;
    tables.push({ table, target, fresh: isFresh(entry, target, made) });
  }
  const blocks = new Map(facts.largeObjects.blocks.map((block) => [block.dumpId, block]));
  const withData = others.filter((entry) => entry.hasData);
  if (withData.some((entry) => !blocks.has(entry.dumpId))) return null;
  tables.sort((a, b) => sizeOf(b.table) - sizeOf(a.table));
  const otherBlocks = withData.map((entry) => blocks.get(entry.dumpId)!).sort((a, b) => a.start - b.start);
  return { tables, others, otherBlocks };
}

/**
 * The entries pg_restore counts as data. Those of section `none`, such as comments and grants, belong to whatever
 * stands before them (`ProcessArchiveRestoreOptions` in pg_backup_archiver.c).
 */
function entriesOfData(toc: ArchiveToc): TocEntry[] {
  let section: TocEntry['section'] = 'pre-data';
  return toc.entries.filter((entry) => {
    if (entry.section !== 'none') section = entry.section;
    return section === 'data' && !SETTINGS.has(entry.kind);
  });
}

function sizeOf(range: { start: number; end: number }): number {
  return range.end - range.start;
}

/** Not so for tables of extensions, which bring rows of their own, and data loaded through a partition's root. */
function isFresh(entry: TocEntry, target: CopyTarget, made: ReadonlyMap<number, TocEntry>): boolean {
  return entry.dependencies.some((id) => {
    const table = made.get(id);
    return table !== undefined && table.schema === target.schema && table.name === target.name;
  });
}
