import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Identity } from '../access/identity.ts';
import { nameOf } from '../access/identity.ts';
import type { Catalog } from '../catalog/types.ts';
import type { Author } from '../configuration/author.ts';
import type { JobQueue } from '../jobs/port.ts';
import type { CatalogLedger } from '../ledger/catalog-ledger.ts';
import type { Notices } from '../notices/notices.ts';
import type { OutboundPolicy } from '../outbound/index.ts';
import type { Schedule } from '../schedule/port.ts';
import type { Workplace } from '../worker/port.ts';
import type { HttpSettings } from './http-settings.ts';

/** What the routes work with. */
export interface ServerContext {
  readonly catalog: Catalog;
  readonly queue: JobQueue;
  readonly schedule: Schedule;
  readonly settings: HttpSettings;
  /** What this machine knows of destinations: for what is answered at once, such as tests and downloads. */
  readonly workplace: Workplace;
  /** Where the server may connect to when a request names the address. */
  readonly outbound: OutboundPolicy;
  /** Seals secrets of second factors in the catalog. */
  readonly sealKey: Buffer;
  /** Where everything done, and every read of backup data, is kept. Its failure fails the request. */
  readonly record: (entry: AccessRecord) => Promise<void>;
  readonly ledger: Pick<CatalogLedger, 'heads'>;
  readonly notices: Pick<Notices, 'test'>;
  /** Of other parts of the server: answered as they are. */
  readonly monitoring: Monitoring;
}

/** One thing that somebody did, or tried to do. */
export interface AccessRecord {
  readonly atMs: number;
  /** Method and path as it is registered, such as `POST /api/admin/backups/trigger`. */
  readonly action: string;
  /** Ids in the path. */
  readonly object: { readonly [name: string]: string };
  /** Null while the server is set up. */
  readonly actor: string | null;
  readonly userId: string | null;
  readonly tokenId: string | null;
  readonly tenantId: string | null;
  readonly address: string;
  readonly status: number;
}

export interface Monitoring {
  readonly healthz: () => Promise<{ readonly ok: boolean; readonly body: unknown }>;
  readonly readyz: () => Promise<{ readonly ok: boolean; readonly body: unknown }>;
  /** In the text format of Prometheus; null while nothing makes it. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string } | null>;
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyInstance['log'],
  ZodTypeProvider
>;

declare module 'fastify' {
  interface FastifyInstance {
    /** Every registered route, such as `GET /api/v1/jobs/:id`. */
    routeList: readonly string[];
  }
  interface FastifyRequest {
    /** Null on routes that are open to all, and while the server is set up. */
    identity: Identity | null;
    /** See `visibleTenants`; undefined until the guard has looked. */
    tenants: readonly string[] | null | undefined;
    /** The tenant the request is about, for the record. */
    tenantId: string | null;
    /** What else it is about, for the record: what does not stand in its path. No secrets. */
    about: Readonly<Record<string, string>> | null;
  }
}

/** The person or token behind the request. */
export function identityOf(request: FastifyRequest): Identity {
  if (!request.identity) throw new Error(`the route ${request.url} has no guard`);
  return request.identity;
}

/** Tenants whose things the request may see; null for all and for what belongs to none. */
export function visibleTenants({ tenants, url }: FastifyRequest): readonly string[] | null {
  if (tenants === undefined) throw new Error(`the route ${url} has no guard`);
  return tenants;
}

export function authorOf(request: FastifyRequest, { catalog }: ServerContext): Author {
  const identity = identityOf(request);
  const origin = identity.session && request.headers['x-holdfast-ui'] !== undefined ? 'ui' : 'api';
  return { origin, name: nameOf(identity), atMs: catalog.clock.nowMs() };
}
