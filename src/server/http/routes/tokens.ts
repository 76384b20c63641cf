import { apiToken, tokenCreate, tokenCreated } from '../../../contracts/api/access.ts';
import { answers, listOf, nothing } from '../../../contracts/api/common.ts';
import { jobParam as idParam } from '../../../contracts/api/runs.ts';
import { DAY_MS, HoldfastError } from '../../../engine/index.ts';
import { isAllowed, isAllowedSomewhere } from '../../access/identity.ts';
import { PERMISSIONS, type Permission } from '../../access/permissions.ts';
import { createToken, listTokens, revokeToken } from '../../access/tokens.ts';
import { type App, identityOf, type ServerContext } from '../context.ts';
import { tokenPayload } from '../payloads.ts';
import { RequestProblem } from '../problem.ts';

const WRITE = { permission: 'tokens:write', tenant: 'visible', peopleOnly: true } as const;

/** A token with these could make others of itself, or people. */
const NEVER: ReadonlySet<string> = new Set(['account:self', 'tokens:write', 'users:write']);

export function addTokenRoutes(app: App, { catalog }: ServerContext): void {
  const tags = ['access'];
  app.route({
    method: 'GET',
    url: '/api/v1/tokens',
    config: { access: WRITE },
    schema: {
      tags,
      summary: 'My tokens; all of them for who may change users',
      response: answers(listOf(apiToken)),
    },
    handler: async (request) => {
      const identity = identityOf(request);
      const all = isAllowed(identity, 'users:write', null);
      const tokens = await listTokens(catalog.db, all ? null : identity.userId);
      return { items: tokens.map(tokenPayload) };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/tokens',
    config: { access: { ...WRITE, dangerous: true } },
    schema: {
      tags,
      summary: 'Create a token for myself',
      body: tokenCreate,
      response: answers(tokenCreated, 201),
    },
    handler: async (request, reply) => {
      const identity = identityOf(request);
      const { name, scopes, tenant_id: tenantId, expires_in_days } = request.body;
      const nowMs = catalog.clock.nowMs();
      const checked = scopes.map((scope, i) => {
        if (!(PERMISSIONS as readonly string[]).includes(scope) || NEVER.has(scope)) {
          throw new RequestProblem([{ field: `scopes.${i}`, message: `"${scope}" is no scope of a token` }]);
        }
        const permission = scope as Permission;
        const has =
          tenantId === null
            ? isAllowedSomewhere(identity, permission)
            : isAllowed(identity, permission, tenantId);
        if (!has) throw new HoldfastError('not_permitted', `you do not have ${scope} yourself`);
        return permission;
      });
      const expiresAtMs = nowMs + expires_in_days * DAY_MS;
      const made = await createToken(
        catalog.db,
        identity.userId,
        { name, scopes: checked, tenantId, expiresAtMs },
        nowMs,
      );
      return reply.code(201).send({ token: tokenPayload(made.token), secret: made.secret });
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/tokens/:id',
    config: { access: WRITE },
    schema: { tags, summary: 'Revoke a token at once', params: idParam, response: answers(nothing) },
    handler: async (request) => {
      const identity = identityOf(request);
      const all = isAllowed(identity, 'users:write', null);
      await revokeToken(catalog.db, request.params.id, all ? null : identity.userId, catalog.clock.nowMs());
      return {};
    },
  });
}
