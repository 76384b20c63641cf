import { recoveryCodes, secondFactorBegun, secondFactorConfirm } from '../../../contracts/api/access.ts';
import { answers, nothing } from '../../../contracts/api/common.ts';
import { HoldfastError } from '../../../engine/index.ts';
import { endSessionsOf } from '../../access/sessions.ts';
import {
  matchingStep,
  newRecoveryCodes,
  newTotpSecret,
  seal,
  totpAddress,
  unseal,
} from '../../access/totp.ts';
import { requireUser } from '../../access/users.ts';
import { type App, identityOf, type ServerContext } from '../context.ts';

const ACCESS = { permission: 'account:self', tenant: 'visible', peopleOnly: true, dangerous: true } as const;
const URL = '/api/v1/session/second-factor';

export function addSecondFactorRoutes(app: App, { catalog, sealKey }: ServerContext): void {
  const tags = ['session'];
  app.route({
    method: 'POST',
    url: URL,
    config: { access: ACCESS },
    schema: { tags, summary: 'Begin with a second factor', response: answers(secondFactorBegun) },
    handler: async (request) => {
      const { userId, userName } = identityOf(request);
      const secret = newTotpSecret();
      const updated = await catalog.db
        .updateTable('users')
        .set({ totp_secret: seal(secret, sealKey, userId), totp_last_step: null })
        .where('id', '=', userId)
        .where('totp_confirmed_at', 'is', null)
        .returning('id')
        .execute();
      if (updated.length === 0) {
        throw new HoldfastError('in_use', 'there is a second factor already', { next: 'remove it first' });
      }
      return { secret, address: totpAddress(userName, secret) };
    },
  });
  app.route({
    method: 'POST',
    url: `${URL}/confirm`,
    config: { access: ACCESS },
    schema: {
      tags,
      summary: 'Show that it works; other sessions end',
      body: secondFactorConfirm,
      response: answers(recoveryCodes),
    },
    handler: async (request) => {
      const { userId, session } = identityOf(request);
      const user = await requireUser(catalog.db, userId);
      const nowMs = catalog.clock.nowMs();
      const step =
        user.totp_secret === null
          ? null
          : matchingStep(unseal(user.totp_secret, sealKey, userId), request.body.code, nowMs);
      if (step === null) throw new HoldfastError('login_failed', 'this code is not right');
      const codes = await catalog.transaction(async (trx) => {
        await trx
          .updateTable('users')
          .set({ totp_confirmed_at: nowMs, totp_last_step: step })
          .where('id', '=', userId)
          .execute();
        await endSessionsOf(trx, userId, session!.tokenHash);
        return newRecoveryCodes(trx, userId);
      });
      return { recovery_codes: codes };
    },
  });
  app.route({
    method: 'POST',
    url: `${URL}/recovery-codes`,
    config: { access: ACCESS },
    schema: { tags, summary: 'New recovery codes', response: answers(recoveryCodes) },
    handler: async (request) => ({
      recovery_codes: await catalog.transaction((trx) => newRecoveryCodes(trx, identityOf(request).userId)),
    }),
  });
  app.route({
    method: 'DELETE',
    url: URL,
    config: { access: ACCESS },
    schema: { tags, summary: 'Remove the second factor', response: answers(nothing) },
    handler: async (request) => {
      const { userId } = identityOf(request);
      await removeSecondFactor(catalog.db, userId);
      return {};
    },
  });
}

export async function removeSecondFactor(db: ServerContext['catalog']['db'], userId: string): Promise<void> {
  await db
    .updateTable('users')
    .set({ totp_secret: null, totp_confirmed_at: null, totp_last_step: null })
    .where('id', '=', userId)
    .execute();
  await db.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
}
