/** How a server gets its owner: whoever reads the console claims it, once. */
import { DAY_MS, HoldfastError, MINUTE_MS } from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';
import { hashOf, newSecret } from './secrets.ts';
import { hasOwner, insertUser, newUserRow, requireUser, type UserRow } from './users.ts';

/** After this a token that nobody used is no good; a restart prints a new one. */
const SETUP_MS = DAY_MS;
const LOGIN_CODE_MS = 10 * MINUTE_MS;

/** A new setup token for the console, in the place of any before; null when there is an owner. Only its hash is stored. */
export async function newSetupToken(catalog: Catalog): Promise<string | null> {
  if (await hasOwner(catalog.db)) return null;
  const token = newSecret('hfsetup_');
  const nowMs = catalog.clock.nowMs();
  await catalog.exclusive('setup', async (trx) => {
    await trx.deleteFrom('one_time_codes').where('purpose', '=', 'setup').execute();
    await trx
      .insertInto('one_time_codes')
      .values({
        ...{ code_hash: hashOf(token), purpose: 'setup', user_id: null },
        ...{ created_at: nowMs, expires_at: nowMs + SETUP_MS },
      })
      .execute();
  });
  return token;
}

/** Throws `setup_closed` once there is an owner, `setup_token_wrong`. */
export async function requireSetupToken(catalog: Catalog, token: string | null): Promise<void> {
  if (await hasOwner(catalog.db)) throw new HoldfastError('setup_closed');
  if (token !== null && (await isCode(catalog, 'setup', token))) return;
  throw new HoldfastError('setup_token_wrong');
}

async function isCode({ db, clock }: Catalog, purpose: 'setup' | 'login', code: string): Promise<boolean> {
  const row = await db
    .selectFrom('one_time_codes')
    .select('code_hash')
    .where('code_hash', '=', hashOf(code))
    .where('purpose', '=', purpose)
    .where('expires_at', '>', clock.nowMs())
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Makes the owner. Of many at the same moment one succeeds, the others get `setup_closed`; the token is used up. Throws
 * `setup_token_wrong`, `password_weak`, `request_invalid`.
 */
export async function claimOwner(
  catalog: Catalog,
  given: { readonly token: string; readonly name: string; readonly password: string },
): Promise<UserRow> {
  await requireSetupToken(catalog, given.token);
  const row = await newUserRow({ ...given, role: 'owner' }, catalog.clock.nowMs());
  await catalog.exclusive('setup', async (trx) => {
    if (await hasOwner(trx)) throw new HoldfastError('setup_closed');
    const used = await trx
      .deleteFrom('one_time_codes')
      .where('code_hash', '=', hashOf(given.token))
      .where('purpose', '=', 'setup')
      .returning('code_hash')
      .execute();
    if (used.length === 0) throw new HoldfastError('setup_token_wrong');
    await insertUser(trx, row);
  });
  return row;
}

/**
 * A code that logs a user in once, without a password and whatever the throttle says. Made on the server's own console: the way
 * in for an owner who is locked out. Throws `user_unknown`.
 */
export async function newLoginCode(catalog: Catalog, name: string): Promise<string> {
  const { db, clock } = catalog;
  const user = await db
    .selectFrom('users')
    .select('id')
    .where('name', '=', name.toLowerCase())
    .executeTakeFirst();
  if (!user) throw new HoldfastError('user_unknown', `there is no user ${name}`);
  const code = newSecret('hfcode_');
  const nowMs = clock.nowMs();
  await db
    .insertInto('one_time_codes')
    .values({
      ...{ code_hash: hashOf(code), purpose: 'login', user_id: user.id },
      ...{ created_at: nowMs, expires_at: nowMs + LOGIN_CODE_MS },
    })
    .execute();
  return code;
}

/** The user of a login code, which is used up by it. Throws `login_failed`. */
export async function takeLoginCode({ db, clock }: Catalog, code: string): Promise<UserRow> {
  const taken = await db
    .deleteFrom('one_time_codes')
    .where('code_hash', '=', hashOf(code))
    .where('purpose', '=', 'login')
    .where('expires_at', '>', clock.nowMs())
    .returning('user_id')
    .executeTakeFirst();
  if (!taken?.user_id) throw new HoldfastError('login_failed', 'this code is not right, or was used');
  const user = await requireUser(db, taken.user_id);
  if (user.disabled_at !== null) throw new HoldfastError('login_failed', 'this user is disabled');
  return user;
}
