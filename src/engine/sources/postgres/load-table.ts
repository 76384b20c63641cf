import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import type { ArtifactReader, Content } from '../port.ts';
import { eachRows } from './block-rows.ts';
import { type CopySink, copyIn } from './copy-in.ts';
import { targetFailure } from './failures.ts';
import type { RestoreContext } from './restore-context.ts';
import type { TableLoad } from './restore-plan.ts';
import { naming, runStatement } from './run-statement.ts';

export interface TableSource {
  readonly reader: ArtifactReader;
  readonly content: Content;
  readonly progress: RestoreContext['progress'];
  readonly address: RestoreContext['address'];
  readonly signal: AbortSignal | undefined;
}

/** Loads one table. Nothing of it stays when this throws. */
export async function loadTable(source: TableSource, client: Client, load: TableLoad): Promise<void> {
  await inTransaction(source, client, [load], () => fill(source, client, load));
}

/** Loads tables and makes their indexes, all or none. */
export async function loadTogether(
  source: TableSource,
  client: Client,
  loads: readonly TableLoad[],
): Promise<void> {
  await inTransaction(source, client, loads, async () => {
    for (const load of loads) {
      await fill(source, client, load);
      const sql = load.indexes.map(({ entry }) => entry.definition).join('\n');
      if (sql !== '') await runStatement(source, client, sql, nameOf(load));
    }
  });
}

/** Tables that are empty anyway are emptied once more: rows put into a new file need no write-ahead log. */
async function inTransaction(
  { address }: TableSource,
  client: Client,
  loads: readonly TableLoad[],
  work: () => Promise<void>,
): Promise<void> {
  const fresh = loads.filter((load) => load.fresh).map(({ target }) => `only ${target.table}`);
  try {
    await client.query(`begin; ${fresh.length > 0 ? `truncate table ${fresh.join(', ')}` : ''}`);
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw targetFailure(error, address);
  }
}

async function fill(source: TableSource, client: Client, load: TableLoad): Promise<void> {
  const { table, target } = load;
  const count = `select pg_catalog.count(*)::text as rows from only ${target.table}`;
  // Rows put through a partition's root land in whichever partition they belong to.
  const countable = target.schema === table.schema && target.name === table.name;
  try {
    const before = countable && !load.fresh ? await countOf(client, count) : 0;
    const loaded = await loadRows(source, client, load);
    const after = countable ? await countOf(client, count) : before + loaded;
    if (loaded !== table.rows || after - before !== table.rows) {
      const found = `${after - before} rows instead of ${table.rows}`;
      throw new HoldfastError('restore_mismatch', `${nameOf(load)} has ${found}`);
    }
  } catch (error) {
    throw naming(nameOf(load), targetFailure(error, source.address));
  }
}

const nameOf = ({ table }: TableLoad) => `${table.schema}.${table.name}`;

function copyStatement({ target, fresh }: TableLoad): string {
  return `copy ${target.table} ${target.columns} from stdin${fresh ? ' with (freeze)' : ''}`;
}

async function countOf(client: Client, sql: string): Promise<number> {
  const { rows } = await client.query(sql);
  return Number(rows[0].rows);
}

function loadRows(source: TableSource, client: Client, load: TableLoad): Promise<number> {
  const { reader, content, progress, signal } = source;
  const { table } = load;
  const block = reader.read(content, { start: table.start, end: table.end });
  const feed = (sink: CopySink) =>
    eachRows(block, table, sink.append, (piece) => {
      progress.advance({ bytes: piece.length });
      return sink.room();
    });
  return copyIn(client, copyStatement(load), feed, signal);
}
