import { type OidcSettings, oidcSettings } from '../../../contracts/api/oidc.ts';
import { HoldfastError } from '../../../engine/index.ts';
import type { CatalogDb } from '../../catalog/types.ts';

export interface StoredOidc {
  readonly settings: OidcSettings;
  readonly updatedAtMs: number;
  readonly updatedBy: string;
}

/** Null while people log in by password alone. */
export async function storedOidc(db: CatalogDb): Promise<StoredOidc | null> {
  const row = await db
    .selectFrom('identity_providers')
    .selectAll()
    .where('kind', '=', 'oidc')
    .executeTakeFirst();
  if (!row) return null;
  return {
    settings: oidcSettings.parse(JSON.parse(row.body)),
    updatedAtMs: row.updated_at,
    updatedBy: row.updated_by,
  };
}

/** Throws `tenant_unknown` for a rule about a tenant that is not there. */
export async function storeOidc(
  trx: CatalogDb,
  settings: OidcSettings,
  by: { readonly name: string; readonly atMs: number },
): Promise<void> {
  for (const id of new Set(settings.roles.flatMap(({ tenant_id }) => tenant_id ?? []))) {
    const tenant = await trx.selectFrom('tenants').select('id').where('id', '=', id).executeTakeFirst();
    if (!tenant) throw new HoldfastError('tenant_unknown', `there is no tenant ${id}`);
  }
  const row = { body: JSON.stringify(settings), updated_at: by.atMs, updated_by: by.name };
  await trx
    .insertInto('identity_providers')
    .values({ kind: 'oidc', ...row })
    .onConflict((conflict) => conflict.column('kind').doUpdateSet(row))
    .execute();
}

/** Idempotent. Whoever came that way keeps user and session; nobody new comes. */
export async function removeOidc(db: CatalogDb): Promise<void> {
  await db.deleteFrom('identity_providers').where('kind', '=', 'oidc').execute();
}
