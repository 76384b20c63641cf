/**
 * Attempts to log in are counted in the catalog, before a password is looked at: all servers count together, and a restart
 * forgets nothing. At most 4 windows end within any hour and a fifth is open, so at most 5 × 15 = 75 guesses an hour reach the
 * hash of one account.
 */
import { HoldfastError, MINUTE_MS } from '../../engine/index.ts';
import type { Catalog } from '../catalog/types.ts';
import { hashOf } from './secrets.ts';

const WINDOW_MS = 15 * MINUTE_MS;
const ACCOUNT_LIMIT = 15;
/** Of one address, for all accounts: it bounds what a stranger can make this machine compute. */
const ADDRESS_LIMIT = 60;

export interface Attempt {
  /** It succeeded, so it was no guess. */
  succeeded(): Promise<void>;
}

/** Counts an attempt. Throws `too_many_attempts` when there were too many; then nothing may be computed for it. */
export async function countAttempt(
  catalog: Catalog,
  who: { readonly account: string; readonly address: string },
): Promise<Attempt> {
  const nowMs = catalog.clock.nowMs();
  const windowAt = nowMs - (nowMs % WINDOW_MS);
  const subjects = [
    { subject: hashOf(`account ${who.account}`), limit: ACCOUNT_LIMIT },
    { subject: hashOf(`address ${who.address}`), limit: ADDRESS_LIMIT },
  ];
  // The address first: what is refused for it does not use up the guesses of an account.
  for (const { subject, limit } of subjects.toReversed()) {
    const { count } = await catalog.db
      .insertInto('login_attempts')
      .values({ subject, window_at: windowAt, count: 1 })
      .onConflict((conflict) =>
        conflict.columns(['subject', 'window_at']).doUpdateSet((eb) => ({
          count: eb('login_attempts.count', '+', 1),
        })),
      )
      .returning('count')
      .executeTakeFirstOrThrow();
    if (count > limit) throw tooMany(windowAt + WINDOW_MS - nowMs);
  }
  return {
    async succeeded() {
      await catalog.db
        .updateTable('login_attempts')
        .set((eb) => ({ count: eb('count', '-', 1) }))
        .where(
          'subject',
          'in',
          subjects.map(({ subject }) => subject),
        )
        .where('window_at', '=', windowAt)
        .where('count', '>', 0)
        .execute();
    },
  };
}

function tooMany(waitMs: number): HoldfastError {
  const minutes = Math.ceil(waitMs / MINUTE_MS);
  return new HoldfastError('too_many_attempts', 'there were too many attempts to log in', {
    next: `wait ${minutes} minutes, or log in with a code from "holdfast access login-code" on the server`,
  });
}

/** Forgets windows that are over. */
export async function forgetAttempts({ db, clock }: Catalog): Promise<void> {
  await db
    .deleteFrom('login_attempts')
    .where('window_at', '<', clock.nowMs() - 2 * WINDOW_MS)
    .execute();
}
