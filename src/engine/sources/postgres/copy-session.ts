import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import type { Artifact, SourceContext, SourceSession, StreamArtifact } from '../port.ts';
import type { PostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { type CopySchema, type CopyTable, readCopySchema } from './copy-schema.ts';
import { csvArtifact } from './csv-artifact.ts';
import { databaseFailure } from './failures.ts';
import { quoteName, quoteQualified } from './quote.ts';
import { keepsChanging, type ServerFacts, serverFacts } from './snapshot.ts';

export interface CopySession extends SourceSession {
  readonly server: ServerFacts;
  snapshot(): { readonly id: string; readonly address: PostgresAddress };
}

export interface CopyOptions {
  readonly address: PostgresAddress;
  readonly context: SourceContext;
  readonly lockTimeoutMs: number;
}

export const SCHEMA_ARTIFACT = 'schema.json';
const MAX_STARTS = 8;
/** Names of 63 bytes, escaped, can exceed what file systems allow. */
const MAX_NAME_LENGTH = 200;

/** The tables whose rows are exported: plain ones and partitions, but not those of extensions. */
const LOCKABLE = `select n.nspname as schema, c.relname as name from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
    and d.objid = c.oid and d.deptype = 'e') order by c.oid`;

/** Text that loads the same anywhere; `row_security` off makes hidden rows an error instead of a gap. */
export const OUTPUT = `set client_encoding = 'UTF8'; set intervalstyle = 'postgres'; set extra_float_digits = 3;
  set bytea_output = 'hex'; set row_security = off; set search_path = pg_catalog`;

/**
 * Exports every table as CSV in one snapshot, without any client tool. Throws as `takeSnapshot` does, and
 * `source_busy` when a table stays locked, `source_denied` when one may not be read.
 */
export async function openCopySession(options: CopyOptions): Promise<CopySession> {
  const { address, context } = options;
  const client = await connect(address, context.signal);
  try {
    await client.query(OUTPUT);
    const server = await serverFacts(client);
    await lockThenSnapshot(client, options.lockTimeoutMs);
    const { rows } = await client.query('select pg_catalog.pg_export_snapshot() as id');
    const schema = await readCopySchema(client, artifactName);
    const tables = schema.tables.filter((table) => table.artifact !== null);
    const artifacts: Artifact[] = [
      ...tables.map((table) => tableArtifact(client, table, options)),
      schemaArtifact(client, schema, options),
    ];
    const close = () => endQuietly(client);
    const snapshot = () => ({ id: rows[0].id, address });
    return { estimatedBytes: server.databaseBytes, artifacts, server, snapshot, close };
  } catch (error) {
    await endQuietly(client);
    throw databaseFailure(error, address);
  }
}

/**
 * LOCK TABLE takes no snapshot, so the one taken after it cannot be older than a rewrite of a locked table. Tables
 * made in between are found by looking again.
 */
export async function lockThenSnapshot(client: Client, lockTimeoutMs: number): Promise<void> {
  let changed: string[] = [];
  for (let start = 0; start < MAX_STARTS; start += 1) {
    const wanted = await tableNames(client);
    await client.query('begin isolation level repeatable read read only');
    await client.query(`set local lock_timeout = ${Math.floor(lockTimeoutMs)}`);
    try {
      if (wanted.length > 0) await client.query(`lock table ${wanted.join(', ')} in access share mode`);
    } catch (error) {
      if ((error as { code?: string }).code !== '42P01') throw error;
      await client.query('rollback');
      continue; // dropped since it was listed
    }
    const locked = new Set(wanted);
    changed = (await tableNames(client)).filter((name) => !locked.has(name));
    if (changed.length === 0) return;
    await client.query('rollback');
  }
  throw keepsChanging(changed);
}

async function tableNames(client: Client): Promise<string[]> {
  const { rows } = await client.query(LOCKABLE);
  return rows.map((row) => quoteQualified(row.schema, row.name));
}

/** `<schema>.<table>.csv`, each part percent-encoded where a file system or a person could stumble. */
export function artifactName(schema: string, name: string): string {
  const full = `${encodePart(schema)}.${encodePart(name)}`;
  if (full.length <= MAX_NAME_LENGTH) return `${full}.csv`;
  const mark = createHash('sha256').update(full).digest('hex').slice(0, 16);
  return `${full.slice(0, MAX_NAME_LENGTH - mark.length - 1)}~${mark}.csv`;
}

function encodePart(part: string): string {
  const bytes = [...Buffer.from(part)];
  return bytes.map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : percent(byte))).join('');
}

const isPlain = (byte: number) => /[A-Za-z0-9_-]/.test(String.fromCharCode(byte));
const percent = (byte: number) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;

/** The columns that are loaded again; generated ones compute themselves. */
export function copiedColumns(table: CopyTable): string[] {
  return table.columns.filter((column) => !column.generated).map((column) => column.name);
}

function tableArtifact(client: Client, table: CopyTable, options: CopyOptions): StreamArtifact {
  const columns = copiedColumns(table);
  const list = columns.length === 0 ? '' : ` (${columns.map(quoteName).join(', ')})`;
  return csvArtifact(client, table, {
    columns,
    what: `${quoteQualified(table.schema, table.name)}${list}`,
    options,
  });
}

/** Last, so that sequences, which know no snapshot, are never behind the rows. */
export function schemaArtifact(client: Client, schema: CopySchema, { address }: CopyOptions): StreamArtifact {
  return {
    form: 'stream',
    name: SCHEMA_ARTIFACT,
    kind: 'json',
    chunking: { method: 'content', profile: 'dump' },
    async produce(sink) {
      try {
        const sequences: Sequence[] = [];
        for (const sequence of schema.sequences) sequences.push(await withValue(client, sequence));
        await sink.write(Buffer.from(`${JSON.stringify({ ...schema, sequences }, null, 2)}\n`));
        return {
          ...{ format: 'pg-csv-schema', serverVersion: schema.serverVersion, tables: schema.tables.length },
          ...(schema.tenant ? { tenant: schema.tenant.id } : {}),
        };
      } catch (error) {
        throw databaseFailure(error, address);
      }
    },
  };
}

type Sequence = CopySchema['sequences'][number];

async function withValue(client: Client, sequence: Sequence): Promise<Sequence> {
  const name = quoteQualified(sequence.schema, sequence.name);
  const { rows } = await client.query(`select last_value::text as value, is_called from ${name}`);
  return { ...sequence, lastValue: rows[0].is_called ? rows[0].value : null };
}
