import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  forgeries,
  newTokenKey,
  publishedKey,
  signedToken,
  type TokenAlgorithm,
} from '../../../../test/support/oidc-provider.ts';
import { checkIdToken, type PublishedKey, UnknownKey } from './id-token.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const now = NOW_MS / 1000;
const expected = { issuer: 'https://id.example', clientId: 'holdfast', nonce: 'n-0S6_WzA2Mj', nowMs: NOW_MS };
const good = {
  ...{ iss: expected.issuer, aud: 'holdfast', sub: '24400320', nonce: expected.nonce },
  ...{ iat: now - 5, exp: now + 300 },
};
const ALGORITHMS: readonly TokenAlgorithm[] = ['RS256', 'ES256', 'EdDSA'];
const keys = ALGORITHMS.map((algorithm) => newTokenKey(algorithm, algorithm.toLowerCase()));
const published = keys.map(publishedKey) as PublishedKey[];
const [rsa, ec, ed] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0]];
const check = (token: string, known: readonly PublishedKey[] = published) =>
  checkIdToken(token, known, expected);
const REFUSED = { code: 'sign_on_refused' };

test('a token of each algorithm is taken, and says who it is', () => {
  for (const key of keys) {
    const { subject, authenticatedAtMs, all } = check(signedToken(key, { ...good, groups: ['a'] }));
    assert.deepEqual([subject, authenticatedAtMs, all.groups], ['24400320', null, ['a']]);
  }
  const { authenticatedAtMs } = check(signedToken(ed, { ...good, auth_time: now - 60 }));
  assert.equal(authenticatedAtMs, NOW_MS - 60_000);
  // A proof of the future would last.
  assert.equal(check(signedToken(ed, { ...good, auth_time: now + 9e9 })).authenticatedAtMs, NOW_MS);
});

test('what is not for us, not now, or not an answer to our request is refused', () => {
  const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));
  const cases: readonly [string, object][] = [
    ...Object.keys(good).map((name): [string, object] => [`without ${name}`, without(name)]),
    ['another issuer', { ...good, iss: 'https://id.example/' }],
    ['another audience', { ...good, aud: 'other' }],
    ['an audience that only begins so', { ...good, aud: ['holdfast2'] }],
    ['several audiences and no party', { ...good, aud: ['holdfast', 'other'] }],
    ['another party', { ...good, aud: ['holdfast', 'other'], azp: 'other' }],
    ['expired', { ...good, exp: now - 61 }],
    ['of the future', { ...good, iat: now + 61 }],
    ['not yet', { ...good, nbf: now + 61 }],
    ['another nonce', { ...good, nonce: 'x' }],
    ['a nonce that is no text', { ...good, nonce: [expected.nonce] }],
    ['an expiry that is text', { ...good, exp: String(now + 300) }],
    ['a nameless subject', { ...good, sub: '' }],
  ];
  for (const [what, claims] of cases) assert.throws(() => check(signedToken(rsa, claims)), REFUSED, what);
  for (const claims of [
    { ...good, exp: now - 59 },
    { ...good, iat: now + 59 },
    { ...good, aud: ['holdfast', 'other'], azp: 'holdfast' },
  ]) {
    assert.equal(check(signedToken(rsa, claims)).subject, good.sub);
  }
});

test('a token that nobody with a published private key signed is refused, whatever its header says', () => {
  const stranger = newTokenKey('RS256', 'rs256');
  const token = signedToken(rsa, good);
  const [head, body, signature] = token.split('.') as [string, string, string];
  const embedded = { jwk: publishedKey(stranger), x5c: ['MII'], jku: 'https://evil.example/keys' };
  const der = sign(
    'sha256',
    Buffer.from(`${signedToken(ec, good).split('.').slice(0, 2).join('.')}`),
    ec.privateKey,
  );
  const cases: readonly [string, string][] = [
    ['none', forgeries.none(good)],
    ['none with a signature', `${forgeries.none(good)}${signature}`],
    ...keys.map((key): [string, string] => [
      `HS256 with the public key ${key.algorithm}`,
      forgeries.hs256(key, good),
    ]),
    ['a stranger', signedToken(stranger, good)],
    ['a stranger who brings the key', signedToken(stranger, good, embedded)],
    ['another algorithm named', signedToken(rsa, good, { alg: 'ES256' })],
    ['another key named', signedToken(rsa, good, { kid: 'eddsa' })],
    ['RS512', signedToken(rsa, good, { alg: 'RS512' })],
    ['a name of Object', signedToken(rsa, good, { alg: 'constructor' })],
    ['crit', signedToken(rsa, good, { crit: ['exp'] })],
    ['no signature', `${head}.${body}.`],
    ['two parts', `${head}.${body}`],
    ['four parts', `${token}.x`],
    ['padding', `${token}=`],
    [
      'DER instead of two numbers',
      `${signedToken(ec, good).split('.').slice(0, 2).join('.')}.${der.toString('base64url')}`,
    ],
    [
      'other claims under the signature',
      `${head}.${Buffer.from(JSON.stringify({ ...good, sub: 'admin' })).toString('base64url')}.${signature}`,
    ],
    ['endless', `${head}.${'A'.repeat(40_000)}.${signature}`],
    ['nothing', ''],
  ];
  for (const [what, forged] of cases) assert.throws(() => check(forged), REFUSED, what);
  assert.equal(check(token).subject, good.sub, 'the same unchanged');
});

test('every changed character of a token is noticed', () => {
  const token = signedToken(ed, good);
  for (let i = 0; i < token.length; i += 1) {
    const other = token[i] === 'A' ? 'B' : 'A';
    assert.throws(
      () => check(`${token.slice(0, i)}${other}${token.slice(i + 1)}`),
      REFUSED,
      `character ${i}`,
    );
  }
});

test('which key it is must be plain, and the key fit for it', () => {
  const { kid: _, ...nameless } = publishedKey(rsa);
  const token = signedToken(rsa, good, { kid: undefined });
  assert.equal(check(token, [nameless]).subject, good.sub);
  const twin = publishedKey(newTokenKey('RS256', 'two')) as PublishedKey;
  assert.throws(() => check(token, [nameless, twin]), UnknownKey);
  assert.throws(() => check(signedToken(rsa, good), []), UnknownKey);
  assert.throws(() => check(token, [{ ...nameless, use: 'enc' }]), UnknownKey);
  assert.throws(() => check(token, [{ ...nameless, alg: 'PS256' }]), UnknownKey);
  assert.throws(
    () => check(token, [{ ...nameless, n: 'AA' }]),
    (error: { code?: string }) => error.code !== undefined,
  );
  const weak = { ...rsa, ...generateKeyPairSync('rsa', { modulusLength: 1024 }) };
  assert.throws(() => check(signedToken(weak, good), [publishedKey(weak) as PublishedKey]), /1024 bits/);
  // A symmetric key among the published ones makes nothing symmetric taken.
  const symmetric = { kty: 'oct', k: 'AAAA', kid: 'rs256', alg: 'HS256' };
  assert.throws(() => check(forgeries.hs256(rsa, good), [symmetric]), REFUSED);
});
