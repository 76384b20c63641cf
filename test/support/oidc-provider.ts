/** A small identity provider with real keys, on a port of its own: discovery, keys, authorisation, tokens; and what an attacker would do. */
import { createHash, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export type TokenAlgorithm = 'RS256' | 'ES256' | 'EdDSA';

const PAIRS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
} as const;

export interface TokenKey {
  readonly algorithm: TokenAlgorithm;
  readonly keyId: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function newTokenKey(algorithm: TokenAlgorithm, keyId: string): TokenKey {
  return { algorithm, keyId, ...PAIRS[algorithm]() };
}

export const publishedKey = ({ algorithm, keyId, publicKey }: TokenKey) => ({
  ...publicKey.export({ format: 'jwk' }),
  ...{ kid: keyId, alg: algorithm, use: 'sig' },
});

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as a provider makes it; `header` goes over what is usual. */
export function signedToken(key: TokenKey, claims: object, header: object = {}): string {
  const text = `${part({ alg: key.algorithm, kid: key.keyId, typ: 'JWT', ...header })}.${part(claims)}`;
  const data = Buffer.from(text);
  const signature =
    key.algorithm === 'RS256'
      ? sign('sha256', data, key.privateKey)
      : key.algorithm === 'EdDSA'
        ? sign(null, data, key.privateKey)
        : sign('sha256', data, { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

/** What somebody makes who has the public key alone. */
export const forgeries = {
  none: (claims: object) => `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`,
  /** The public key taken for a shared secret. */
  hs256(key: TokenKey, claims: object): string {
    const text = `${part({ alg: 'HS256', kid: key.keyId, typ: 'JWT' })}.${part(claims)}`;
    const secret = key.publicKey.export({ type: 'spki', format: 'pem' });
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  },
};

interface Granted {
  readonly nonce: string;
  readonly challenge: string;
  readonly redirectUri: string;
}

export interface OidcProvider {
  readonly issuer: string;
  readonly key: TokenKey;
  /** Claims of whoever logs in next, over the usual ones. */
  person: Record<string, unknown>;
  /** Makes the token, for attackers; default: as it should be. */
  makeToken: ((claims: Record<string, unknown>) => string) | null;
  /** Over what the description says. */
  description: Record<string, unknown>;
  readonly requests: string[];
  /** Keys it publishes. */
  keys: TokenKey[];
}

export const CLIENT = { id: 'holdfast', secret: 'a secret: of the+client' } as const;

/** Ends with the test. */
export async function startOidcProvider(
  t: TestContext,
  algorithm: TokenAlgorithm = 'RS256',
): Promise<OidcProvider> {
  const granted = new Map<string, Granted>();
  const server = createServer((request, response) => {
    const url = new URL(request.url!, provider.issuer);
    provider.requests.push(`${request.method} ${url.pathname}`);
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url.pathname === '/.well-known/openid-configuration') return json(200, describe(provider));
    if (url.pathname === '/keys') return json(200, { keys: provider.keys.map(publishedKey) });
    if (url.pathname === '/authorize') {
      const location = authorize(url.searchParams, granted, provider.issuer);
      return response.writeHead(location ? 302 : 400, location ? { location } : {}).end();
    }
    if (url.pathname !== '/token') return json(404, {});
    return void bodyOf(request).then((form) => {
      const found = grantOf(request, form, granted);
      if (!found) return json(400, { error: 'invalid_grant' });
      const claims = claimsOf(provider, found);
      const made = provider.makeToken?.(claims) ?? signedToken(provider.key, claims);
      return json(200, { access_token: 'x', token_type: 'Bearer', id_token: made });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const key = newTokenKey(algorithm, 'one');
  const provider: OidcProvider = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ key, keys: [key], person: {}, makeToken: null, description: {}, requests: [] },
  };
  return provider;
}

const describe = ({ issuer, description }: OidcProvider) => ({
  ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
  ...{ jwks_uri: `${issuer}/keys`, authorization_response_iss_parameter_supported: true },
  ...description,
});

/** Where the browser goes with its code; null for a request that no provider would take. */
function authorize(query: URLSearchParams, granted: Map<string, Granted>, issuer: string): string | null {
  const [redirectUri, challenge, nonce] = [
    query.get('redirect_uri'),
    query.get('code_challenge'),
    query.get('nonce'),
  ];
  const isTaken =
    query.get('response_type') === 'code' &&
    query.get('client_id') === CLIENT.id &&
    query.get('code_challenge_method') === 'S256' &&
    query.get('scope')!.split(' ').includes('openid');
  if (!isTaken || !redirectUri || !challenge || !nonce) return null;
  const code = createHash('sha256').update(nonce).digest('base64url');
  granted.set(code, { nonce, challenge, redirectUri });
  const location = new URL(redirectUri);
  location.searchParams.set('code', code);
  location.searchParams.set('state', query.get('state')!);
  location.searchParams.set('iss', issuer);
  return location.href;
}

/** Checks client, redirect address and PKCE. A code is good once. */
function grantOf(
  request: IncomingMessage,
  form: URLSearchParams,
  granted: Map<string, Granted>,
): Granted | null {
  const found = granted.get(form.get('code') ?? '');
  granted.delete(form.get('code') ?? '');
  const [id, secret] = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64')
    .toString()
    .split(':')
    .map((text) => decodeURIComponent(text.replaceAll('+', ' ')));
  const challenge = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url');
  const isRight =
    id === CLIENT.id && secret === CLIENT.secret && form.get('redirect_uri') === found?.redirectUri;
  return found && isRight && challenge === found.challenge ? found : null;
}

function claimsOf({ issuer, person }: OidcProvider, { nonce }: Granted): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  return {
    ...{ iss: issuer, aud: CLIENT.id, sub: 'subject-1', iat: now, exp: now + 300, auth_time: now, nonce },
    ...{ email: 'ada@example.org', email_verified: true, groups: ['holdfast-admins', 'everybody'] },
    ...person,
  };
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
