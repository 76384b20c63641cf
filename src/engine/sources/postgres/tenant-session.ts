import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import type { Artifact, StreamArtifact } from '../port.ts';
import { connect, endQuietly } from './connect.ts';
import { type CopySchema, type CopyTable, readCopySchema } from './copy-schema.ts';
import {
  artifactName,
  type CopyOptions,
  type CopySession,
  copiedColumns,
  lockThenSnapshot,
  OUTPUT,
  schemaArtifact,
} from './copy-session.ts';
import { csvArtifact } from './csv-artifact.ts';
import { databaseFailure } from './failures.ts';
import { quoteName, quoteQualified } from './quote.ts';
import { serverFacts } from './snapshot.ts';
import {
  readTenantTables,
  setTenant,
  shownTable,
  type TenantOptions,
  type TenantScope,
  tenantScopes,
} from './tenant-rules.ts';
import type { TenantRows } from './tenant-stage.ts';

export interface TenantSession extends CopySession {
  /** The same rows for a restore, without artifacts between. */
  readonly files: readonly TenantRows[];
}

/**
 * Exports the rows of one tenant in one snapshot: the format of the CSV export, with the conditions in `schema.json`. Tables
 * that rules skip have no rows file. Throws as `openCopySession` does, and what `tenantScopes` throws.
 */
export async function openTenantSession(options: CopyOptions, tenant: TenantOptions): Promise<TenantSession> {
  const { address, context } = options;
  const client = await connect(address, context.signal);
  try {
    await client.query(OUTPUT);
    await setTenant(client, tenant.id);
    const server = await serverFacts(client);
    await lockThenSnapshot(client, options.lockTimeoutMs);
    const { rows } = await client.query('select pg_catalog.pg_export_snapshot() as id');
    const scopes = tenantScopes(await readTenantTables(client), tenant);
    const whole = await readCopySchema(client, artifactName);
    const conditionOf = conditions(whole, scopes);
    const schema: CopySchema = {
      ...whole,
      tables: whole.tables.map((table) =>
        conditionOf(table) === 'false' ? { ...table, artifact: null } : table,
      ),
      tenant: { ...tenant, tables: scopes.map(describeScope) },
    };
    const tables = schema.tables.filter(({ artifact }) => artifact !== null);
    for (const line of summary(scopes)) context.progress.warn(`${tenant.id}: ${line}`);
    const produced = tables.map((table) => ({
      table,
      artifact: rowsArtifact(client, table, conditionOf(table), options),
    }));
    const artifacts: Artifact[] = [
      ...produced.map(({ artifact }) => artifact),
      schemaArtifact(client, schema, options),
    ];
    const files = produced.map(({ table, artifact }): TenantRows => {
      const { schema: home, name } = rootOf(schema, table);
      const feed: TenantRows['feed'] = async (take) => {
        await artifact.produce({ write: take, cut() {} });
      };
      return { schema: home, name, columns: copiedColumns(table), feed };
    });
    const snapshot = () => ({ id: rows[0].id, address });
    return { estimatedBytes: null, artifacts, server, snapshot, files, close: () => endQuietly(client) };
  } catch (error) {
    await endQuietly(client);
    throw databaseFailure(error, address);
  }
}

/** What is left out, and what is taken whole. */
function* summary(scopes: readonly TenantScope[]): Generator<string> {
  const named = (kind: TenantScope['kind']) =>
    scopes
      .filter((scope) => scope.kind === kind)
      .map(({ table }) => shownTable(table))
      .join(', ');
  if (named('skip') !== '') yield `left out by rule: ${named('skip')}`;
  if (named('all') !== '') yield `whole by rule: ${named('all')}`;
}

function describeScope({ table, kind, reason }: TenantScope) {
  return { schema: table.schema, name: table.name, kind, reason };
}

const key = ({ schema, name }: { schema: string; name: string }) => JSON.stringify([schema, name]);

/** The table that a partition is of, at the top. */
export function rootOf(schema: CopySchema, table: CopyTable): CopyTable {
  let at = table;
  while (at.partitionOf) {
    const above = key(at.partitionOf);
    at = schema.tables.find((one) => key(one) === above)!;
  }
  return at;
}

/** A partition's rows are told as those of its root, which has the same columns. */
function conditions(schema: CopySchema, scopes: readonly TenantScope[]): (table: CopyTable) => string {
  const own = new Map(scopes.map(({ table, condition }) => [key(table), condition]));
  return (table) => {
    const root = rootOf(schema, table);
    const found = own.get(key(root));
    if (found === undefined) throw new HoldfastError('source_busy', `${root.name} came while the dump began`);
    return found;
  };
}

function rowsArtifact(
  client: Client,
  table: CopyTable,
  condition: string,
  options: CopyOptions,
): StreamArtifact {
  const columns = copiedColumns(table);
  const list = columns.map((column) => `t.${quoteName(column)}`).join(', ');
  const from = quoteQualified(table.schema, table.name);
  const what = `(select ${list} from only ${from} t where ${condition})`;
  return csvArtifact(client, table, { columns, what, options });
}
