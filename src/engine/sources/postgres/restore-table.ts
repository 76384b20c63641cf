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
import { closureOf, entriesThere, entriesWith, type TableClosure, tableEntry } from './table-dependencies.ts';
import { writeTocFile } from './toc-file.ts';
import { requireTools } from './tools.ts';

export interface RestoreTableOptions extends Omit<RestoreOptions, 'parallel' | 'jobs' | 'owners'> {
  readonly schema: string;
  readonly table: string;
  /**
   * `data` appends to a table that is there and must be empty; `definition` makes it first, with its sequences,
   * defaults, keys, indexes and comments, without foreign keys and triggers; `dependencies` brings along what it needs, tables that its
   * foreign keys refer to among it. What of these is there already is left as it is.
   */
  readonly what: 'data' | 'definition' | 'dependencies';
}

/**
 * Restores one table into an existing database, beside whatever else is there. Throws `item_unknown`,
 * `target_not_empty` when the table has rows, `restore_mismatch`, `database_failed`, and what connecting throws.
 */
export async function restoreTable(
  options: RestoreTableOptions,
): Promise<{ rows: number; tables: readonly string[] }> {
  const facts = parseDumpFacts(options.facts);
  const toc = await tocOfStream(options.reader.read(options.content), 'object_damaged');
  const table = tableEntry(toc, options.schema, options.table);
  const plan = facts ? planRestore(toc, facts) : null;
  if (!facts || !plan) {
    throw new HoldfastError('item_unknown', `the dump holds no table ${options.schema}.${options.table}`);
  }
  const context = await contextOf(options, facts.encoding, facts.pgDumpVersion);
  const { entries, tables } = await chosenOf(options, context, toc, table);
  const loads = plan.tables.filter((load) => tables.some((one) => isOf(load, one)));
  if (loads.length === 0 && options.what !== 'dependencies') {
    throw new HoldfastError('item_unknown', `the dump holds no rows of ${options.schema}.${options.table}`);
  }
  if (entries.length > 0) await runEntries(context, toc, entries, 'pre-data');
  for (const load of loads) await loadData(context, load);
  if (entries.length > 0) {
    await runEntries(context, toc, entries, 'data');
    await runEntries(context, toc, entries, 'post-data');
  }
  const rows = loads.reduce((sum, load) => sum + load.table.rows, 0);
  return { rows, tables: tables.map(({ schema, name }) => `${schema}.${name}`) };
}

const isOf = ({ table }: TableLoad, { schema, name }: TocEntry) =>
  table.schema === schema && table.name === name;

async function chosenOf(
  { what }: RestoreTableOptions,
  context: RestoreContext,
  toc: ArchiveToc,
  table: TocEntry,
): Promise<TableClosure> {
  if (what !== 'dependencies') {
    return { entries: what === 'definition' ? entriesWith(toc, table) : [], tables: [table] };
  }
  const client = await openLoader(context);
  try {
    const there = await entriesThere(client, toc);
    if (there.has(table.dumpId)) {
      throw new HoldfastError(
        'target_not_empty',
        `the table ${table.schema}.${table.name} is there already`,
        {
          next: 'rename it or drop it first, or restore into another database',
        },
      );
    }
    return closureOf(toc, table, ({ dumpId }) => there.has(dumpId));
  } finally {
    await endQuietly(client);
  }
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
