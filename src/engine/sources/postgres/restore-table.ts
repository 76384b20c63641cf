import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import { parsePostgresAddress } from './address.ts';
import { type ArchiveToc, type TocEntry, tocOfStream } from './archive-toc.ts';
import { toolOutput } from './child.ts';
import { endQuietly } from './connect.ts';
import { parseDumpFacts } from './facts.ts';
import { loadTable } from './load-table.ts';
import {
  openLoader,
  pgRestoreCall,
  progressOf,
  type RestoreContext,
  type RestoreOptions,
} from './restore-context.ts';
import { planRestore, type TableLoad } from './restore-plan.ts';
import { requireUnprivileged } from './roles.ts';
import { serverFacts } from './snapshot.ts';
import { writeTocFile } from './toc-file.ts';
import { requireTools } from './tools.ts';

export interface RestoreTableOptions extends Omit<RestoreOptions, 'parallel' | 'jobs' | 'owners'> {
  readonly schema: string;
  readonly table: string;
  /**
   * `data` appends to a table that is there and must be empty; `definition` makes it first, with its sequences,
   * defaults, keys, indexes and comments, without foreign keys and triggers.
   */
  readonly what: 'data' | 'definition';
}

const WITH_TABLE = new Set(['DEFAULT', 'CONSTRAINT', 'INDEX', 'SEQUENCE', 'SEQUENCE OWNED BY', 'COMMENT']);

/**
 * Restores one table into an existing database, beside whatever else is there. Throws `item_unknown`,
 * `target_not_empty` when the table has rows, `restore_mismatch`, `database_failed`, and what connecting throws.
 */
export async function restoreTable(options: RestoreTableOptions): Promise<{ rows: number }> {
  const facts = parseDumpFacts(options.facts);
  const toc = await tocOfStream(options.reader.read(options.content), 'object_damaged');
  const isIt = ({ table }: TableLoad) => table.schema === options.schema && table.name === options.table;
  const load = facts ? planRestore(toc, facts)?.tables.find(isIt) : undefined;
  if (!facts || !load) {
    throw new HoldfastError('item_unknown', `the dump holds no table ${options.schema}.${options.table}`);
  }
  const context = await contextOf(options, facts.encoding, facts.pgDumpVersion);
  const entries = options.what === 'definition' ? entriesWith(toc, load.table.dumpId) : [];
  if (entries.length > 0) await runEntries(context, toc, entries, 'pre-data');
  await loadData(context, load);
  if (entries.length > 0) {
    await runEntries(context, toc, entries, 'data');
    await runEntries(context, toc, entries, 'post-data');
  }
  return { rows: load.table.rows };
}

async function contextOf(
  options: RestoreTableOptions,
  encoding: string,
  pgDumpVersion: string,
): Promise<RestoreContext> {
  const address = parsePostgresAddress(options.targetUrl);
  const role = options.role ?? null;
  const client = await openLoader({ address, encoding, role });
  const { major } = await (async () => {
    if (options.untrusted) await requireUnprivileged(client);
    return serverFacts(client);
  })().finally(() => endQuietly(client));
  const wantedMajor = Math.max(major, Number.parseInt(pgDumpVersion, 10));
  return {
    reader: options.reader,
    content: options.content,
    address,
    tools: await requireTools(wantedMajor, options.toolFolders, options.searchPath),
    scratchFolder: options.scratchFolder,
    jobs: 1,
    role,
    owners: 'skip',
    encoding,
    progress: progressOf(options),
    signal: options.signal,
  };
}

/** The table's own entry and what hangs on it, in the order of the dump. */
function entriesWith(toc: ArchiveToc, dataId: number): TocEntry[] {
  const data = toc.entries.find((entry) => entry.dumpId === dataId)!;
  const table = toc.entries.find(
    (entry) => entry.kind === 'TABLE' && data.dependencies.includes(entry.dumpId),
  );
  if (!table) throw new HoldfastError('item_unknown', `the dump does not define ${data.schema}.${data.name}`);
  const chosen = new Set([table.dumpId, ...sequencesOf(toc, table)]);
  const hangsOn = (entry: TocEntry) =>
    WITH_TABLE.has(entry.kind) && entry.dependencies.some((id) => chosen.has(id));
  const entries = toc.entries.filter((entry) => chosen.has(entry.dumpId) || hangsOn(entry));
  const sequences = new Set(entries.filter(({ kind }) => kind === 'SEQUENCE').map(({ dumpId }) => dumpId));
  const isState = (entry: TocEntry) =>
    entry.kind === 'SEQUENCE SET' && entry.dependencies.some((id) => sequences.has(id));
  return [...entries, ...toc.entries.filter(isState)];
}

/** Sequences whose ownership or default ties them to the table. */
function sequencesOf(toc: ArchiveToc, table: TocEntry): number[] {
  const kinds = new Map(toc.entries.map((entry) => [entry.dumpId, entry.kind]));
  const ties = toc.entries.filter(
    (entry) =>
      ['SEQUENCE OWNED BY', 'DEFAULT'].includes(entry.kind) && entry.dependencies.includes(table.dumpId),
  );
  return ties.flatMap((entry) => entry.dependencies).filter((id) => kinds.get(id) === 'SEQUENCE');
}

async function runEntries(
  context: RestoreContext,
  toc: ArchiveToc,
  entries: readonly TocEntry[],
  section: TocEntry['section'],
): Promise<void> {
  const wanted = entries.filter((entry) => entry.section === section);
  if (wanted.length === 0) return;
  const archive = await writeTocFile(context, toc);
  const list = join(context.scratchFolder, `${section}.list`);
  await writeFile(list, wanted.map((entry) => `${entry.dumpId};\n`).join(''), { mode: 0o600 });
  await toolOutput(pgRestoreCall(context, [`--section=${section}`, `--use-list=${list}`, archive]));
}

async function loadData(context: RestoreContext, load: TableLoad): Promise<void> {
  const client = await openLoader(context);
  try {
    const { rows } = await client.query(`select exists (select from only ${load.target.table}) as filled`);
    if (rows[0].filled)
      throw new HoldfastError('target_not_empty', `the table ${load.target.table} has rows`);
    await loadTable(context, client, { ...load, fresh: false });
  } finally {
    await endQuietly(client);
  }
}
