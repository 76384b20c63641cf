/**
 * ID tokens (OpenID Connect Core 1.0, 3.1.3.7; JWS in compact form, RFC 7515). What is not plainly right is refused: the
 * algorithm is one of three with a public key, the key is one the provider publishes for it, and nothing in the token's own
 * header chooses how it is checked.
 */
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { HoldfastError, MINUTE_MS } from '../../../engine/index.ts';
import { isSame } from '../secrets.ts';

/** Clocks of two servers differ; more than this is a clock to be set. */
const SKEW_MS = MINUTE_MS;
const LONGEST_TOKEN = 32 * 1024;
const SMALLEST_RSA_BITS = 2048;

export interface ExpectedToken {
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  readonly nowMs: number;
}

export interface IdClaims {
  readonly subject: string;
  /** When the provider last asked for a password; null when it does not say. */
  readonly authenticatedAtMs: number | null;
  /** Everything it says. */
  readonly all: Readonly<Record<string, unknown>>;
}

/** A key as the provider publishes it, with what else stands there. */
export type PublishedKey = Readonly<Record<string, unknown>>;

const ALGORITHMS = {
  RS256: { kty: 'RSA', crv: undefined, members: ['n', 'e'] },
  ES256: { kty: 'EC', crv: 'P-256', members: ['crv', 'x', 'y'] },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', members: ['crv', 'x'] },
} as const;
type Algorithm = keyof typeof ALGORITHMS;

const header = z.object({ alg: z.string(), kid: z.string().optional(), crit: z.unknown().optional() });
const claims = z.looseObject({
  iss: z.string(),
  sub: z.string().min(1).max(255),
  aud: z.union([z.string(), z.array(z.string()).min(1)]),
  exp: z.number(),
  iat: z.number(),
  nbf: z.number().optional(),
  nonce: z.string(),
  azp: z.string().optional(),
  auth_time: z.number().optional(),
});

/** The signature's key is not among those known: they may have been changed since. */
export class UnknownKey extends HoldfastError {
  constructor() {
    super('sign_on_refused', 'the ID token is signed with a key that the provider does not publish');
  }
}

/** Throws `sign_on_refused` with the reason, `UnknownKey` among them. */
export function checkIdToken(
  token: string,
  keys: readonly PublishedKey[],
  expected: ExpectedToken,
): IdClaims {
  const parts = token.split('.');
  if (token.length > LONGEST_TOKEN || parts.length !== 3) throw refused('is not a signed token');
  const [head, body, signature] = parts as [string, string, string];
  const said = jsonOf(head, header, 'has a header that is not valid');
  if (said.crit !== undefined) throw refused('asks for something that is not known here');
  const algorithm = Object.hasOwn(ALGORITHMS, said.alg) ? (said.alg as Algorithm) : null;
  if (algorithm === null) throw refused(`is signed by ${said.alg.slice(0, 20)}, which is not taken`);
  const candidates = keys.filter((key) => isFor(key, algorithm, said.kid));
  // Without an id it must be plain which key is meant.
  if (candidates.length !== 1) throw new UnknownKey();
  const bytes = bytesOf(signature);
  if (!bytes || !isSigned(algorithm, keyOf(candidates[0]!, algorithm), `${head}.${body}`, bytes)) {
    throw refused('has a signature that is not right');
  }
  return checkClaims(jsonOf(body, claims, 'has claims that are not valid'), expected);
}

function checkClaims(said: z.output<typeof claims>, expected: ExpectedToken): IdClaims {
  const { issuer, clientId, nonce, nowMs } = expected;
  const audience = [said.aud].flat();
  if (said.iss !== issuer) throw refused('is of another provider');
  if (!audience.includes(clientId)) throw refused('is for another application');
  if (audience.length > 1 && said.azp === undefined)
    throw refused('is for several, and does not say for whom');
  if (said.azp !== undefined && said.azp !== clientId) throw refused('was given to another application');
  if (said.exp * 1000 <= nowMs - SKEW_MS) throw refused('has expired; check the clocks');
  if (said.iat * 1000 > nowMs + SKEW_MS) throw refused('is of the future; check the clocks');
  if (said.nbf !== undefined && said.nbf * 1000 > nowMs + SKEW_MS) throw refused('is not valid yet');
  if (!isSame(said.nonce, nonce)) throw refused('answers another request');
  const provenMs = said.auth_time === undefined ? null : said.auth_time * 1000;
  return {
    subject: said.sub,
    // Of the future it is not: nobody gets a proof that lasts.
    authenticatedAtMs: provenMs === null ? null : Math.min(provenMs, nowMs),
    all: said,
  };
}

const refused = (why: string) => new HoldfastError('sign_on_refused', `the ID token ${why}`);

/** Null for what is not base64url to the letter: there is one way to write a token. */
function bytesOf(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length > 0 && bytes.toString('base64url') === text ? bytes : null;
}

function jsonOf<T extends z.ZodType>(part: string, schema: T, why: string): z.output<T> {
  const bytes = bytesOf(part);
  try {
    const result = schema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes!)));
    if (result.success) return result.data;
  } catch {
    // Said below.
  }
  throw refused(why);
}

function isFor(key: PublishedKey, algorithm: Algorithm, keyId: string | undefined): boolean {
  const { kty, crv } = ALGORITHMS[algorithm];
  return (
    key.kty === kty &&
    (crv === undefined || key.crv === crv) &&
    (key.alg === undefined || key.alg === algorithm) &&
    (key.use === undefined || key.use === 'sig') &&
    (keyId === undefined || key.kid === keyId)
  );
}

function keyOf(published: PublishedKey, algorithm: Algorithm): KeyObject {
  const { kty, members } = ALGORITHMS[algorithm];
  let key: KeyObject;
  try {
    // The members of a public key alone, whatever else is written beside them.
    const jwk = Object.fromEntries(members.map((name) => [name, published[name]]));
    key = createPublicKey({ key: { kty, ...jwk } as JsonWebKey, format: 'jwk' });
  } catch (error) {
    throw new HoldfastError('sign_on_failed', 'the provider publishes a key that is none', { cause: error });
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined || bits >= SMALLEST_RSA_BITS) return key;
  throw refused(`is signed with an RSA key of ${bits} bits only`);
}

function isSigned(algorithm: Algorithm, key: KeyObject, text: string, signature: Buffer): boolean {
  const data = Buffer.from(text);
  if (algorithm === 'RS256') return verify('sha256', data, key, signature);
  if (algorithm === 'EdDSA') return verify(null, data, key, signature);
  return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
