/**
 * Plans, sources and destinations as stored documents: the same text as in `holdfast.yaml`, each with its versions. Secrets
 * stand in them by the name of a variable or file only, which the schemas see to.
 *
 * Names tie documents together, so a name stays as it is: delete and create to rename. Writing needs the version that was
 * read, so that two people, or the file and the UI, do not overwrite each other unseen.
 */
import type { Selectable } from 'kysely';
import type { Config, DestinationConfig, PlanConfig, SourceConfig } from '../../contracts/config.ts';
import type { ChannelConfig } from '../../contracts/config-channels.ts';
import { HoldfastError, newId } from '../../engine/index.ts';
import type { DocumentKind, DocumentsTable, Origin } from '../catalog/tables/configuration.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { syncPlanSchedule } from '../schedule/sync.ts';
import type { Author } from './author.ts';
import { checkedBody, refuseBrokenNames, refuseInUse } from './document-checks.ts';
import { storedSettings, withOwned } from './stored-settings.ts';

export interface Bodies {
  readonly plan: PlanConfig;
  readonly source: SourceConfig;
  readonly destination: DestinationConfig;
  readonly channel: ChannelConfig;
}

export interface StoredDocument<K extends DocumentKind = DocumentKind> {
  readonly id: string;
  readonly kind: K;
  readonly name: string;
  readonly tenantId: string | null;
  readonly body: Bodies[K];
  readonly version: number;
  readonly origin: Origin;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly updatedBy: string | null;
}

export interface DocumentWrite<K extends DocumentKind> {
  readonly kind: K;
  readonly name: string;
  /** As it stands in the file; checked here. */
  readonly body: unknown;
  /** Of sources and destinations; a plan's is in its body. */
  readonly tenantId?: string | null;
  /** The version it replaces; null to create it. */
  readonly replaces: number | null;
}

/**
 * Creates or replaces a document, and brings the schedule in line with a plan. Throws `config_invalid` naming the field,
 * `schedule_invalid`, `name_taken`, `document_unknown`, `document_changed`; then nothing changed once the transaction ends.
 */
export async function writeDocument<K extends DocumentKind>(
  trx: CatalogDb,
  write: DocumentWrite<K>,
  author: Author,
): Promise<StoredDocument<K>> {
  const body = checkedBody(write.kind, write.name, write.body);
  await refuseBrokenNames(trx, write.kind, write.name, body);
  const columns = {
    body: JSON.stringify(body),
    tenant_id: write.kind === 'plan' ? (body as PlanConfig).tenantId : (write.tenantId ?? null),
    origin: author.origin,
    updated_at: author.atMs,
    updated_by: author.name,
  };
  const row =
    write.replaces === null
      ? await insert(trx, write, { ...columns, created_at: author.atMs })
      : await replace(trx, write, write.replaces, columns);
  await keepVersion(trx, row, row.body, author);
  const document = documentOf<K>(row);
  if (isPlan(document)) await syncPlanSchedule(trx, document, author.atMs);
  return document;
}

const isPlan = (document: StoredDocument): document is StoredDocument<'plan'> => document.kind === 'plan';

async function insert(
  trx: CatalogDb,
  { kind, name }: DocumentWrite<DocumentKind>,
  columns: Omit<Selectable<DocumentsTable>, 'id' | 'kind' | 'name' | 'version' | 'deleted_at'>,
): Promise<Selectable<DocumentsTable>> {
  const row = await trx
    .insertInto('documents')
    .values({ id: newId(columns.created_at), kind, name, version: 1, deleted_at: null, ...columns })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!row) throw new HoldfastError('name_taken', `there is a ${kind} ${name} already`);
  return row;
}

async function replace(
  trx: CatalogDb,
  { kind, name }: DocumentWrite<DocumentKind>,
  version: number,
  columns: Pick<DocumentsTable, 'body' | 'tenant_id' | 'origin' | 'updated_at' | 'updated_by'>,
): Promise<Selectable<DocumentsTable>> {
  const row = await trx
    .updateTable('documents')
    .set({ ...columns, version: version + 1 })
    .where('kind', '=', kind)
    .where('name', '=', name)
    .where('deleted_at', 'is', null)
    .where('version', '=', version)
    .returningAll()
    .executeTakeFirst();
  if (row) return row;
  const current = await requireDocument(trx, kind, name);
  throw new HoldfastError(
    'document_changed',
    `${kind} ${name} is at version ${current.version}, and the change was made to version ${version}`,
  );
}

