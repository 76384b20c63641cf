import type { OidcSettings } from '../../../contracts/api/oidc.ts';
import { HOUR_MS, HoldfastError, newId } from '../../../engine/index.ts';
import type { Catalog, CatalogDb } from '../../catalog/types.ts';
import type { OpenedSession } from '../login.ts';
import { noPassword } from '../passwords.ts';
import { endSessionsOf, openSession, type Visitor } from '../sessions.ts';
import { insertUser, requireUser, setTenantRoles, type UserRow } from '../users.ts';
import type { IdClaims } from './id-token.ts';
import { type MappedUser, mappedUser } from './roles.ts';

/**
 * Logs in whom a provider vouches for: the user with this subject, made at the first time. Their roles are what the settings
 * say now. A user who was made here is never taken over, whatever name the provider gives. Throws `sign_on_refused`; somebody
 * known whom no rule names any more loses roles and sessions.
 */
export async function logInByProvider(
  catalog: Catalog,
  settings: OidcSettings,
  claims: IdClaims,
  visitor: Visitor,
): Promise<OpenedSession> {
  const nowMs = catalog.clock.nowMs();
  const { issuer } = settings;
  const { subject } = claims;
  let mapped: MappedUser;
  try {
    mapped = mappedUser(claims.all, settings);
  } catch (error) {
    await catalog.transaction((trx) => takeRoles(trx, issuer, subject));
    throw error;
  }
  const opened = await catalog.transaction(async (trx) => {
    const id = await userIdOf(trx, issuer, subject);
    const user =
      id === null ? await newUser(trx, { issuer, subject, mapped, nowMs }) : await requireUser(trx, id);
    if (user.disabled_at !== null || user.role === 'owner') {
      throw new HoldfastError('sign_on_refused', `the user ${user.name} may not log in this way`);
    }
    await trx.updateTable('users').set({ role: mapped.role }).where('id', '=', user.id).execute();
    await setTenantRoles(trx, user.id, await existing(trx, mapped.tenantRoles));
    await seen(trx, issuer, subject, nowMs);
    const session = await openSession(trx, user, visitor, nowMs, {
      // A provider that does not say when it asked for the password may have known the browser for weeks.
      provenAtMs: claims.authenticatedAtMs ?? 0,
      longestMs: settings.session_hours * HOUR_MS,
    });
    return { user: { ...user, role: mapped.role }, ...session };
  });
  return opened;
}

async function userIdOf(trx: CatalogDb, issuer: string, subject: string): Promise<string | null> {
  const row = await trx
    .selectFrom('user_identities')
    .select('user_id')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst();
  return row?.user_id ?? null;
}

async function newUser(
  trx: CatalogDb,
  given: { issuer: string; subject: string; mapped: MappedUser; nowMs: number },
): Promise<UserRow> {
  const { issuer, subject, mapped, nowMs } = given;
  const row: UserRow = {
    ...{ id: newId(nowMs), name: mapped.name, role: mapped.role, created_at: nowMs, disabled_at: null },
    ...{ password_hash: noPassword(), totp_secret: null, totp_confirmed_at: null, totp_last_step: null },
  };
  await insertUser(trx, row).catch((error: unknown) => {
    if (!(error instanceof HoldfastError) || error.code !== 'name_taken') throw error;
    throw new HoldfastError('sign_on_refused', `there is another user ${mapped.name}`, { cause: error });
  });
  await trx
    .insertInto('user_identities')
    .values({ issuer, subject, user_id: row.id, created_at: nowMs, seen_at: nowMs })
    .execute();
  return row;
}

async function seen(trx: CatalogDb, issuer: string, subject: string, nowMs: number): Promise<void> {
  await trx
    .updateTable('user_identities')
    .set({ seen_at: nowMs })
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .execute();
}

/** A tenant that is gone is no reason to keep people of others out. */
async function existing(
  trx: CatalogDb,
  roles: MappedUser['tenantRoles'],
): Promise<MappedUser['tenantRoles']> {
  const ids = Object.keys(roles);
  if (ids.length === 0) return roles;
  const rows = await trx.selectFrom('tenants').select('id').where('id', 'in', ids).execute();
  return Object.fromEntries(rows.map(({ id }) => [id, roles[id]!]));
}

async function takeRoles(trx: CatalogDb, issuer: string, subject: string): Promise<void> {
  const id = await userIdOf(trx, issuer, subject);
  if (id === null) return;
  await trx
    .updateTable('users')
    .set({ role: null })
    .where('id', '=', id)
    .where('role', '!=', 'owner')
    .execute();
  await setTenantRoles(trx, id, {});
  await endSessionsOf(trx, id);
}
