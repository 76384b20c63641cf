/**
 * What applying a configuration file would change in the catalog, as a value that can be shown first. The catalog remembers who
 * wrote each version, so that a change made elsewhere since the file was last applied is a conflict and never overwritten unseen.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Config, documentSchemas } from '../../contracts/config.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { documentOf, type StoredDocument } from '../configuration/documents.ts';
import { withHidden, withoutHidden } from '../configuration/hidden-values.ts';

export type FileKind = 'plan' | 'source' | 'destination' | 'channel';

export interface FieldChange {
  readonly field: string;
  /** Undefined where it is absent. */
  readonly stored: unknown;
  readonly file: unknown;
}

export interface FileChange {
  readonly kind: FileKind;
  readonly name: string;
  /** `keep`: only in the catalog, and never came from a file. `adopt`: equal, and belongs to the file from now on. */
  readonly change: 'create' | 'replace' | 'delete' | 'keep' | 'adopt';
  /** Of the stored one; null when there is none. */
  readonly version: number | null;
  readonly conflict: boolean;
  /** Who made the change in the catalog; null when it came from a file or from nobody in particular. */
  readonly changedBy: string | null;
  readonly fields: readonly FieldChange[];
  readonly body: unknown;
}

const SECTION = {
  destination: 'destinations',
  source: 'sources',
  plan: 'plans',
  channel: 'channels',
} as const;
export const FILE_KINDS = ['destination', 'source', 'plan', 'channel'] as const;

/** In the order in which they can be made: what plans name comes before plans. */
export async function planChanges(db: CatalogDb, config: Config): Promise<FileChange[]> {
  const changes: FileChange[] = [];
  for (const kind of FILE_KINDS) {
    const wanted = config[SECTION[kind]] as { readonly [name: string]: unknown };
    const stored = await storedOf(db, kind);
    const names = [...new Set([...Object.keys(wanted), ...stored.keys()])].sort();
    for (const name of names) {
      const change = await changeOf(db, kind, name, stored.get(name) ?? null, wanted[name]);
      if (change) changes.push(change);
    }
  }
  return changes;
}

async function storedOf(db: CatalogDb, kind: FileKind): Promise<Map<string, StoredDocument>> {
  const rows = await db
    .selectFrom('documents')
    .selectAll()
    .where('kind', '=', kind)
    .where('deleted_at', 'is', null)
    .execute();
  return new Map(rows.map((row) => [row.name, documentOf(row)]));
}

async function changeOf(
  db: CatalogDb,
  kind: FileKind,
  name: string,
  stored: StoredDocument | null,
  written: unknown,
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
    const cameFromFile = await wasFromFile(db, stored.id);
    const change = cameFromFile ? 'delete' : 'keep';
    return { ...found, change, conflict: cameFromFile && origin !== 'file', fields: [] };
  }
  const before = plain(documentSchemas[kind].parse(stored.body));
  const fields = differences('', before, plain(body)).map((one) => withHiddenIn(kind, one));
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
async function deletedElsewhere(db: CatalogDb, kind: FileKind, name: string): Promise<string | null> {
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
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What differs is looked for in the values; what is shown hides them. Checks are one field. */
function withHiddenIn(kind: FileKind, { field, stored, file }: FieldChange): FieldChange {
  if (!/^drill(\.|$)/.test(field)) return { field, stored, file };
  const shown = (value: unknown) => {
    const whole = field === 'drill' ? { drill: value } : { drill: { [field.slice('drill.'.length)]: value } };
    const hidden = withHidden(kind, whole).drill;
    return field === 'drill' ? hidden : (hidden as Record<string, unknown>)[field.slice('drill.'.length)];
  };
  return { field, stored: shown(stored), file: shown(file) };
}

function differences(field: string, stored: unknown, file: unknown): FieldChange[] {
  if (isDeepStrictEqual(stored, file)) return [];
  if (!isMap(stored) || !isMap(file)) return [{ field, stored, file }];
  const keys = [...new Set([...Object.keys(stored), ...Object.keys(file)])].sort();
  return keys.flatMap((key) => differences(field === '' ? key : `${field}.${key}`, stored[key], file[key]));
}
