import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { HoldfastError } from '../base/errors.ts';
import {
  fingerprintOf,
  newSigningKey,
  SIGNING_CONTEXTS,
  sign,
  signingKeyFromPem,
  toPem,
  verifySignature,
} from './signing.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

test('RFC 8032, 7.1, test 3: with an empty context the signature is plain Ed25519', () => {
  const seed = hex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7');
  const der = Buffer.concat([hex('302e020100300506032b657004220420'), seed]);
  const pem = `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
  const key = signingKeyFromPem(pem);
  assert.equal(
    key.publicKey.toString('hex'),
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  );
  const signature = sign(key, '', hex('af82'));
  assert.equal(
    signature.toString('hex'),
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  );
  assert.equal(verifySignature(key.publicKey, '', hex('af82'), signature), true);
});

test('a key survives its pem, and its fingerprint is the hash of the public key', () => {
  const key = newSigningKey();
  const again = signingKeyFromPem(toPem(key));
  assert.deepEqual(again.publicKey, key.publicKey);
  assert.equal(key.fingerprint.toString('hex'), createHash('sha256').update(key.publicKey).digest('hex'));
  assert.deepEqual(fingerprintOf(key.publicKey), key.fingerprint);
});

test('signatures hold for their key, context and message only', () => {
  const key = newSigningKey();
  const message = Buffer.from('message');
  const signature = sign(key, SIGNING_CONTEXTS.manifest, message);
  assert.equal(verifySignature(key.publicKey, SIGNING_CONTEXTS.manifest, message, signature), true);
  assert.equal(verifySignature(key.publicKey, SIGNING_CONTEXTS.bundleManifest, message, signature), false);
  assert.equal(
    verifySignature(key.publicKey, SIGNING_CONTEXTS.manifest, Buffer.from('messagf'), signature),
    false,
  );
  assert.equal(
    verifySignature(newSigningKey().publicKey, SIGNING_CONTEXTS.manifest, message, signature),
    false,
  );
  for (let bit = 0; bit < 512; bit += 1) {
    const changed = Buffer.from(signature);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(
      verifySignature(key.publicKey, SIGNING_CONTEXTS.manifest, message, changed),
      false,
      `bit ${bit}`,
    );
  }
  for (const length of [0, 63, 65]) {
    assert.equal(
      verifySignature(key.publicKey, SIGNING_CONTEXTS.manifest, message, Buffer.alloc(length)),
      false,
    );
    assert.equal(verifySignature(Buffer.alloc(length), SIGNING_CONTEXTS.manifest, message, signature), false);
  }
});

test('no context is the beginning of another', () => {
  const contexts = Object.values(SIGNING_CONTEXTS);
  for (const a of contexts) for (const b of contexts) assert.equal(a !== b && b.startsWith(a), false);
});

test('what is no ed25519 key is refused without quoting it', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  for (const pem of ['', 'secret text', rsa as string, toPem(newSigningKey()).slice(0, 60)]) {
    assert.throws(
      () => signingKeyFromPem(pem),
      (error) =>
        error instanceof HoldfastError && error.code === 'key_malformed' && error.cause === undefined,
    );
  }
});
