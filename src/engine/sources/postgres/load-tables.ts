import type { Client } from 'pg';
import { codeOf, HoldfastError } from '../../base/errors.ts';
import type { ArtifactReader, Content } from '../port.ts';
import { eachRows } from './block-rows.ts';
import { endQuietly } from './connect.ts';
import { type CopySink, copyIn } from './copy-in.ts';
import { targetFailure } from './failures.ts';
import { openLoader, type RestoreContext } from './restore-context.ts';
import type { TableLoad } from './restore-plan.ts';

/**
 * Loads tables by several connections at once, each table in a transaction of its own, and counts its rows
 * afterwards. The first failure stops all. Throws `restore_mismatch` where a count differs.
 */
export async function loadTables(context: RestoreContext, tables: readonly TableLoad[]): Promise<void> {
  const queue = [...tables];
  const stop = new AbortController();
  const signal = context.signal ? AbortSignal.any([context.signal, stop.signal]) : stop.signal;
  const load = async () => {
    const client = await openLoader(context);
    try {
      for (let next = queue.shift(); next && !signal.aborted; next = queue.shift()) {
        await loadTable({ ...context, signal }, client, next);
      }
    } finally {
      await endQuietly(client);
    }
  };
  const count = Math.min(context.jobs, tables.length);
  const loaders = Array.from({ length: count }, () =>
    load().catch((error: unknown) => {
      // Later failures come from stopping; they say nothing new.
      stop.abort(error);
    }),
  );
  await Promise.all(loaders);
  if (context.signal?.aborted) throw new HoldfastError('interrupted');
  if (stop.signal.aborted) throw stop.signal.reason;
}

export interface TableSource {
  readonly reader: ArtifactReader;
  readonly content: Content;
  readonly progress: RestoreContext['progress'];
  readonly address: RestoreContext['address'];
  readonly signal: AbortSignal | undefined;
}

/** Loads one table. Nothing of it stays when this throws. */
export async function loadTable(source: TableSource, client: Client, load: TableLoad): Promise<void> {
  const { table, target } = load;
  const count = `select pg_catalog.count(*)::text as rows from only ${target.table}`;
  // Rows put through a partition's root land in whichever partition they belong to.
  const countable = target.schema === table.schema && target.name === table.name;
  try {
    await client.query('begin');
    if (load.fresh) await client.query(`truncate table only ${target.table}`);
    const before = countable && !load.fresh ? await countOf(client, count) : 0;
    const loaded = await loadRows(source, client, load);
    const after = countable ? await countOf(client, count) : before + loaded;
    if (loaded !== table.rows || after - before !== table.rows) {
      const found = `${after - before} rows instead of ${table.rows}`;
      throw new HoldfastError('restore_mismatch', `${table.schema}.${table.name} has ${found}`);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw inTable(targetFailure(error, source.address), load);
  }
}

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

function inTable(error: HoldfastError, { table }: TableLoad): HoldfastError {
  if (codeOf(error) !== 'database_failed') return error;
  return new HoldfastError('database_failed', `${table.schema}.${table.name}: ${error.message}`, {
    cause: error,
  });
}
