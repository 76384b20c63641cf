import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { HoldfastError } from '../base/errors.ts';
import { hkdf } from './hkdf.ts';
import { encodeKeyring, firstKeyring, nextKeyring, parseKeyring } from './keyring.ts';
import { deriveRepositoryKeys } from './repository-keys.ts';

const PROFILE = { minBytes: 16384, normalBytes: 32768, maxBytes: 65536, bitsEarly: 17, bitsLate: 13 };
const CHUNKING = { dump: PROFILE, file: { ...PROFILE, maxBytes: 131072 } };
const code = (expected: string) => (error: unknown) =>
  error instanceof HoldfastError && error.code === expected;
const first = () => firstKeyring({ repositoryId: randomBytes(16), chunking: CHUNKING });

test('ten rotations keep the secret and every older master key', () => {
  let keyring = first();
  const masterKeys = [randomBytes(32)];
  for (let epoch = 2; epoch <= 11; epoch += 1) {
    keyring = parseKeyring(encodeKeyring(nextKeyring(keyring, masterKeys.at(-1)!)));
    masterKeys.push(randomBytes(32));
  }
  const keys = deriveRepositoryKeys({ keyring, masterKey: masterKeys.at(-1)!, writable: true });
  assert.equal(keys.epoch, 11);
  assert.deepEqual(keys.epochs, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  for (const epoch of keys.epochs) assert.deepEqual(keys.masterKey(epoch), masterKeys[epoch - 1]);
  assert.throws(
    () => keys.masterKey(12),
    (error) => code('key_wrong')(error) && /epoch 12/.test(String(error)),
  );
});

test('chunk ids and the gear table come from the secret alone', () => {
  const keyring = first();
  const before = deriveRepositoryKeys({ keyring, masterKey: randomBytes(32), writable: true });
  const rotated = nextKeyring(keyring, randomBytes(32));
  const after = deriveRepositoryKeys({ keyring: rotated, masterKey: randomBytes(32), writable: true });
  assert.deepEqual(after.chunkIdKey, before.chunkIdKey);
  assert.deepEqual(after.gearTable, before.gearTable);
  assert.deepEqual(before.chunkIdKey, hkdf(keyring.secret, null, 'holdfast v1 chunk id', 32));
  const bytes = hkdf(keyring.secret, null, 'holdfast v1 chunker', 1024);
  assert.equal(before.gearTable.length, 256);
  assert.equal(before.gearTable[255], bytes.readUInt32LE(1020));
  assert.notDeepEqual(
    deriveRepositoryKeys({ keyring: first(), masterKey: randomBytes(32), writable: true }).gearTable,
    before.gearTable,
  );
});

test('keyrings come back from their json; malformed ones are refused', () => {
  const keyring = nextKeyring(first(), randomBytes(32));
  assert.deepEqual(parseKeyring(encodeKeyring(keyring)), keyring);
  const json = JSON.parse(encodeKeyring(keyring).toString());
  const profile = json.chunking.dump;
  const wrong = [
    { ...json, version: 0 },
    { ...json, secret: 'short' },
    { ...json, epoch: 0 },
    { ...json, previous: null },
    { ...json, previous: [{ ...json.previous[0], epoch: 2 }] },
    { ...json, previous: [json.previous[0], json.previous[0]] },
    { ...json, chunking: { dump: profile } },
    { ...json, chunking: { ...json.chunking, dump: { ...profile, min: 0 } } },
    { ...json, chunking: { ...json.chunking, dump: { ...profile, max: 5 * 2 ** 20 } } },
    { ...json, chunking: { ...json.chunking, dump: { ...profile, normal: profile.max + 1 } } },
    { ...json, chunking: { ...json.chunking, dump: { ...profile, bitsLate: 33 } } },
  ];
  for (const value of wrong) {
    assert.throws(
      () => parseKeyring(Buffer.from(JSON.stringify(value))),
      code('object_damaged'),
      JSON.stringify(value),
    );
  }
  assert.throws(() => parseKeyring(Buffer.from('{"version":2}')), code('repository_newer'));
  assert.throws(() => parseKeyring(Buffer.from('nonsense')), code('object_damaged'));
});
