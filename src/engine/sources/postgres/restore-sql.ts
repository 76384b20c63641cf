import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import type { ByteSink, Facts, SourceContext, StreamArtifact } from '../port.ts';
import { parsePostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { copyIn } from './copy-in.ts';
import { targetFailure } from './failures.ts';
import { progressOf, type RestoreOptions } from './restore-context.ts';
import { requireUnprivileged } from './roles.ts';
import { runStatement } from './run-statement.ts';
import { asSqlFacts, isRestrict, sqlFollower } from './sql-facts.ts';
import { type SqlEvent, sqlScript } from './sql-script.ts';
import { prepareTarget } from './target.ts';

/** Plain SQL as an artifact of kind `pg-sql`, looked at as it passes. Throws `source_damaged` for a script that is cut. */
export function sqlArtifact(
  name: string,
  bytes: () => AsyncIterable<Buffer>,
  { progress, signal }: Pick<SourceContext, 'progress' | 'signal'>,
): StreamArtifact {
  return {
    form: 'stream',
    name,
    kind: 'pg-sql',
    chunking: { method: 'content', profile: 'dump' },
    async produce(sink: ByteSink) {
      const follower = sqlFollower();
      for await (const part of bytes()) {
        signal.throwIfAborted();
        follower.push(part);
        await sink.write(part);
        progress.advance({ bytes: part.length });
      }
      return asSqlFacts(follower.end());
    },
  };
}

export interface SqlRestoreReport {
  readonly statements: number;
  readonly rows: number;
  /** Owners, grants and the like, which the role that loads may not and need not set. */
  readonly leftOut: number;
}

/** As `pg_restore --no-owner --no-privileges`: for a role that owns its database and nothing else. */
const LEFT_OUT =
  /^(ALTER\s[\s\S]*\sOWNER TO\s|GRANT\s|REVOKE\s|ALTER DEFAULT PRIVILEGES\s|SET SESSION AUTHORIZATION\s|COMMENT ON EXTENSION\s)/i;
const ENCODING = /^SET\s+client_encoding\s*=\s*'([^']*)'/i;

/**
 * Loads a plain SQL script into an empty database. A script is a program, so it is sent by us and never by psql, whose own commands
 * reach files and shells, and only as a role that may do nothing but fill its own database. Throws `target_failed` for any
 * other role, for psql's commands and for scripts not in UTF-8, `target_not_empty`, `restore_mismatch` for other numbers of rows than `facts`
 * say, `database_*`, `interrupted`. What was loaded until a failure stays, unless the database was made here.
 */
export async function restoreSql(
  options: Pick<RestoreOptions, 'reader' | 'content' | 'facts' | 'targetUrl' | 'progress' | 'signal'>,
): Promise<SqlRestoreReport> {
  const address = parsePostgresAddress(options.targetUrl);
  const expected = rowsOf(options.facts);
  const target = await prepareTarget(address, 'UTF8');
  let client: Client | null = null;
  try {
    client = await connect(address);
    await requireUnprivileged(client);
    return await load(client, options, address, expected);
  } catch (error) {
    await target.undo();
    throw options.signal?.aborted ? new HoldfastError('interrupted') : targetFailure(error, address);
  } finally {
    if (client) await endQuietly(client);
  }
}

async function load(
  client: Client,
  options: Parameters<typeof restoreSql>[0],
  address: ReturnType<typeof parsePostgresAddress>,
  expected: readonly number[] | null,
): Promise<SqlRestoreReport> {
  const { signal } = options;
  const events = eventsOf(options);
  const report = { statements: 0, rows: 0, leftOut: 0 };
  let tables = 0;
  const run = async (sql: string) => {
    const plain = sql.replace(/^(\s|--[^\n]*\n)+/, '');
    refuseEncoding(plain);
    if (LEFT_OUT.test(plain)) {
      report.leftOut += 1;
      return;
    }
    report.statements += 1;
    await runStatement({ address, signal }, client, sql, plain.slice(0, 80).replace(/\s+/g, ' '));
  };
  for (let next = await events.next(); !next.done; next = await events.next()) {
    const event = next.value;
    if (event.kind === 'meta') refuseMeta(event.line);
    else if (event.kind === 'statement') await run(event.sql.toString('utf8'));
    else if (event.kind === 'copy') {
      const sql = event.sql.toString('utf8').replace(/;\s*$/, '');
      const rows = await copyIn(
        client,
        sql,
        async (sink) => {
          for (
            let row = await events.next();
            !row.done && row.value.kind === 'rows';
            row = await events.next()
          ) {
            sink.append(row.value.bytes);
            await sink.room();
          }
        },
        signal,
      );
      const wanted = expected?.[tables];
      if (wanted !== undefined && wanted !== rows)
        throw new HoldfastError('restore_mismatch', `a table has ${rows} rows instead of ${wanted}`);
      tables += 1;
      report.rows += rows;
    }
  }
  if (expected && expected.length !== tables)
    throw new HoldfastError('restore_mismatch', `${tables} tables were loaded instead of ${expected.length}`);
  return report;
}

/** A COPY refuses rows whose end does not come: its data is over only with `copy-end`. */
async function* eventsOf(options: Parameters<typeof restoreSql>[0]): AsyncGenerator<SqlEvent> {
  const script = sqlScript();
  const progress = progressOf(options);
  for await (const bytes of options.reader.read(options.content)) {
    yield* script.push(bytes);
    progress.advance({ bytes: bytes.length });
  }
  const { rest, isWhole } = script.end();
  if (!isWhole) throw new HoldfastError('object_damaged', 'the SQL script ends in the middle');
  if (
    rest
      .toString('latin1')
      .replace(/--[^\n]*/g, '')
      .trim() !== ''
  )
    yield { kind: 'statement', sql: rest };
}

function refuseMeta(line: string): void {
  if (isRestrict(line)) return;
  throw new HoldfastError('target_failed', `the script has a command to psql: ${line.slice(0, 60)}`, {
    next: 'restore it to a file and read it before you run it',
  });
}

function refuseEncoding(sql: string): void {
  const encoding = ENCODING.exec(sql)?.[1];
  if (encoding === undefined || /^(utf-?8|sql_ascii)$/i.test(encoding)) return;
  throw new HoldfastError('target_failed', `the script is in ${encoding}, and only UTF8 is loaded`, {
    next: 'restore it to a file and load it with psql, as an unprivileged role into an empty database',
  });
}

function rowsOf(facts: Facts): number[] | null {
  const tables = facts.tables as readonly { rows?: unknown }[] | undefined;
  if (!Array.isArray(tables)) return null;
  return tables.map(({ rows }) => (typeof rows === 'number' ? rows : -1));
}
