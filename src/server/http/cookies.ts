import type { FastifyReply, FastifyRequest } from 'fastify';
import { LONGEST_MS } from '../access/sessions.ts';
import type { HttpSettings } from './http-settings.ts';
import { isLocalName } from './origin.ts';

const PROTECTED = '__Host-holdfast';
/** Over plain HTTP in a network, browsers drop cookies that are marked as secure. */
const PLAIN = 'holdfast';

/** The session's token of a request; null without one. */
export function sessionCookie(request: FastifyRequest, settings: HttpSettings): string | null {
  return request.cookies[isSecure(request, settings) ? PROTECTED : PLAIN] ?? null;
}

export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  settings: HttpSettings,
  token: string,
): void {
  const secure = isSecure(request, settings);
  reply.setCookie(secure ? PROTECTED : PLAIN, token, { ...common(secure), maxAge: LONGEST_MS / 1000 });
}

export function clearSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  settings: HttpSettings,
): void {
  const secure = isSecure(request, settings);
  reply.clearCookie(secure ? PROTECTED : PLAIN, common(secure));
}

const common = (secure: boolean) => ({ path: '/', httpOnly: true, sameSite: 'strict', secure }) as const;

/** With TLS, here or at the proxy in front, and on this machine itself. */
function isSecure(request: FastifyRequest, { publicUrl, tls }: HttpSettings): boolean {
  return tls !== null || publicUrl?.protocol === 'https:' || isLocalName(request.hostname);
}

const ATTEMPT = 'holdfast-sign-on';
const attemptName = (secure: boolean) => (secure ? `__Host-${ATTEMPT}` : ATTEMPT);

/** Of a login that is under way at an identity provider; null without one. */
export function readAttemptCookie(request: FastifyRequest, settings: HttpSettings): string | null {
  return request.cookies[attemptName(isSecure(request, settings))] ?? null;
}

/** Lax: the browser comes back from another site, and must bring it. */
export function setAttemptCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  settings: HttpSettings,
  value: string,
  lifeMs: number,
): void {
  const secure = isSecure(request, settings);
  reply.setCookie(attemptName(secure), value, {
    ...common(secure),
    ...{ sameSite: 'lax', maxAge: lifeMs / 1000 },
  });
}

export function clearAttemptCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  settings: HttpSettings,
): void {
  const secure = isSecure(request, settings);
  reply.clearCookie(attemptName(secure), { ...common(secure), sameSite: 'lax' });
}
