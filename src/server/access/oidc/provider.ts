/** An identity provider: what it says of itself, its keys, and the exchange of a code. Everything goes through vetted connections. */
import { z } from 'zod';
import type { OidcSettings } from '../../../contracts/api/oidc.ts';
import { HOUR_MS, HoldfastError, MINUTE_MS } from '../../../engine/index.ts';
import { type Outbound, type OutboundRequest, vettedRequest } from '../../outbound/index.ts';
import { checkIdToken, type IdClaims, type PublishedKey, UnknownKey } from './id-token.ts';

const TIMEOUT_MS = 10_000;
const FRESH_MS = HOUR_MS;
/** A token with an unknown key makes us look again, and strangers must not make us look all the time. */
const KEYS_AGAIN_MS = MINUTE_MS;

const discovery = z.object({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string(),
  token_endpoint_auth_methods_supported: z.array(z.string()).default(['client_secret_basic']),
  authorization_response_iss_parameter_supported: z.boolean().default(false),
});
export type Discovery = z.output<typeof discovery>;

const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(100) });
const tokenAnswer = z.object({ id_token: z.string() });
const tokenError = z.object({ error: z.string().regex(/^[\x20-\x7e]{1,100}$/) });

export interface CodeExchange {
  readonly code: string;
  readonly redirectUri: string;
  readonly verifier: string;
  readonly nonce: string;
  /** Null for a public client. */
  readonly secret: string | null;
}

export interface Provider {
  /** Throws `sign_on_failed`, `address_refused`. Kept for an hour. */
  discover(settings: OidcSettings): Promise<Discovery>;
  /** Throws `sign_on_failed`. Kept for an hour. */
  keys(settings: OidcSettings): Promise<readonly PublishedKey[]>;
  /** Gives a code for an ID token, and checks it. Throws `sign_on_failed`, `sign_on_refused`, `address_refused`. */
  exchange(settings: OidcSettings, given: CodeExchange): Promise<IdClaims>;
}

export function openProvider(outbound: Outbound, nowMs: () => number): Provider {
  let known: { readonly issuer: string; readonly found: Discovery; readonly atMs: number } | null = null;
  let keyRing: {
    readonly from: string;
    readonly keys: readonly PublishedKey[];
    readonly atMs: number;
  } | null = null;

  const discover: Provider['discover'] = async ({ issuer }) => {
    if (known?.issuer === issuer && nowMs() - known.atMs < FRESH_MS) return known.found;
    const url = `${safeAddress(issuer, 'the issuer').replace(/\/$/, '')}/.well-known/openid-configuration`;
    const found = await json({ url, method: 'GET', timeoutMs: TIMEOUT_MS }, discovery, outbound);
    if (found.issuer !== issuer) {
      throw failed(`the provider at ${issuer} calls itself ${found.issuer.slice(0, 200)}`);
    }
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
      safeAddress(found[name], `its ${name}`);
    }
    known = { issuer, found, atMs: nowMs() };
    return found;
  };
  const keysNotOlderThan = async (settings: OidcSettings, mostMs: number) => {
    const { jwks_uri: from } = await discover(settings);
    if (keyRing?.from === from && nowMs() - keyRing.atMs < mostMs) return keyRing.keys;
    const { keys } = await json({ url: from, method: 'GET', timeoutMs: TIMEOUT_MS }, keySet, outbound);
    keyRing = { from, keys, atMs: nowMs() };
    return keys;
  };
  return {
    discover,
    keys: (settings) => keysNotOlderThan(settings, FRESH_MS),
    async exchange(settings, given) {
      const found = await discover(settings);
      const { id_token } = await json(tokenRequest(found, settings, given), tokenAnswer, outbound);
      const expected = {
        ...{ issuer: settings.issuer, clientId: settings.client_id, nonce: given.nonce, nowMs: nowMs() },
      };
      try {
        return checkIdToken(id_token, await keysNotOlderThan(settings, FRESH_MS), expected);
      } catch (error) {
        if (!(error instanceof UnknownKey)) throw error;
        return checkIdToken(id_token, await keysNotOlderThan(settings, KEYS_AGAIN_MS), expected);
      }
    },
  };
}

/** As its metadata says: by the header where it takes that, which is what every provider must, else in the form. */
function tokenRequest(found: Discovery, settings: OidcSettings, given: CodeExchange): OutboundRequest {
  const { code, redirectUri, verifier, secret } = given;
  const methods = found.token_endpoint_auth_methods_supported;
  const inForm =
    secret !== null && !methods.includes('client_secret_basic') && methods.includes('client_secret_post');
  const form = new URLSearchParams({
    ...{ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
    ...(secret === null || inForm ? { client_id: settings.client_id } : {}),
    ...(inForm ? { client_secret: secret } : {}),
  });
  // RFC 6749, 2.3.1: encoded as in a form before it is joined.
  const encoded = (text: string) => new URLSearchParams([['', text]]).toString().slice(1);
  const basic = Buffer.from(`${encoded(settings.client_id)}:${encoded(secret ?? '')}`).toString('base64');
  return {
    ...{ url: found.token_endpoint, method: 'POST', timeoutMs: TIMEOUT_MS, body: form.toString() },
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Accept: 'application/json',
      ...(secret !== null && !inForm ? { Authorization: `Basic ${basic}` } : {}),
    },
  };
}

const failed = (why: string, cause?: unknown) => new HoldfastError('sign_on_failed', why, { cause });

async function json<T extends z.ZodType>(
  request: OutboundRequest,
  schema: T,
  outbound: Outbound,
): Promise<z.output<T>> {
  const host = URL.parse(request.url)?.host ?? '';
  const { status, body } = await vettedRequest({ ...request, wholeBody: true }, outbound).catch(
    (error: unknown) => {
      if (!(error instanceof HoldfastError) || error.code !== 'notice_failed') throw error;
      throw failed(error.message, error);
    },
  );
  const said = parsed(body);
  if (status === 200) {
    const result = schema.safeParse(said);
    if (result.success) return result.data;
    throw failed(`${host} answers something else than what was asked for`);
  }
  const error = tokenError.safeParse(said);
  if (error.success && status < 500) {
    throw new HoldfastError('sign_on_refused', `${host} refuses: ${error.data.error}`);
  }
  throw failed(`${host} answers with status ${status}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Codes and secrets go over TLS, but within this machine. Throws `sign_on_failed`. */
function safeAddress(text: string, what: string): string {
  const url = URL.parse(text);
  const isHere = url !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere);
  if (isSafe && url.username === '' && url.password === '' && url.hash === '') return text;
  throw failed(`${what} is not an https: address`);
}
