/** Requests that a foreign page makes a browser send, and requests for another host, are refused before anything else. */
import type { FastifyRequest } from 'fastify';
import { HoldfastError } from '../../engine/index.ts';
import type { HttpSettings } from './http-settings.ts';

const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** `hostname` without port. */
export const isLocalName = (hostname: string) => LOCAL.has(hostname.toLowerCase());

/** Throws `request_foreign` for a host that is not this server: a name that somebody else's DNS points here. */
export function refuseForeignHost(request: FastifyRequest, settings: HttpSettings): void {
  // Not what a proxy says: a page cannot set this one, and a trusted proxy passes it on.
  const host = (request.raw.headers.host ?? '').toLowerCase();
  const name = host.replace(/:\d+$/, '');
  const isOurs =
    isLocalName(name) ||
    host === settings.publicUrl?.host ||
    settings.allowedHosts.some((allowed) => allowed === host || allowed === name);
  if (!isOurs) throw new HoldfastError('request_foreign', 'the request names a host that is not this server');
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Throws `request_foreign` when a browser says that another site is behind a request that changes something. */
export function refuseForeignOrigin(request: FastifyRequest, settings: HttpSettings): void {
  if (READING.has(request.method)) return;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new HoldfastError('request_foreign', 'the request comes from another site');
  }
  const { origin } = request.headers;
  if (origin === undefined) return;
  const host = (request.raw.headers.host ?? '').toLowerCase();
  const scheme = settings.tls || settings.publicUrl?.protocol === 'https:' ? 'https' : 'http';
  const allowed = [`${scheme}://${host}`, ...(settings.publicUrl ? [settings.publicUrl.origin] : [])];
  // On this machine itself, also where a proxy with TLS stands in front for everybody else.
  if (isLocalName(host.replace(/:\d+$/, ''))) allowed.push(`http://${host}`);
  if (!allowed.includes(origin.toLowerCase())) {
    throw new HoldfastError('request_foreign', 'the request comes from another origin');
  }
}

/** Throws `content_type_refused`: what a form of a foreign page can send is never taken for JSON. */
export function refuseContentType(request: FastifyRequest): void {
  if (READING.has(request.method)) return;
  const type = request.headers['content-type'];
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || request.headers['content-length'] !== '0';
  if (type === undefined && (!hasBody || request.headers['content-length'] === undefined)) return;
  const plain = (type ?? '').split(';')[0]!.trim().toLowerCase();
  const taken = request.routeOptions.config.takes ?? ['application/json'];
  if (taken.includes(plain)) return;
  throw new HoldfastError('content_type_refused', `content of type ${plain || 'unknown'} is not taken here`, {
    next: `send ${taken.join(' or ')}`,
  });
}
