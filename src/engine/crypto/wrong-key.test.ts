import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleBytes, inParts, TEST_KEY } from '../../../test/support/bundles.ts';
import { seededRandom } from '../../../test/support/seed.ts';
import { HoldfastError } from '../base/errors.ts';
import { readBundle } from '../bundle/bundle-reader.ts';
import { openSlot, sealSlot } from './key-slot.ts';
import type { Credential } from './key-text.ts';
import { newHeader } from './object-header.ts';
import { packOpener, packSealer } from './pack-cipher.ts';
import { openObject, sealObject } from './sealed-object.ts';

const RIGHT = (TEST_KEY as { key: Buffer }).key;
const ID = Buffer.alloc(16, 6);
const random = seededRandom('wrong keys');

/** 1,000 keys: every neighbour by one bit, cut and padded ones, runs, and random ones. */
function wrongKeys(): Buffer[] {
  const keys: Buffer[] = [];
  for (let bit = 0; bit < 256; bit += 1) {
    const key = Buffer.from(RIGHT);
    key[bit >> 3]! ^= 1 << (bit & 7);
    keys.push(key);
  }
  keys.push(Buffer.alloc(32), Buffer.alloc(32, 255), Buffer.from(RIGHT).reverse().fill(1, 0, 1));
  while (keys.length < 1000) keys.push(random.bytes(32));
  return keys.filter((key) => !key.equals(RIGHT));
}

/** Code and message of what is thrown: the same for every wrong key, or they could be told apart. */
async function answerOf(action: () => unknown): Promise<string> {
  try {
    await action();
    return 'opened';
  } catch (error) {
    return error instanceof HoldfastError ? `${error.code}: ${error.message}` : `crashed: ${String(error)}`;
  }
}

test('1,000 wrong keys open no slot, object, block or bundle, and all get one answer', async () => {
  const common = { epoch: 1, repositoryId: ID, masterKey: RIGHT };
  const slot = await sealSlot({ credential: TEST_KEY, ...common, label: '' });
  const object = sealObject({ type: 'manifest', ...common, payload: Buffer.from('secret') });
  const { header, key } = newHeader({ type: 'pack', ...common });
  const block = packSealer({ header, key }).sealBlock(Buffer.from('secret'));
  const bundle = await bundleBytes({ 'db.dump': Buffer.from('secret') });
  const attempt = (candidate: Buffer) => [
    async () => {
      if ((await openSlot(slot, { kind: 'raw', key: candidate })) === null)
        throw new HoldfastError('key_wrong', 'slot');
    },
    () => openObject({ bytes: object, type: 'manifest', repositoryId: ID, masterKeyOf: () => candidate }),
    () => packOpener({ header, key: candidate }).openBlock(0, block),
    () => readBundle({ source: inParts(bundle, 4096), credentials: [{ kind: 'raw', key: candidate }] }),
  ];
  const answers = [0, 1, 2, 3].map(() => new Set<string>());
  const keys = wrongKeys();
  for (const candidate of keys) {
    for (const [i, action] of attempt(candidate).entries()) answers[i]!.add(await answerOf(action));
  }
  assert.ok(keys.length >= 999);
  assert.deepEqual(
    answers.map((set) => [...set].map((answer) => answer.split(':')[0])),
    [['key_wrong'], ['key_wrong'], ['object_damaged'], ['key_wrong']],
  );
  const right = await Promise.all(attempt(RIGHT).slice(0, 2).concat(attempt(RIGHT)[3]!).map(answerOf));
  assert.deepEqual(right, ['opened', 'opened', 'opened'], 'negative control: the right key is let in');
});

test('near misses of a passphrase open nothing', async () => {
  const right = 'Correct Horse 7';
  const credential: Credential = { kind: 'passphrase', passphrase: right };
  const scrypt = { n: 16, r: 1, p: 1 };
  const slot = await sealSlot({
    credential,
    masterKey: RIGHT,
    repositoryId: ID,
    epoch: 1,
    label: '',
    scrypt,
  });
  // Not among them: a NUL behind it, which HMAC inside scrypt cannot tell from nothing.
  const misses = new Set(['', ` ${right}`, `${right} `, right.toLowerCase(), `${right}\n`, right.slice(1)]);
  for (let i = 0; i < right.length; i += 1) {
    for (const c of 'aZ0 é') misses.add(right.slice(0, i) + c + right.slice(i + 1));
    misses.add(right.slice(0, i) + right.slice(i + 1));
  }
  misses.delete(right);
  for (const passphrase of misses)
    assert.equal(await openSlot(slot, { kind: 'passphrase', passphrase }), null, passphrase);
  assert.equal(await openSlot(slot, { kind: 'raw', key: RIGHT }), null, 'another kind of credential');
  assert.deepEqual(await openSlot(slot, credential), RIGHT);
});
