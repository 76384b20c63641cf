import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import type { Source } from '../port.ts';
import type { RetainedTable, RetentionPace, RetentionRule } from '../retained-table.ts';
import { type PostgresAddress, parsePostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { copyOut } from './copy-out.ts';
import { artifactName, OUTPUT } from './copy-session.ts';
import { csvRecords } from './csv-records.ts';
import { databaseFailure } from './failures.ts';
import { pgCut } from './retained-cut.ts';
import { insertRows, removeRows } from './retained-rows.ts';
import { describePgTable, type PgTableShape } from './retained-shape.ts';
import { openWalk, type Walk } from './retained-walk.ts';

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
  readonly walk: Walk;
  readonly options: RetainedPostgresOptions;
}

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
    const walk = await openWalk(client, shape, condition);
    const live: Live = { client, address, shape, condition, walk, options };
    const { pace, signal } = options;
    const session = { client, shape, pace, signal };
    const named = <T>(work: Promise<T>) =>
      work.catch((error: unknown) => {
        throw options.signal.aborted ? new HoldfastError('interrupted') : databaseFailure(error, address);
      });
    return {
      limits: words,
      count: () => named(countRows(live)),
      async exportRows(limit) {
        const piece = await named(walk.next(limit));
        return piece === null ? null : exportSource(live, piece);
      },
      archivedRows,
      removeArchived: (file, onRows) => named(removeRows(session, file, onRows)),
      insertArchived: (file, onRows) => named(insertRows(session, file, onRows)),
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

/** One COPY of part of the rows: it holds no lock but the one that keeps the table from being dropped, and not for long. */
function exportSource({ client, address, shape, walk, options }: Live, piece: string): Source {
  const { rule, name } = options;
  const [schema, table] = shape.label.split(/\.(.*)/s) as [string, string];
  const statement = `copy (select ${shape.columns.join(', ')} from ${shape.table} where ${piece})
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
                const rows = await walk.during(() =>
                  copyOut(client, statement, async (bytes) => {
                    if (signal.aborted) throw new HoldfastError('interrupted');
                    hash.update(bytes);
                    await sink.write(bytes);
                    progress.advance({ bytes: bytes.length });
                  }),
                );
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
