/**
 * Settings and tenants keep no versions. So that a file notices what was changed or removed elsewhere since it was applied, a
 * mark stands for each that a file wrote, with who changed it last.
 */
import type { FileMarksTable } from '../catalog/tables/configuration.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Author } from './author.ts';

export type MarkKind = FileMarksTable['kind'];

/** The name of a setting among marks and changes: its key, behind the tenant's id if it is a tenant's. */
export const settingName = (tenantId: string | null, key: string) =>
  tenantId === null ? key : `${tenantId}/${key}`;

/** Notes who changed something: a file marks it as its own, anybody else only what a file marked. */
export async function noteChange(
  trx: CatalogDb,
  kind: MarkKind,
  name: string,
  author: Author,
): Promise<void> {
  const row = { origin: author.origin, changed_at: author.atMs, changed_by: author.name };
  if (author.origin !== 'file') {
    await trx.updateTable('file_marks').set(row).where('kind', '=', kind).where('name', '=', name).execute();
    return;
  }
  await trx
    .insertInto('file_marks')
    .values({ kind, name, ...row })
    .onConflict((conflict) => conflict.columns(['kind', 'name']).doUpdateSet(row))
    .execute();
}

/** A file let go of it: from now on it is nothing that a file wrote. */
export async function forgetMark(trx: CatalogDb, kind: MarkKind, name: string): Promise<void> {
  await trx.deleteFrom('file_marks').where('kind', '=', kind).where('name', '=', name).execute();
}

export interface FileMark {
  readonly origin: FileMarksTable['origin'];
  readonly changedBy: string | null;
}

/** By name. */
export async function marksOf(db: CatalogDb, kind: MarkKind): Promise<Map<string, FileMark>> {
  const rows = await db.selectFrom('file_marks').selectAll().where('kind', '=', kind).execute();
  return new Map(rows.map((row) => [row.name, { origin: row.origin, changedBy: row.changed_by }]));
}
