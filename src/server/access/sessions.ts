/** Sessions of people. The cookie holds 256 random bits; the catalog holds their hash. */
import { DAY_MS, HOUR_MS, MINUTE_MS, newId } from '../../engine/index.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import type { Identity } from './identity.ts';
import { hashOf, newSecret } from './secrets.ts';
import { tenantRolesOf, type UserRow } from './users.ts';

/** Without a request for this long, a session ends. */
export const IDLE_MS = 12 * HOUR_MS;
/** It ends after this whatever happens. */
export const LONGEST_MS = 7 * DAY_MS;
/** How long a password counts as just given. */
export const PROOF_MS = 10 * MINUTE_MS;
/** Not at every request: that would be a write each time. */
const SEEN_STEP_MS = MINUTE_MS;

export interface Visitor {
  readonly address: string;
  readonly agent: string;
}

/** Opens a session and gives what the cookie is to hold, shown here only. `but`: what an identity provider says otherwise. */
export async function openSession(
  trx: CatalogDb,
  user: { readonly id: string },
  { address, agent }: Visitor,
  nowMs: number,
  but: { readonly provenAtMs?: number; readonly longestMs?: number } = {},
): Promise<{ token: string; expiresAtMs: number }> {
  const token = newSecret('hfs_');
  const expiresAtMs = nowMs + Math.min(LONGEST_MS, but.longestMs ?? LONGEST_MS);
  await trx
    .insertInto('sessions')
    .values({
      ...{ token_hash: hashOf(token), id: newId(nowMs), user_id: user.id },
      ...{ created_at: nowMs, seen_at: nowMs, expires_at: expiresAtMs },
      proven_at: but.provenAtMs ?? nowMs,
      ...{ address, agent: agent.slice(0, 200) },
    })
    .execute();
  return { token, expiresAtMs };
}

/** Null for a session that ended, never was, or whose user is disabled. */
export async function identityOfSession(catalog: Catalog, token: string): Promise<Identity | null> {
  const { db, clock } = catalog;
  const nowMs = clock.nowMs();
  const tokenHash = hashOf(token);
  const session = await db
    .selectFrom('sessions')
    .selectAll()
    .where('token_hash', '=', tokenHash)
    .where('expires_at', '>', nowMs)
    .where('seen_at', '>', nowMs - IDLE_MS)
    .executeTakeFirst();
  if (!session) return null;
  const user = await usableUser(db, session.user_id);
  if (!user) return null;
  if (nowMs - session.seen_at > SEEN_STEP_MS) {
    await db.updateTable('sessions').set({ seen_at: nowMs }).where('token_hash', '=', tokenHash).execute();
  }
  return {
    ...{ userId: user.id, userName: user.name, role: user.role },
    tenantRoles: await tenantRolesOf(db, user.id),
    session: { id: session.id, tokenHash, provenAtMs: session.proven_at },
    ...{ token: null, scopes: null, onlyTenant: null },
  };
}

/** Null for one that is disabled. */
export async function usableUser(db: CatalogDb, id: string): Promise<UserRow | null> {
  const row = await db
    .selectFrom('users')
    .selectAll()
    .where('id', '=', id)
    .where('disabled_at', 'is', null)
    .executeTakeFirst();
  return row ?? null;
}

export async function endSession(db: CatalogDb, tokenHash: string): Promise<void> {
  await db.deleteFrom('sessions').where('token_hash', '=', tokenHash).execute();
}

/** All of a user, but for the one given. */
export async function endSessionsOf(db: CatalogDb, userId: string, but: string | null = null): Promise<void> {
  let query = db.deleteFrom('sessions').where('user_id', '=', userId);
  if (but !== null) query = query.where('token_hash', '!=', but);
  await query.execute();
}

/** Removes those that ended. */
export async function forgetSessions({ db, clock }: Catalog): Promise<void> {
  const nowMs = clock.nowMs();
  await db
    .deleteFrom('sessions')
    .where((eb) => eb.or([eb('expires_at', '<', nowMs), eb('seen_at', '<', nowMs - IDLE_MS)]))
    .execute();
  await db.deleteFrom('one_time_codes').where('expires_at', '<', nowMs).execute();
  await db.deleteFrom('used_login_states').where('expires_at', '<', nowMs).execute();
}
