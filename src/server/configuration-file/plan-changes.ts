/**
 * What applying a configuration file would change in the catalog, as a value that can be shown first. The catalog remembers who
 * wrote each version, so that a change made elsewhere since the file was last applied is a conflict and never overwritten unseen.
 */
import { type Config, documentSchemas } from '../../contracts/config.ts';
import type { DocumentKind } from '../catalog/tables/configuration.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { documentOf, type StoredDocument } from '../configuration/documents.ts';
import { withHidden, withoutHidden } from '../configuration/hidden-values.ts';
import { differences, type FieldChange, type FileChange } from './file-change.ts';
import { settingChanges } from './setting-changes.ts';
import { tenantChanges } from './tenant-changes.ts';

const SECTION = {
  destination: 'destinations',
  source: 'sources',
  plan: 'plans',
  channel: 'channels',
} as const;
const STORED_KINDS = ['destination', 'source', 'plan', 'channel'] as const;

/** In the order in which they can be made: what plans name comes before plans, and what holds for them, too. */
export async function planChanges(db: CatalogDb, config: Config): Promise<FileChange[]> {
  const changes = [...(await tenantChanges(db, config)), ...(await settingChanges(db, config))];
  for (const kind of STORED_KINDS) {
    const wanted = config[SECTION[kind]] as { readonly [name: string]: unknown };
    const stored = await storedOf(db, kind);
    const names = [...new Set([...Object.keys(wanted), ...stored.keys()])].sort();
    for (const name of names) {
      const written = Object.hasOwn(wanted, name) ? wanted[name] : undefined;
      const before = stored.get(name) ?? null;
      const owner = ownerOf(config, kind, name, before);
      const change = await changeOf(db, { kind, name, stored: before, written, owner });
      if (change) changes.push(change);
    }
  }
  return changes;
}

async function storedOf(db: CatalogDb, kind: DocumentKind): Promise<Map<string, StoredDocument>> {
  const rows = await db
    .selectFrom('documents')
    .selectAll()
    .where('kind', '=', kind)
    .where('deleted_at', 'is', null)
    .execute();
  return new Map(rows.map((row) => [row.name, documentOf(row)]));
}

/**
 * The tenant whose alone something is to be; null for everybody's, and for plans, which say it in their bodies. What is the own of a tenant
 * that the file does not have stays so.
 */
export function ownerOf(
  { tenants }: Config,
  kind: DocumentKind,
  name: string,
  stored: Pick<StoredDocument, 'tenantId'> | null,
): string | null {
  if (kind === 'plan') return null;
  const named = Object.keys(tenants).find((id) => tenants[id]![`${kind}s`]?.includes(name));
  if (named !== undefined) return named;
  const before = stored?.tenantId ?? null;
  return before === null || Object.hasOwn(tenants, before) ? null : before;
}

interface Compared {
  readonly kind: DocumentKind;
  readonly name: string;
  readonly stored: StoredDocument | null;
  /** Undefined for what the file does not have. */
  readonly written: unknown;
  readonly owner: string | null;
}

async function changeOf(
  db: CatalogDb,
  { kind, name, stored, written, owner }: Compared,
): Promise<FileChange | null> {
  const body = withoutHidden(kind, name, written, stored?.body);
  const common = { kind, name, body };
  if (!stored) {
    const deletedBy = await deletedElsewhere(db, kind, name);
    const conflict = deletedBy !== null;
    return { ...common, change: 'create', version: null, conflict, changedBy: deletedBy, fields: [] };
  }
  const { version, origin, updatedBy } = stored;
  const changedBy = origin === 'file' ? null : (updatedBy ?? origin);
  const found = { ...common, version, changedBy };
  if (body === undefined) {
    // One that a file took over equal has no version of a file.
    const cameFromFile = origin === 'file' || (await wasFromFile(db, stored.id));
    const change = cameFromFile ? 'delete' : 'keep';
    return { ...found, change, conflict: cameFromFile && origin !== 'file', fields: [] };
  }
  const before = plain(documentSchemas[kind].parse(stored.body));
  const fields = [
    ...differences('', before, plain(body)).map((one) => withHiddenIn(kind, one)),
    ...(kind === 'plan' ? [] : differences('tenantId', stored.tenantId ?? undefined, owner ?? undefined)),
  ];
  if (fields.length > 0) return { ...found, change: 'replace', conflict: origin !== 'file', fields };
  return origin === 'file' ? null : { ...found, change: 'adopt', conflict: false, fields };
}

async function wasFromFile(db: CatalogDb, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('document_versions')
    .select('version')
    .where('document_id', '=', id)
    .where('origin', '=', 'file')
    .executeTakeFirst();
  return row !== undefined;
}

/** Who deleted in the catalog what a file once made; null when nobody did. */
async function deletedElsewhere(db: CatalogDb, kind: DocumentKind, name: string): Promise<string | null> {
  const last = await db
    .selectFrom('documents')
    .select(['id', 'updated_by', 'version'])
    .where('kind', '=', kind)
    .where('name', '=', name)
    .where('deleted_at', 'is not', null)
    .orderBy('deleted_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!last || !(await wasFromFile(db, last.id))) return null;
  const deletion = await db
    .selectFrom('document_versions')
    .select(['origin', 'written_by'])
    .where('document_id', '=', last.id)
    .where('version', '=', last.version)
    .executeTakeFirst();
  return deletion && deletion.origin !== 'file' ? (deletion.written_by ?? deletion.origin) : null;
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** What differs is looked for in the values; what is shown hides them. Checks are one field. */
function withHiddenIn(kind: DocumentKind, { field, stored, file }: FieldChange): FieldChange {
  if (!/^drill(\.|$)/.test(field)) return { field, stored, file };
  const shown = (value: unknown) => {
    const whole = field === 'drill' ? { drill: value } : { drill: { [field.slice('drill.'.length)]: value } };
    const hidden = withHidden(kind, whole).drill;
    return field === 'drill' ? hidden : (hidden as Record<string, unknown>)[field.slice('drill.'.length)];
  };
  return { field, stored: shown(stored), file: shown(file) };
}
