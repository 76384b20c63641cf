import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { z } from 'zod';
import { collect } from '../../base/bytes.ts';
import { HoldfastError } from '../../base/errors.ts';
import { silentProgress } from '../../base/progress.ts';
import type { ArtifactReader, Content, Facts } from '../port.ts';
import { parsePostgresAddress } from './address.ts';
import { endQuietly } from './connect.ts';
import { constraintStatements, finishStatements, schemaStatements } from './copy-ddl.ts';
import { type CopySink, copyIn } from './copy-in.ts';
import { type CopySchema, type CopyTable, copySchema } from './copy-schema.ts';
import { copiedColumns, SCHEMA_ARTIFACT } from './copy-session.ts';

import { targetFailure } from './failures.ts';
import { quoteName, quoteQualified, quoteText } from './quote.ts';
import { openLoader, type RestoreOptions } from './restore-context.ts';
import { prepareTarget } from './target.ts';

export interface CsvArtifact {
  readonly name: string;
  readonly content: Content;
  readonly facts: Facts;
}

export interface CopyRestoreOptions
  extends Pick<RestoreOptions, 'reader' | 'targetUrl' | 'progress' | 'signal' | 'role'> {
  /** Every artifact of the export, `schema.json` included. */
  readonly artifacts: readonly CsvArtifact[];
  /** `existing` fills the empty tables of a schema that is there; `create` makes a simple schema anew. */
  readonly schema: 'existing' | 'create';
}

const csvFacts = z.object({ rows: z.number().int().nonnegative(), sha256: z.string() });

/**
 * Loads a CSV export in one transaction: all of it or nothing. Throws `object_damaged` for a schema file that is not
 * one, `item_unknown` for a missing table file, `target_not_empty`, `restore_mismatch`, `database_failed` and what
 * connecting throws.
 */
export async function restoreCopy(options: CopyRestoreOptions): Promise<{ tables: number; rows: number }> {
  const address = parsePostgresAddress(options.targetUrl);
  const schema = await readSchema(options.reader, artifactOf(options, SCHEMA_ARTIFACT));
  const target = options.schema === 'create' ? await prepareTarget(address, schema.encoding) : null;
  const client = await openLoader({ address, encoding: 'UTF8', role: options.role ?? null });
  try {
    await client.query('begin');
    if (options.schema === 'create') await runInAnyOrder(client, schemaStatements(schema));
    else await client.query('set constraints all deferred');
    const rows = await loadAll(client, schema, options);
    for (const sequence of schema.sequences) await setSequence(client, sequence);
    if (options.schema === 'create') {
      await runInAnyOrder(client, constraintStatements(schema));
      await runInAnyOrder(client, finishStatements(schema));
    }
    await client.query('commit');
    return { tables: schema.tables.filter((table) => table.artifact !== null).length, rows };
  } catch (error) {
    await client.query('rollback').catch(() => {});
    await endQuietly(client);
    await target?.undo();
    if (options.signal?.aborted) throw new HoldfastError('interrupted');
    throw targetFailure(error, address);
  } finally {
    await endQuietly(client);
  }
}

function artifactOf({ artifacts }: Pick<CopyRestoreOptions, 'artifacts'>, name: string): CsvArtifact {
  const found = artifacts.find((artifact) => artifact.name === name);
  if (!found) throw new HoldfastError('item_unknown', `the export holds no ${name}`);
  return found;
}

export async function readSchema(reader: ArtifactReader, { content }: CsvArtifact): Promise<CopySchema> {
  try {
    const text = (await collect(reader.read(content))).toString('utf8');
    return copySchema.parse(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('object_damaged', `${SCHEMA_ARTIFACT} is not a schema file`, { cause });
  }
}

/** Statements that need one another come in no reliable order: what fails is tried again after the rest. */
async function runInAnyOrder(client: Client, statements: readonly string[]): Promise<void> {
  let waiting = [...statements];
  while (waiting.length > 0) {
    const failed: string[] = [];
    let lastError: unknown = null;
    for (const statement of waiting) {
      await client.query('savepoint one');
      try {
        await client.query(statement);
        await client.query('release savepoint one');
      } catch (error) {
        await client.query('rollback to savepoint one');
        failed.push(statement);
        lastError = error;
      }
    }
    if (failed.length === waiting.length) throw lastError;
    waiting = failed;
  }
}

async function loadAll(client: Client, schema: CopySchema, options: CopyRestoreOptions): Promise<number> {
  const { rows } = await client.query(`select current_setting('is_superuser') = 'on' as superuser`);
  // Only a superuser can load tables that refer to each other in a circle.
  if (rows[0].superuser) await client.query('set local session_replication_role = replica');
  let total = 0;
  for (const table of inReferenceOrder(schema.tables)) total += await loadOne(client, table, options);
  if (rows[0].superuser) await client.query('set local session_replication_role = origin');
  return total;
}

async function loadOne(client: Client, table: CopyTable, options: CopyRestoreOptions): Promise<number> {
  const { content, facts } = artifactOf(options, table.artifact!);
  const wanted = csvFacts.parse(facts);
  const name = quoteQualified(table.schema, table.name);
  const { rows } = await client.query(`select exists (select from only ${name}) as filled`);
  if (rows[0].filled) throw new HoldfastError('target_not_empty', `the table ${name} has rows`);
  const columns = copiedColumns(table).map(quoteName);
  const list = columns.length === 0 ? '' : ` (${columns.join(', ')})`;
  const hash = createHash('sha256');
  const progress = options.progress ?? silentProgress;
  const statement = `copy ${name}${list} from stdin (format csv, header true)`;
  const feed = async (sink: CopySink) => {
    for await (const piece of options.reader.read(content)) {
      hash.update(piece);
      sink.append(piece);
      await sink.room();
      progress.advance({ bytes: piece.length });
    }
  };
  const loaded = await copyIn(client, statement, feed, options.signal);
  if (loaded !== wanted.rows || hash.digest('hex') !== wanted.sha256) {
    throw new HoldfastError(
      'restore_mismatch',
      `${name} has ${loaded} rows instead of ${wanted.rows}, or other ones`,
    );
  }
  return loaded;
}

/** Tables referred to come first, as far as there is such an order. */
function inReferenceOrder(tables: readonly CopyTable[]): CopyTable[] {
  const key = (table: { schema: string; name: string }) => JSON.stringify([table.schema, table.name]);
  const byKey = new Map(tables.map((table) => [key(table), table]));
  const done = new Set<string>();
  const ordered: CopyTable[] = [];
  const visit = (table: CopyTable) => {
    if (done.has(key(table))) return;
    done.add(key(table));
    for (const reference of table.references) {
      const other = byKey.get(key(reference));
      if (other) visit(other);
    }
    if (table.artifact !== null) ordered.push(table);
  };
  tables.forEach(visit);
  return ordered;
}

async function setSequence(client: Client, sequence: CopySchema['sequences'][number]): Promise<void> {
  if (sequence.lastValue === null) return;
  const name = quoteText(quoteQualified(sequence.schema, sequence.name));
  await client.query(`select pg_catalog.setval(${name}, ${BigInt(sequence.lastValue)})`);
}
