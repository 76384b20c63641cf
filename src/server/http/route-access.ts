/** Default deny: every route says who may use it, or the server does not start. */
import type { FastifyRequest, RouteOptions } from 'fastify';
import type { Permission } from '../access/permissions.ts';
import type { ServerContext } from './context.ts';
import { OPEN_ROUTES } from './open-routes.ts';

export type RouteAccess =
  /** For everybody. Must also be named in `open-routes.ts`. `early`: even before the server has an owner. */
  | { readonly open: true; readonly early?: true }
  /** With the setup token, until there is an owner. */
  | { readonly setup: true }
  | {
      readonly permission: Permission;
      /**
       * Whose things the request is about. Absent: everybody's, so that roles in tenants do not count. `visible`: the handler
       * shows only what belongs to `request.tenants`. A function tells the tenant, null for what belongs to none.
       */
      readonly tenant?: 'visible' | TenantOf;
      /** The password was given in the last minutes. */
      readonly dangerous?: true;
      /** Not with a token. */
      readonly peopleOnly?: true;
    };

export type TenantOf = (
  request: FastifyRequest,
  context: ServerContext,
) => Promise<string | null> | string | null;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess;
    /** Reads backup data, so that it is recorded although it changes nothing. */
    recorded?: true;
    /** Content types taken besides JSON. */
    takes?: readonly string[];
  }
}

/** Throws for a route that does not say who may use it, or is open without being on the list. */
export function requireAccess(route: Pick<RouteOptions, 'method' | 'url' | 'config'>): void {
  const access = route.config?.access;
  for (const method of [route.method].flat()) {
    const name = `${method} ${route.url}`;
    if (!access) throw new Error(`the route ${name} does not declare who may use it`);
    if ('open' in access && !OPEN_ROUTES.has(method === 'HEAD' ? `GET ${route.url}` : name)) {
      throw new Error(`the route ${name} is open and not on the list of open routes`);
    }
  }
}
