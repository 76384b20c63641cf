/**
 * The way of a browser to the provider and back. What belongs to it travels in a sealed cookie, so that strangers who begin
 * and never come back leave nothing in the catalog; what came back is remembered, so that nothing comes back twice.
 */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { OidcSettings } from '../../../contracts/api/oidc.ts';
import { HoldfastError, MINUTE_MS } from '../../../engine/index.ts';
import type { Catalog } from '../../catalog/types.ts';
import { hashOf, isSame } from '../secrets.ts';
import { seal, unseal } from '../totp.ts';
import type { Discovery } from './provider.ts';

export const ATTEMPT_MS = 10 * MINUTE_MS;
/** What the seal is bound to, in the place of a user. */
const PURPOSE = 'sign-on attempt';

const attempt = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  issuer: z.string(),
  redirectUri: z.string(),
  returnTo: z.string(),
  proves: z.boolean(),
  startedAtMs: z.number(),
});
export type Attempt = z.output<typeof attempt>;

const random = () => randomBytes(32).toString('base64url');

/** A new attempt: what the cookie is to hold, and where the browser goes. */
export function beginAttempt(
  given: {
    readonly settings: OidcSettings;
    readonly discovery: Discovery;
    readonly redirectUri: string;
    readonly returnTo: string;
    /** The provider must ask for the password, even where it knows the browser. */
    readonly proves: boolean;
  },
  nowMs: number,
  sealKey: Buffer,
): { readonly cookie: string; readonly location: string } {
  const { settings, discovery, redirectUri, returnTo, proves } = given;
  const made: Attempt = {
    ...{ state: random(), nonce: random(), verifier: random(), issuer: settings.issuer },
    ...{ redirectUri, returnTo, proves, startedAtMs: nowMs },
  };
  const location = new URL(discovery.authorization_endpoint);
  const parameters = {
    ...{ response_type: 'code', client_id: settings.client_id, redirect_uri: redirectUri },
    scope: [...new Set(['openid', ...settings.scopes])].join(' '),
    ...{ state: made.state, nonce: made.nonce, code_challenge_method: 'S256' },
    code_challenge: createHash('sha256').update(made.verifier).digest('base64url'),
    ...(proves ? { prompt: 'login', max_age: '0' } : {}),
  };
  for (const [name, value] of Object.entries(parameters)) location.searchParams.set(name, value);
  return { cookie: seal(JSON.stringify(made), sealKey, PURPOSE), location: location.href };
}

/**
 * The attempt that came back with this state, in the browser that began it, for the first time. Throws `sign_on_refused`.
 */
export async function takeAttempt(
  catalog: Catalog,
  cookie: string | null,
  state: string | undefined,
  sealKey: Buffer,
): Promise<Attempt> {
  const nowMs = catalog.clock.nowMs();
  const found = cookie === null ? null : opened(cookie, sealKey);
  if (!found || state === undefined || !isSame(found.state, state)) {
    throw new HoldfastError('sign_on_refused', 'this browser did not begin this login', {
      next: 'begin again at the login page',
    });
  }
  const expiresAtMs = found.startedAtMs + ATTEMPT_MS;
  const first =
    expiresAtMs > nowMs &&
    (await catalog.db
      .insertInto('used_login_states')
      .values({ state_hash: hashOf(state), expires_at: expiresAtMs })
      .onConflict((conflict) => conflict.column('state_hash').doNothing())
      .returning('state_hash')
      .executeTakeFirst());
  if (first) return found;
  throw new HoldfastError('sign_on_refused', 'this login is over: it took too long, or came back twice', {
    next: 'begin again at the login page',
  });
}

function opened(cookie: string, sealKey: Buffer): Attempt | null {
  try {
    return attempt.parse(JSON.parse(unseal(cookie, sealKey, PURPOSE)));
  } catch {
    return null;
  }
}
