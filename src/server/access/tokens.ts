/** API tokens: for programs. A token does what its user may do at that moment, and of that only what its scopes name. */
import { DAY_MS, HoldfastError, MINUTE_MS, newId } from '../../engine/index.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import type { Identity } from './identity.ts';
import { storedOidc } from './oidc/settings.ts';
import type { Permission } from './permissions.ts';
import { hashOf, newSecret } from './secrets.ts';
import { usableUser } from './sessions.ts';
import { tenantRolesOf } from './users.ts';

export interface ApiToken {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly scopes: readonly Permission[];
  readonly tenantId: string | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** To the minute; null before the first use. */
  readonly usedAtMs: number | null;
  readonly revokedAtMs: number | null;
}

export interface NewToken {
  readonly name: string;
  readonly scopes: readonly Permission[];
  readonly tenantId: string | null;
  readonly expiresAtMs: number;
}

/** Gives the secret, shown here only: the catalog has its hash. */
export async function createToken(
  db: CatalogDb,
  userId: string,
  given: NewToken,
  nowMs: number,
): Promise<{ token: ApiToken; secret: string }> {
  const secret = newSecret('hft_');
  const row = {
    ...{ id: newId(nowMs), user_id: userId, name: given.name, secret_hash: hashOf(secret) },
    ...{ scopes: JSON.stringify([...new Set(given.scopes)]), tenant_id: given.tenantId },
    ...{ created_at: nowMs, expires_at: given.expiresAtMs, used_at: null, revoked_at: null },
  };
  await db.insertInto('api_tokens').values(row).execute();
  return { token: tokenOf(row), secret };
}

/** Null for a token that is unknown, expired or revoked, or whose user is disabled, or has not been seen by their provider for long. */
export async function identityOfToken({ db, clock }: Catalog, secret: string): Promise<Identity | null> {
  const nowMs = clock.nowMs();
  const row = await db
    .selectFrom('api_tokens')
    .selectAll()
    .where('secret_hash', '=', hashOf(secret))
    .where('expires_at', '>', nowMs)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  const user = row && (await usableUser(db, row.user_id));
  if (!row || !user || !(await isVouchedFor(db, user.id, nowMs))) return null;
  if (row.used_at === null || nowMs - row.used_at > MINUTE_MS) {
    await db.updateTable('api_tokens').set({ used_at: nowMs }).where('id', '=', row.id).execute();
  }
  return {
    ...{ userId: user.id, userName: user.name, role: user.role },
    tenantRoles: await tenantRolesOf(db, user.id),
    session: null,
    token: { id: row.id, name: row.name },
    scopes: new Set(JSON.parse(row.scopes) as Permission[]),
    onlyTenant: row.tenant_id,
  };
}

/**
 * Nobody tells us that somebody left. So a token of somebody who came by an identity provider needs that provider, and a login
 * there within `token_days`; it works again after the next one.
 */
async function isVouchedFor(db: CatalogDb, userId: string, nowMs: number): Promise<boolean> {
  const identity = await db
    .selectFrom('user_identities')
    .select(['issuer', 'seen_at'])
    .where('user_id', '=', userId)
    .executeTakeFirst();
  if (!identity) return true;
  const settings = (await storedOidc(db))?.settings;
  return settings?.issuer === identity.issuer && nowMs - identity.seen_at <= settings.token_days * DAY_MS;
}

/** Newest first; of one user, or with null of all. */
export async function listTokens(db: CatalogDb, userId: string | null): Promise<ApiToken[]> {
  let query = db.selectFrom('api_tokens').selectAll().orderBy('id', 'desc');
  if (userId !== null) query = query.where('user_id', '=', userId);
  return (await query.execute()).map(tokenOf);
}

/** With a user only one of theirs. Throws `token_unknown`. Idempotent. */
export async function revokeToken(
  db: CatalogDb,
  id: string,
  userId: string | null,
  nowMs: number,
): Promise<void> {
  let query = db
    .updateTable('api_tokens')
    .set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(nowMs)) }))
    .where('id', '=', id);
  if (userId !== null) query = query.where('user_id', '=', userId);
  if ((await query.returning('id').execute()).length > 0) return;
  throw new HoldfastError('token_unknown', `there is no token ${id}`);
}

function tokenOf(row: {
  id: string;
  user_id: string;
  name: string;
  scopes: string;
  tenant_id: string | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
  revoked_at: number | null;
}): ApiToken {
  return {
    ...{ id: row.id, userId: row.user_id, name: row.name, tenantId: row.tenant_id },
    scopes: JSON.parse(row.scopes) as Permission[],
    ...{ createdAtMs: row.created_at, expiresAtMs: row.expires_at },
    ...{ usedAtMs: row.used_at, revokedAtMs: row.revoked_at },
  };
}
