import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import type { Source } from '../port.ts';
import type { Insertion, Removal, RetainedTable, RetentionPace, RetentionRule } from '../retained-table.ts';
import { type PostgresAddress, parsePostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { copyIn } from './copy-in.ts';
import { copyOut } from './copy-out.ts';
import { artifactName, OUTPUT } from './copy-session.ts';
import { csvRecords } from './csv-records.ts';
import { databaseFailure } from './failures.ts';
import { pgCut } from './retained-cut.ts';
import { describePgTable, type PgTableShape } from './retained-shape.ts';

export interface RetainedPostgresOptions {
  readonly url: string;
  /** The artifact's source. */
  readonly name: string;
  readonly rule: RetentionRule;
  readonly pace: RetentionPace;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

interface Live {
  readonly client: Client;
  readonly address: PostgresAddress;
  readonly shape: PgTableShape;
  readonly condition: string | null;
  readonly options: RetainedPostgresOptions;
}

/** Lock not available, query canceled, deadlock, serialization failure: somebody else was there first. */
const BUSY = new Set(['55P03', '57014', '40P01', '40001']);
const STAGE = 'pg_temp.holdfast_archived';

/**
 * A table of a PostgreSQL database, in a session of its own. Throws `item_unknown` for a table or column that is not there,
 * `config_invalid` for a table that cannot be thinned, `clock_skew`, and what connecting throws. A login needs the right to make temporary tables.
 */
export async function openRetainedPostgres(options: RetainedPostgresOptions): Promise<RetainedTable> {
  const address = parsePostgresAddress(options.url);
  const client = await connect(address, options.signal);
  try {
    await client.query(`${OUTPUT}; set timezone = 'UTC'`);
    const shape = await describePgTable(client, options.rule);
    const { condition, words } = await pgCut(client, shape, options.rule, options.nowMs);
    const live: Live = { client, address, shape, condition, options };
    const named = <T>(work: Promise<T>) =>
      work.catch((error: unknown) => {
        throw options.signal.aborted ? new HoldfastError('interrupted') : databaseFailure(error, address);
      });
    return {
      limits: words,
      count: () => named(countRows(live)),
      exportRows: async (limit) => ((await named(isAnyGoing(live))) ? exportSource(live, limit) : null),
      archivedRows,
      removeArchived: (file, onRows) => named(removeRows(live, file, onRows)),
      insertArchived: (file, onRows) => named(insertRows(live, file, onRows)),
      close: () => endQuietly(client),
    };
  } catch (error) {
    await endQuietly(client);
    throw databaseFailure(error, address);
  }
}

async function countRows({ client, shape, condition }: Live) {
  const { rows } = await client.query(
    `select count(*) as rows, count(*) filter (where ${condition ?? 'false'}) as going from ${shape.table}`,
  );
  return { rows: Number(rows[0].rows), going: Number(rows[0].going) };
}

async function isAnyGoing({ client, shape, condition }: Live): Promise<boolean> {
  if (condition === null) return false;
  const { rows } = await client.query(
    `select exists (select from ${shape.table} where ${condition}) as found`,
  );
  return rows[0].found;
}

/** One COPY of part of the rows: it holds no lock but the one that keeps the table from being dropped, and not for long. */
function exportSource({ client, address, shape, condition, options }: Live, limit: number): Source {
  const { rule, name } = options;
  const [schema, table] = shape.label.split(/\.(.*)/s) as [string, string];
  const statement = `copy (select ${shape.columns.join(', ')} from ${shape.table} where ${condition} limit ${limit})
    to stdout (format csv, header true)`;
  return {
    kind: 'postgres',
    name,
    async open({ signal, progress }) {
      return {
        estimatedBytes: null,
        artifacts: [
          {
            form: 'stream',
            name: artifactName(schema, table),
            kind: 'table-csv',
            chunking: { method: 'content', profile: 'dump' },
            async produce(sink) {
              const hash = createHash('sha256');
              try {
                const rows = await copyOut(client, statement, async (bytes) => {
                  if (signal.aborted) throw new HoldfastError('interrupted');
                  hash.update(bytes);
                  await sink.write(bytes);
                  progress.advance({ bytes: bytes.length });
                });
                const archive = { table: shape.label, column: rule.column, rows };
                return { format: 'csv', archive, columns: shape.columns, sha256: hash.digest('hex') };
              } catch (error) {
                throw databaseFailure(error, address);
              }
            },
          },
        ],
        async close() {},
      };
    },
  };
}

async function archivedRows(file: string): Promise<number> {
  let total = 0;
  for await (const { rows } of csvRecords(createReadStream(file), 10_000)) total += rows;
  return total;
}

const rowText = ({ columns }: PgTableShape, alias: string) =>
  `row(${columns.map((name) => `${alias}.${name}`).join(', ')})::text`;

const sameKey = ({ key }: PgTableShape) => key.map((name) => `t.${name} = a.${name}`).join(' and ');

async function removeRows(live: Live, file: string, onRows: (rows: number) => void): Promise<Removal> {
  const { client, shape } = live;
  let [deleted, changed] = [0, 0];
  await eachBatch(live, file, async () => {
    const gone = await briefly(live, () =>
      client.query(`delete from ${shape.table} t using ${STAGE} a
        where ${sameKey(shape)} and ${rowText(shape, 't')} = ${rowText(shape, 'a')}`),
    );
    const left = await client.query(
      `select count(*) as n from ${STAGE} a join ${shape.table} t on ${sameKey(shape)}`,
    );
    deleted += gone.rowCount ?? 0;
    changed += Number(left.rows[0].n);
    onRows(gone.rowCount ?? 0);
  });
  return { deleted, changed };
}

async function insertRows(live: Live, file: string, onRows: (rows: number) => void): Promise<Insertion> {
  const { client, shape } = live;
  const names = shape.columns.join(', ');
  let [inserted, present, different] = [0, 0, 0];
  await eachBatch(live, file, async (rows) => {
    const equal = await client.query(
      `select count(*) as n from ${STAGE} a join ${shape.table} t on ${sameKey(shape)}
       and ${rowText(shape, 't')} = ${rowText(shape, 'a')}`,
    );
    const added = await briefly(live, () =>
      client.query(`insert into ${shape.table} (${names}) overriding system value
        select ${names} from ${STAGE} on conflict do nothing`),
    );
    const count = added.rowCount ?? 0;
    inserted += count;
    present += Number(equal.rows[0].n);
    different += rows - count - Number(equal.rows[0].n);
    onRows(count);
  });
  return { inserted, present, different };
}

/** Rows of the archive are staged a batch at a time, in a transaction of their own: what the table sees is one short statement. */
async function eachBatch(live: Live, file: string, work: (rows: number) => Promise<void>): Promise<void> {
  const { client, shape, options } = live;
  const { pace, signal } = options;
  await client.query(
    `drop table if exists ${STAGE}; create temp table holdfast_archived (like ${shape.table})`,
  );
  // A batch is found by the key; without figures about the stage the planner might read the whole table instead.
  // Triggers of the application look names up as they are used to.
  await client.query('set enable_hashjoin = off; set enable_mergejoin = off; reset search_path');
  const statement = `copy ${STAGE} (${shape.columns.join(', ')}) from stdin (format csv)`;
  for await (const { bytes, rows } of csvRecords(createReadStream(file), pace.batchRows)) {
    if (signal.aborted) throw new HoldfastError('interrupted');
    await client.query(`truncate ${STAGE}`);
    await copyIn(client, statement, async (sink) => {
      sink.append(bytes);
      await sink.room();
    });
    await client.query(`analyze ${STAGE}`);
    const startedMs = performance.now();
    await work(rows);
    const tookMs = performance.now() - startedMs;
    await wait(Math.max(pace.pauseMs, tookMs), undefined, { signal }).catch(() => {});
  }
  await client.query(`drop table ${STAGE}`);
}

/** One statement in a transaction of its own that gives way to others, and is tried again. */
async function briefly<T>({ client, options }: Live, statement: () => Promise<T>): Promise<T> {
  const { pace, signal } = options;
  const untilMs = performance.now() + pace.busyTimeoutMs;
  for (;;) {
    if (signal.aborted) throw new HoldfastError('interrupted');
    await client.query('begin');
    try {
      await client.query(
        `set local lock_timeout = ${Math.floor(pace.lockTimeoutMs)};
         set local statement_timeout = ${Math.floor(pace.statementTimeoutMs)}`,
      );
      const result = await statement();
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback');
      if (!BUSY.has((error as { code?: string }).code ?? '') || performance.now() >= untilMs) throw error;
    }
    await wait(Math.max(pace.pauseMs, pace.lockTimeoutMs), undefined, { signal }).catch(() => {});
  }
}
