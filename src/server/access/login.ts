import { HoldfastError } from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';
import { isPassword } from './passwords.ts';
import { openSession, type Visitor } from './sessions.ts';
import { takeLoginCode } from './setup.ts';
import { countAttempt } from './throttle.ts';
import { takeSecondFactor } from './totp.ts';
import { requireUser, type UserRow } from './users.ts';

export interface Login {
  readonly name: string;
  readonly password: string;
  /** Of the second factor, where the user has one. */
  readonly code: string | null;
}

export interface OpenedSession {
  readonly user: UserRow;
  readonly token: string;
  readonly expiresAtMs: number;
}

/**
 * Logs a person in. Throws `too_many_attempts`, `login_failed` alike for an unknown user and a wrong password,
 * `second_factor_needed` once the password is right.
 */
export async function logIn(
  catalog: Catalog,
  login: Login,
  visitor: Visitor,
  sealKey: Buffer,
): Promise<OpenedSession> {
  const name = login.name.trim().toLowerCase();
  const user = await checkPassword(catalog, { ...login, name }, visitor, sealKey);
  const session = await openSession(catalog.db, user, visitor, catalog.clock.nowMs());
  return { user, ...session };
}

/** Logs in with a code from the server's console. The throttle does not count: nobody guesses 256 bits. */
export async function logInByCode(catalog: Catalog, code: string, visitor: Visitor): Promise<OpenedSession> {
  const user = await takeLoginCode(catalog, code);
  const session = await openSession(catalog.db, user, visitor, catalog.clock.nowMs());
  return { user, ...session };
}

/** The password once more, before something dangerous. Throws what `logIn` throws. */
export async function proveAgain(
  catalog: Catalog,
  who: { readonly userId: string; readonly tokenHash: string },
  given: Omit<Login, 'name'>,
  visitor: Visitor,
  sealKey: Buffer,
): Promise<void> {
  const { name } = await requireUser(catalog.db, who.userId);
  await checkPassword(catalog, { ...given, name }, visitor, sealKey);
  await catalog.db
    .updateTable('sessions')
    .set({ proven_at: catalog.clock.nowMs() })
    .where('token_hash', '=', who.tokenHash)
    .execute();
}

async function checkPassword(
  catalog: Catalog,
  { name, password, code }: Login,
  { address }: Visitor,
  sealKey: Buffer,
): Promise<UserRow> {
  const attempt = await countAttempt(catalog, { account: name, address });
  const user = await catalog.db
    .selectFrom('users')
    .selectAll()
    .where('name', '=', name)
    .where('disabled_at', 'is', null)
    .executeTakeFirst();
  const isRight = await isPassword(password, user?.password_hash ?? null);
  if (!user || !isRight) throw new HoldfastError('login_failed');
  if (user.totp_confirmed_at !== null) {
    if (code === null) {
      await attempt.succeeded();
      throw new HoldfastError('second_factor_needed');
    }
    if (!(await takeSecondFactor(catalog, user, code, sealKey))) throw new HoldfastError('login_failed');
  }
  await attempt.succeeded();
  return user;
}
