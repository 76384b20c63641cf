/** Tenants: whose backups they are. Their ids are the operator's own and stand in the paths of backups. */
import { TENANT_ID_RULE } from '../../contracts/config-settings.ts';
import { HoldfastError } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { syncPlanSchedule } from '../schedule/sync.ts';
import type { Author } from './author.ts';
import { listDocuments } from './documents.ts';
import { noteChange } from './file-marks.ts';

export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  /** Null while in use. */
  readonly archivedAtMs: number | null;
}

/** Throws `config_invalid` for an id that cannot stand in a path, `name_taken`. */
export async function createTenant(
  trx: CatalogDb,
  { id, name }: { readonly id: string; readonly name: string },
  author: Author,
): Promise<Tenant> {
  if (!TENANT_ID_RULE.test(id)) throw new HoldfastError('config_invalid', `"${id}" is not a valid tenant id`);
  const row = { id, name, created_at: author.atMs, archived_at: null };
  const created = await trx
    .insertInto('tenants')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!created) throw new HoldfastError('name_taken', `there is a tenant ${id} already`);
  await noteChange(trx, 'tenant', id, author);
  return tenantOf(created);
}

/** In order of id. */
export async function listTenants(db: CatalogDb): Promise<Tenant[]> {
  const rows = await db.selectFrom('tenants').selectAll().orderBy('id').execute();
  return rows.map(tenantOf);
}

/** Null when there is none. */
export async function getTenant(db: CatalogDb, id: string): Promise<Tenant | null> {
  const row = await db.selectFrom('tenants').selectAll().where('id', '=', id).executeTakeFirst();
  return row ? tenantOf(row) : null;
}

/** Its backups stay; its plans are no longer started by the schedule. Idempotent. */
export async function archiveTenant(trx: CatalogDb, id: string, author: Author): Promise<void> {
  const archived = await trx
    .updateTable('tenants')
    .set({ archived_at: author.atMs })
    .where('id', '=', id)
    .where('archived_at', 'is', null)
    .returning('id')
    .execute();
  if (archived.length > 0) await noteChange(trx, 'tenant', id, author);
  for (const plan of await listDocuments(trx, 'plan', { tenantId: id })) {
    await syncPlanSchedule(trx, plan, author.atMs);
  }
}

function tenantOf(row: { id: string; name: string; created_at: number; archived_at: number | null }): Tenant {
  return { id: row.id, name: row.name, createdAtMs: row.created_at, archivedAtMs: row.archived_at };
}
