import { ownerClaim, setupState, user as userSchema } from '../../../contracts/api/access.ts';
import { answers } from '../../../contracts/api/common.ts';
import { openSession } from '../../access/sessions.ts';
import { claimOwner } from '../../access/setup.ts';
import { hasOwner, userOf } from '../../access/users.ts';
import type { App, ServerContext } from '../context.ts';
import { setSessionCookie } from '../cookies.ts';
import { setupTokenOf } from '../guard.ts';
import { userPayload, visitorOf } from '../payloads.ts';

export function addSetupRoutes(app: App, { catalog, settings }: ServerContext): void {
  app.route({
    method: 'GET',
    url: '/api/setup',
    config: { access: { open: true, early: true } },
    schema: { tags: ['setup'], summary: 'Whether the server has an owner', response: answers(setupState) },
    handler: async () => ({ owned: await hasOwner(catalog.db) }),
  });
  app.route({
    method: 'POST',
    url: '/api/setup/owner',
    config: { access: { setup: true } },
    schema: {
      tags: ['setup'],
      summary: 'Claim the server with the setup token, and log in',
      body: ownerClaim,
      response: answers(userSchema, 201),
    },
    handler: async (request, reply) => {
      const row = await claimOwner(catalog, { ...request.body, token: setupTokenOf(request)! });
      const session = await openSession(catalog.db, row, visitorOf(request), catalog.clock.nowMs());
      setSessionCookie(request, reply, settings, session.token);
      return reply.code(201).send(userPayload(await userOf(catalog.db, row)));
    },
  });
}