async function keepVersion(
  trx: CatalogDb,
  { id, version }: Pick<DocumentsTable, 'id' | 'version'>,
  body: string | null,
  author: Author,
): Promise<void> {
  await trx
    .insertInto('document_versions')
    .values({
      ...{ document_id: id, version, body },
      ...{ origin: author.origin, written_at: author.atMs, written_by: author.name },
    })
    .execute();
}

/**
 * Deletes a document; its versions stay. Throws `document_unknown`, `document_changed`, and `in_use` for a source or
 * destination that a plan names.
 */
export async function deleteDocument(
  trx: CatalogDb,
  { kind, name, version }: { kind: DocumentKind; name: string; version: number },
  author: Author,
): Promise<void> {
  const current = await requireDocument(trx, kind, name);
  if (current.version !== version) {
    throw new HoldfastError('document_changed', `${kind} ${name} is at version ${current.version} meanwhile`);
  }
  await refuseInUse(trx, kind, name);
  await trx
    .updateTable('documents')
    .set({ deleted_at: author.atMs, version: version + 1, updated_at: author.atMs, updated_by: author.name })
    .where('id', '=', current.id)
    .execute();
  await keepVersion(trx, { id: current.id, version: version + 1 }, null, author);
  if (kind !== 'plan') return;
  for (const table of ['schedule_entries', 'drill_entries'] as const) {
    await trx.deleteFrom(table).where('plan_id', '=', current.id).execute();
  }
}

/** Null when there is none of this name. */
export async function findDocument<K extends DocumentKind>(
  db: CatalogDb,
  kind: K,
  name: string,
): Promise<StoredDocument<K> | null> {
  const row = await db
    .selectFrom('documents')
    .selectAll()
    .where('kind', '=', kind)
    .where('name', '=', name)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  return row ? documentOf<K>(row) : null;
}

/** Null when it was deleted. The caller knows of which kind it is. */
export async function findDocumentById<K extends DocumentKind>(
  db: CatalogDb,
  id: string,
): Promise<StoredDocument<K> | null> {
  const row = await db
    .selectFrom('documents')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  return row ? documentOf<K>(row) : null;
}

/** Throws `plan_unknown` for a plan, else `document_unknown`. */
export async function requireDocument<K extends DocumentKind>(
  db: CatalogDb,
  kind: K,
  name: string,
): Promise<StoredDocument<K>> {
  const found = await findDocument(db, kind, name);
  if (found) return found;
  throw new HoldfastError(
    kind === 'plan' ? 'plan_unknown' : 'document_unknown',
    `there is no ${kind} ${name}`,
  );
}

/** Of one kind, in order of name; with a tenant only that one's. */
export async function listDocuments<K extends DocumentKind>(
  db: CatalogDb,
  kind: K,
  filter: { readonly tenantId?: string | null } = {},
): Promise<StoredDocument<K>[]> {
  let query = db.selectFrom('documents').selectAll().where('kind', '=', kind).where('deleted_at', 'is', null);
  if (filter.tenantId === null) query = query.where('tenant_id', 'is', null);
  else if (filter.tenantId !== undefined) query = query.where('tenant_id', '=', filter.tenantId);
  const rows = await query.orderBy('name').execute();
  return rows.map((row) => documentOf<K>(row));
}

/** All of it as one configuration, as `holdfast.yaml` has it. */
export async function storedConfig(db: CatalogDb): Promise<Config> {
  const rows = await db
    .selectFrom('documents')
    .selectAll()
    .where('deleted_at', 'is', null)
    .orderBy('name')
    .execute();
  const bodies = <K extends DocumentKind>(kind: K) =>
    Object.fromEntries(
      rows.filter((row) => row.kind === kind).map((row) => [row.name, JSON.parse(row.body) as Bodies[K]]),
    );
  const { settings, tenants } = await storedSettings(db);
  return {
    version: 1,
    settings,
    tenants: withOwned(tenants, rows),
    destinations: bodies('destination'),
    sources: bodies('source'),
    plans: bodies('plan'),
    channels: bodies('channel'),
  };
}

export function documentOf<K extends DocumentKind>(row: Selectable<DocumentsTable>): StoredDocument<K> {
  return {
    id: row.id,
    kind: row.kind as K,
    name: row.name,
    tenantId: row.tenant_id,
    body: JSON.parse(row.body) as Bodies[K],
    version: row.version,
    origin: row.origin,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    updatedBy: row.updated_by,
  };
}
