import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kmsKeyOf } from '../engine/kms/credential.ts';
import { encryptionKeyId } from './config-destination.ts';

test('the configuration takes the keys of services that the engine takes, and no others', () => {
  const arn = 'aws-kms:arn:aws:kms:eu-central-1:123456789012:key';
  const references = [
    ...[`${arn}/1234-abcd`, 'aws-kms:arn:aws-cn:kms:cn-north-1:123456789012:alias/holdfast'],
    ...['vault-transit:transit/holdfast', 'vault-transit:team/transit/holdfast.1'],
    ...['', 'vault-transit:', 'vault-transit:holdfast', 'vault-transit:/holdfast', 'vault-transit:transit/'],
    ...[
      'vault-transit:../sys/seal',
      'vault-transit:transit/..',
      'vault-transit:a/./b',
      'vault-transit:a b/c',
    ],
    ...[
      `${arn}/`,
      `${arn}`,
      'aws-kms:arn:aws:kms:eu:1:key/x',
      'aws-kms:arn:aws:kms:x@evil.org/:123456789012:key/1',
    ],
    ...[`${arn}/1\n`, 'hfk1-AAAA', ` vault-transit:transit/holdfast`],
  ];
  const isKey = (text: string) => {
    try {
      return kmsKeyOf(text, {}).kind === 'kms';
    } catch {
      return false;
    }
  };
  const taken = references.filter(isKey);
  assert.equal(taken.length, 4);
  assert.deepEqual(
    references.filter((text) => encryptionKeyId.safeParse(text).success),
    taken,
  );
});
