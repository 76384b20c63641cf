import type { Client } from 'pg';
import { asHoldfastError, HoldfastError } from '../../base/errors.ts';
import { EXTRAS_TIMEOUT_MS, type Extract, type Extras, tableArtifactName } from '../extract.ts';
import type { ByteSink, SourceContext, StreamArtifact } from '../port.ts';
import type { PostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { copyOut } from './copy-out.ts';
import { databaseFailure } from './failures.ts';
import { copyTextToJson } from './json-rows.ts';
import { quoteQualified, quoteText } from './quote.ts';

type Moment = () => { readonly id: string; readonly address: PostgresAddress };

/**
 * Extracts and table dumps as artifacts that read the session's snapshot. Their facts hold `rows`. One that fails names
 * itself: `source_failed` with what the server said, `source_busy` when it took too long, `source_missing` for a table that is not there.
 */
export function extraArtifacts(
  { extracts = [], tables = [], extrasTimeoutMs = EXTRAS_TIMEOUT_MS }: Extras,
  moment: Moment,
  context: SourceContext,
): StreamArtifact[] {
  const one = (name: string, kind: string, statement: (client: Client) => Promise<Statement>) =>
    streamed(name, kind, async (sink) => {
      const { id, address } = moment();
      const client = await connect(address, context.signal);
      try {
        await client.query(beginAt(id, extrasTimeoutMs));
        const { sql, json, facts } = await statement(client);
        const write = writer(sink, context);
        const take = json ? copyTextToJson(write) : write;
        const rows = await copyOut(client, sql, take);
        return { ...facts, rows };
      } catch (error) {
        if (context.signal.aborted) throw new HoldfastError('interrupted');
        throw naming(name, databaseFailure(error, address));
      } finally {
        await endQuietly(client);
      }
    });
  return [
    ...extracts.map((extract) =>
      one(extract.name, `extract-${extract.format}`, (client) => extractStatement(client, extract)),
    ),
    ...tables.map((table) =>
      one(tableArtifactName(table), 'table-ndjson', (client) => tableStatement(client, table)),
    ),
  ];
}

interface Statement {
  readonly sql: string;
  readonly json: boolean;
  readonly facts: Readonly<Record<string, string>>;
}

function streamed(name: string, kind: string, produce: StreamArtifact['produce']): StreamArtifact {
  return { form: 'stream', name, kind, chunking: { method: 'content', profile: 'dump' }, produce };
}

/** The same text as the CSV export's, but names in a query are looked up as its author expects them. */
function beginAt(snapshotId: string, timeoutMs: number): string {
  return `set client_encoding = 'UTF8'; set intervalstyle = 'postgres'; set extra_float_digits = 3;
    set bytea_output = 'hex'; set row_security = off; set statement_timeout = ${Math.floor(timeoutMs)};
    begin isolation level repeatable read read only; set transaction snapshot ${quoteText(snapshotId)}`;
}

async function extractStatement(client: Client, { query, format }: Extract): Promise<Statement> {
  const one = query.trim().replace(/(\s*;)+$/, '');
  // Parsed alone by the extended protocol, which takes one whole statement: nothing can close the parenthesis below.
  const request = { text: `explain ${one}\n`, queryMode: 'extended' };
  await client.query(request as { text: string });
  const sql =
    format === 'csv'
      ? `copy (${one}\n) to stdout (format csv, header true)`
      : `copy (select pg_catalog.row_to_json(q) from (${one}\n) q) to stdout`;
  return { sql, json: format === 'ndjson', facts: { format } };
}

async function tableStatement(client: Client, table: string): Promise<Statement> {
  const { schema, name } = await findTable(client, table);
  const sql = `copy (select pg_catalog.row_to_json(t) from ${quoteQualified(schema, name)} t) to stdout`;
  return { sql, json: true, facts: { format: 'ndjson', schema, name } };
}

const TABLES = `select n.nspname as schema, c.relname as name from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_(toast|temp)'
  and (c.relname = $1 or n.nspname || '.' || c.relname = $1)
  order by n.nspname <> 'public', n.nspname`;

/** `users` of public, or of the only schema that has it; `schema.users`. Throws `source_missing`, `usage` where several fit. */
export async function findTable(client: Client, text: string): Promise<{ schema: string; name: string }> {
  const { rows } = await client.query(TABLES, [text]);
  const found = rows as { schema: string; name: string }[];
  if (found.length === 0) throw new HoldfastError('source_missing', `there is no table ${text}`);
  if (found.length > 1 && found[0]!.schema !== 'public') {
    const names = found.map(({ schema, name }) => `${schema}.${name}`).join(', ');
    throw new HoldfastError('usage', `${text} may be ${names}`, { next: 'write it with its schema' });
  }
  return found[0]!;
}

function writer(sink: ByteSink, { signal, progress }: SourceContext) {
  return async (bytes: Buffer): Promise<void> => {
    if (signal.aborted) throw new HoldfastError('interrupted');
    await sink.write(bytes);
    progress.advance({ bytes: bytes.length });
  };
}

function naming(name: string, error: HoldfastError): HoldfastError {
  const { code, message, next } = asHoldfastError(error);
  return new HoldfastError(code, `${name}: ${message}`, { cause: error, next });
}
