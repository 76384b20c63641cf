/** What every request passes before its handler: host, origin, content type, who it is, and what they may do. */
import type { FastifyRequest } from 'fastify';
import { HoldfastError } from '../../engine/index.ts';
import { allowedTenants, type Identity, isAllowed, isAllowedSomewhere } from '../access/identity.ts';
import { identityOfSession, PROOF_MS } from '../access/sessions.ts';
import { requireSetupToken } from '../access/setup.ts';
import { identityOfToken } from '../access/tokens.ts';
import { hasOwner } from '../access/users.ts';
import type { App, ServerContext } from './context.ts';
import { sessionCookie } from './cookies.ts';
import { refuseContentType, refuseForeignHost, refuseForeignOrigin } from './origin.ts';

/** Adds the guard to every route. */
export function addGuard(app: App, context: ServerContext): void {
  const { catalog, settings } = context;
  let owned = false;
  const isOwned = async () => {
    owned ||= await hasOwner(catalog.db);
    return owned;
  };
  app.decorateRequest('identity', null);
  app.decorateRequest('tenants');
  app.decorateRequest('tenantId', null);
  app.addHook('onRequest', async (request) => {
    refuseForeignHost(request, settings);
    if (request.is404) return;
    refuseForeignOrigin(request, settings);
    const access = request.routeOptions.config.access;
    if (!access) throw new HoldfastError('not_permitted');
    if ('setup' in access) return requireSetupToken(catalog, setupTokenOf(request));
    if ('open' in access) {
      if (!access.early && !(await isOwned())) throw new HoldfastError('setup_needed');
      return;
    }
    if (!(await isOwned())) throw new HoldfastError('setup_needed');
    const identity = await identify(request, context);
    if (!identity) throw new HoldfastError('not_authenticated');
    request.identity = identity;
    if (!isAllowedSomewhere(identity, access.permission)) throw denied(access.permission);
    if (access.peopleOnly && !identity.session) {
      throw new HoldfastError('not_permitted', 'this cannot be done with a token', {
        next: 'log in as a user',
      });
    }
    if (access.tenant === undefined && !isAllowed(identity, access.permission, null)) {
      throw denied(access.permission);
    }
    if (access.dangerous) requireFreshProof(identity, catalog.clock.nowMs());
    request.tenants = allowedTenants(identity, access.permission);
  });
  // Who may not be here learns nothing about what is taken here.
  app.addHook('onRequest', async (request) => {
    if (!request.is404) refuseContentType(request);
  });
  app.addHook('preHandler', async (request) => {
    const access = request.routeOptions.config.access;
    if (!request.identity || !access || !('permission' in access)) return;
    if (typeof access.tenant !== 'function') return;
    const isEverywhere = isAllowed(request.identity, access.permission, null);
    // Somebody of one tenant learns nothing about others, not even what exists: unknown and foreign are answered alike.
    const tenantId = await Promise.resolve(access.tenant(request, context)).catch((error: unknown) => {
      throw isEverywhere ? error : denied(access.permission);
    });
    request.tenantId = tenantId;
    if (!isAllowed(request.identity, access.permission, tenantId)) throw denied(access.permission);
  });
}

/** Throws `proof_needed` when somebody at a page has not shown lately who they are. A token is its own proof. */
export function requireFreshProof({ session }: Identity, nowMs: number): void {
  if (session && nowMs - session.provenAtMs > PROOF_MS) throw new HoldfastError('proof_needed');
}

const denied = (permission: string) =>
  new HoldfastError('not_permitted', `this needs the permission ${permission}`);

async function identify(request: FastifyRequest, { catalog, settings }: ServerContext) {
  const { authorization } = request.headers;
  // Whoever sends a token means it, even when a browser adds a cookie.
  if (authorization !== undefined) {
    const bearer = /^Bearer (\S+)$/i.exec(authorization)?.[1];
    return bearer ? identityOfToken(catalog, bearer) : null;
  }
  const cookie = sessionCookie(request, settings);
  return cookie ? identityOfSession(catalog, cookie) : null;
}

/** Looks again at who is behind a request that takes long. */
export async function isStillAllowed(request: FastifyRequest, context: ServerContext): Promise<boolean> {
  const access = request.routeOptions.config.access;
  const identity = await identify(request, context);
  return identity !== null && access !== undefined && 'permission' in access
    ? isAllowed(identity, access.permission, request.tenantId)
    : false;
}

/** From `Authorization: Bearer` or `X-Setup-Token`. */
export function setupTokenOf({ headers }: FastifyRequest): string | null {
  const own = headers['x-setup-token'];
  if (typeof own === 'string') return own.trim();
  return /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}
