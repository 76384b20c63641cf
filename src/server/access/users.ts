import type { Selectable } from 'kysely';
import { HoldfastError, newId } from '../../engine/index.ts';
import type { RoleName, UsersTable } from '../catalog/tables/access.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { hashPassword, refuseWeakPassword } from './passwords.ts';

/** A user as lists show one: nothing that would help to log in. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: RoleName | null;
  readonly tenantRoles: { readonly [tenantId: string]: RoleName };
  readonly hasSecondFactor: boolean;
  readonly createdAtMs: number;
  readonly disabledAtMs: number | null;
}

export type UserRow = Selectable<UsersTable>;

const NAME = /^[a-z0-9][a-z0-9._@+-]{1,99}$/;

/** Throws `request_invalid` for a name that is none. */
export function userNameOf(text: string): string {
  const name = text.trim().toLowerCase();
  if (NAME.test(name)) return name;
  throw new HoldfastError('request_invalid', 'name: must be 2 to 100 letters, digits, or . _ @ + -');
}

/**
 * Makes the row of a new user. Not in a transaction, since hashing takes its time. Throws `password_weak`, `request_invalid`.
 */
export async function newUserRow(
  given: { readonly name: string; readonly password: string; readonly role: RoleName | null },
  nowMs: number,
): Promise<UserRow> {
  const name = userNameOf(given.name);
  refuseWeakPassword(given.password, name);
  return {
    ...{ id: newId(nowMs), name, role: given.role, created_at: nowMs, disabled_at: null },
    password_hash: await hashPassword(given.password),
    ...{ totp_secret: null, totp_confirmed_at: null, totp_last_step: null },
  };
}

/** Throws `name_taken`. */
export async function insertUser(
  trx: CatalogDb,
  row: UserRow,
  tenantRoles: { readonly [tenantId: string]: RoleName } = {},
): Promise<void> {
  const inserted = await trx
    .insertInto('users')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!inserted) throw new HoldfastError('name_taken', `there is a user ${row.name} already`);
  await setTenantRoles(trx, row.id, tenantRoles);
}

/** Replaces all roles that a user has in tenants. Throws `tenant_unknown`. */
export async function setTenantRoles(
  trx: CatalogDb,
  userId: string,
  roles: { readonly [tenantId: string]: RoleName },
): Promise<void> {
  await trx.deleteFrom('user_tenant_roles').where('user_id', '=', userId).execute();
  for (const [tenantId, role] of Object.entries(roles)) {
    const tenant = await trx.selectFrom('tenants').select('id').where('id', '=', tenantId).executeTakeFirst();
    if (!tenant) throw new HoldfastError('tenant_unknown', `there is no tenant ${tenantId}`);
    await trx
      .insertInto('user_tenant_roles')
      .values({ user_id: userId, tenant_id: tenantId, role })
      .execute();
  }
}

export async function tenantRolesOf(db: CatalogDb, userId: string): Promise<Map<string, RoleName>> {
  const rows = await db.selectFrom('user_tenant_roles').selectAll().where('user_id', '=', userId).execute();
  return new Map(rows.map((row) => [row.tenant_id, row.role]));
}

/** In order of name. */
export async function listUsers(db: CatalogDb): Promise<User[]> {
  const rows = await db.selectFrom('users').selectAll().orderBy('name').execute();
  return Promise.all(rows.map((row) => userOf(db, row)));
}

/** Throws `user_unknown`. */
export async function requireUser(db: CatalogDb, id: string): Promise<UserRow> {
  const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw new HoldfastError('user_unknown', `there is no user ${id}`);
  return row;
}

export async function userOf(db: CatalogDb, row: UserRow): Promise<User> {
  return {
    ...{ id: row.id, name: row.name, role: row.role },
    tenantRoles: Object.fromEntries(await tenantRolesOf(db, row.id)),
    hasSecondFactor: row.totp_confirmed_at !== null,
    createdAtMs: row.created_at,
    disabledAtMs: row.disabled_at,
  };
}

/** True once somebody owns this server. */
export async function hasOwner(db: CatalogDb): Promise<boolean> {
  const row = await db.selectFrom('users').select('id').where('role', '=', 'owner').executeTakeFirst();
  return row !== undefined;
}

/** Whether somebody logs in through an identity provider, and so has no password here. */
export async function isByProvider(db: CatalogDb, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom('user_identities')
    .select('user_id')
    .where('user_id', '=', userId)
    .executeTakeFirst();
  return row !== undefined;
}
