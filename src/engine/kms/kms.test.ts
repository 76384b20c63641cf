import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import {
  AWS_LOGIN,
  awsKmsDouble,
  type KmsDouble,
  VAULT_TOKEN,
  vaultDouble,
} from '../../../test/support/kms-doubles.ts';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { openSlot, parseSlot, sealSlot } from '../crypto/key-slot.ts';
import { generateKeyText, type KmsKey, parseKeyText } from '../crypto/key-text.ts';
import { createRepository, openRepository } from '../repository/repository.ts';
import { memoryStorage } from '../storage/memory-storage.ts';
import { credentialOf, type KmsSettings, kmsKeyOf } from './credential.ts';

const ARN = 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const VAULT = 'vault-transit:transit/team/holdfast';

interface Service {
  readonly name: string;
  readonly reference: string;
  readonly start: (t: TestContext) => Promise<{ double: KmsDouble; settings: KmsSettings }>;
  /** An answer of the service that carries other bytes. */
  readonly carrying: (bytes: Buffer) => unknown;
}

const SERVICES: readonly Service[] = [
  {
    name: 'AWS KMS',
    reference: ARN,
    async start(t) {
      const double = await awsKmsDouble(t);
      return { double, settings: { aws: { endpoint: double.address, credentials: async () => AWS_LOGIN } } };
    },
    carrying: (bytes) => ({ Plaintext: bytes.toString('base64') }),
  },
  {
    name: 'Vault Transit',
    reference: VAULT,
    async start(t) {
      const double = await vaultDouble(t);
      return { double, settings: { vault: { address: double.address, token: VAULT_TOKEN } } };
    },
    carrying: (bytes) => ({ data: { plaintext: bytes.toString('base64') } }),
  },
];

const failure = (work: Promise<unknown>) =>
  work.then(
    () => assert.fail('it succeeded'),
    (error: unknown) => {
      assert.ok(error instanceof HoldfastError, String(error));
      return error;
    },
  );

for (const { name, reference, start, carrying } of SERVICES) {
  describe(`a slot whose key lies in ${name}`, () => {
    const slotInput = { masterKey: randomBytes(32), repositoryId: randomBytes(16), epoch: 3, label: '' };
    const slotFor = async (key: KmsKey) =>
      parseSlot(Buffer.from(JSON.stringify(await sealSlot({ ...slotInput, credential: key }))));

    test('opens by it alone, and the service sees neither master key nor wrapping key', async (t) => {
      const { double, settings } = await start(t);
      const key = kmsKeyOf(reference, settings);
      const slot = await slotFor(key);
      assert.deepEqual(await openSlot(slot, key), slotInput.masterKey);
      assert.equal(slot.kdf.name === 'kms' && slot.kdf.key, reference);
      const seen = JSON.stringify(double.calls.map(({ body }) => body));
      assert.ok(!seen.includes(slotInput.masterKey.toString('base64')));
      const before = double.calls.length;
      for (const other of [
        parseKeyText(generateKeyText()),
        parseKeyText('a passphrase of mine'),
        kmsKeyOf(`${reference}x`, settings),
      ])
        assert.equal(await openSlot(slot, other), null);
      assert.equal(double.calls.length, before, 'a slot of another key is never sent to the service');
    });

    test('wrong answers of the service open nothing, in one and the same way', async (t) => {
      const { double, settings } = await start(t);
      const key = kmsKeyOf(reference, settings);
      const slot = await slotFor(key);
      for (const bytes of [
        randomBytes(32),
        Buffer.alloc(32),
        randomBytes(16),
        Buffer.alloc(0),
        randomBytes(64),
      ]) {
        double.answer = () => ({ status: 200, body: carrying(bytes) });
        const opened = await openSlot(slot, key).catch((error: unknown) => codeOf(error));
        assert.ok(opened === null || opened === 'kms_refused', `${bytes.length} bytes: ${opened}`);
      }
      double.answer = () => ({ status: 200, body: [] });
      assert.equal((await failure(openSlot(slot, key))).code, 'kms_refused');
      double.answer = null;
      const changed = { ...slot, epoch: 4 };
      const opened = await openSlot(changed, key).catch((error: unknown) => codeOf(error));
      assert.ok(opened === null || opened === 'kms_refused', 'a slot moved to another epoch stays shut');
    });

    test('a service that does not give back what it was given gets no slot', async (t) => {
      const { double, settings } = await start(t);
      double.answer = ({ operation }) =>
        /decrypt/i.test(operation) ? { status: 200, body: carrying(randomBytes(16)) } : null;
      assert.equal((await failure(slotFor(kmsKeyOf(reference, settings)))).code, 'kms_refused');
    });

    test('a repository: added, opened, rotated, retired; another key opens when the service is away', async (t) => {
      const { double, settings } = await start(t);
      const storage = memoryStorage();
      const raw = parseKeyText(generateKeyText());
      const made = await createRepository({ storage, credential: raw });
      const key = kmsKeyOf(reference, settings);
      await made.addSlot(key, 'cloud');
      const open = (...credentials: Parameters<typeof openRepository>[0]['credentials']) =>
        openRepository({ storage, credentials });
      assert.equal((await open(key)).id, made.id);
      double.calls.length = 0;
      assert.equal((await open(key, raw)).id, made.id);
      assert.equal(double.calls.length, 0, 'a key at hand comes before the service');
      const away = kmsKeyOf(reference, {
        aws: { endpoint: 'http://127.0.0.1:1', credentials: async () => AWS_LOGIN },
        vault: { address: 'http://127.0.0.1:1', token: 'x' },
      });
      assert.equal((await open(raw, away)).id, made.id);
      double.answer = () => ({ status: 200, body: carrying(randomBytes(32)) });
      assert.equal((await failure(open(key))).code, 'key_wrong');
      double.answer = null;

      const repository = await open(key);
      await repository.rotateEpoch({ credentials: [{ credential: key, label: 'cloud' }] });
      assert.equal((await open(key)).keys.epoch, 2);
      assert.equal((await open(raw)).keys.writable, false);
      const cloud = (await repository.listSlots()).filter(({ kind }) => kind === 'kms');
      assert.deepEqual(
        cloud.map(({ epoch, current }) => [epoch, current]),
        [
          [2, true],
          [1, false],
        ],
      );
      assert.equal((await failure(repository.retireSlot(cloud[0]!.slotId))).code, 'key_last');
      await repository.addSlot(raw, 'paper');
      await repository.retireSlot(cloud[0]!.slotId);
      assert.equal((await open(raw)).keys.writable, true);
      assert.equal((await open(key)).keys.writable, false, 'its slot of the old epoch is still there');
    });
  });
}

test('what a service refuses is said with the way on, and no secret', async (t) => {
  const aws = await awsKmsDouble(t);
  const awsKey = kmsKeyOf(ARN, { aws: { endpoint: aws.address, credentials: async () => AWS_LOGIN } });
  const refused = async (type: string) => {
    aws.answer = () => ({
      status: 400,
      body: { __type: `com.amazonaws.kms#${type}`, message: 'said\u0007so' },
    });
    return failure(awsKey.encrypt(randomBytes(32), 'aa'));
  };
  assert.match((await refused('AccessDeniedException')).next, /kms:Encrypt/);
  assert.match((await refused('NotFoundException')).next, /ARN/);
  assert.match((await refused('DisabledException')).message, /DisabledException: said so$/);
  const wrongLogin = { ...AWS_LOGIN, secretAccessKey: 'OTHERSECRET' };
  aws.answer = null;
  const badly = await failure(
    kmsKeyOf(ARN, { aws: { endpoint: aws.address, credentials: async () => wrongLogin } }).encrypt(
      randomBytes(32),
      'aa',
    ),
  );
  assert.match(badly.next, /secret access key/);
  assert.ok(!`${badly.message}${badly.next}`.includes('OTHERSECRET'));

  const vault = await vaultDouble(t);
  const vaultKey = (token?: string, address: string | undefined = vault.address) =>
    kmsKeyOf(VAULT, { vault: { address, token } });
  const denied = await failure(vaultKey('hvs.WRONG').decrypt(Buffer.from('vault:v1:aa'), 'aa'));
  assert.equal(
    denied.next,
    'let the token update transit/team/decrypt/holdfast, and see that it has not expired',
  );
  assert.ok(!denied.message.includes('hvs.WRONG'));
  assert.match((await failure(vaultKey().encrypt(randomBytes(32), 'aa'))).next, /VAULT_TOKEN/);
  assert.match(
    (await failure(vaultKey('x', 'vault:8200').encrypt(randomBytes(32), 'aa'))).message,
    /VAULT_ADDR/,
  );
  vault.answer = () => ({ status: 503, body: { errors: ['Vault is sealed'] } });
  const sealed = await failure(vaultKey(VAULT_TOKEN).encrypt(randomBytes(32), 'aa'));
  assert.deepEqual([sealed.code, /unseal/.test(sealed.next)], ['kms_unreachable', true]);
  vault.answer = () => ({ status: 307, body: {} });
  assert.equal((await failure(vaultKey(VAULT_TOKEN).encrypt(randomBytes(32), 'aa'))).code, 'kms_refused');
});

test('references are read strictly, and never become passphrases', () => {
  for (const text of [
    'aws-kms:alias/mine',
    'aws-kms:arn:aws:s3:::bucket',
    'aws-kms:',
    'aws-kms:arn:aws:kms:eu/../x:111122223333:key/a',
    'vault-transit:holdfast',
    'vault-transit:transit/../sys/holdfast',
    'vault-transit:transit/./holdfast',
    'vault-transit:transit/hold fast',
    'vault-transit:transit/key?x',
  ])
    assert.throws(
      () => credentialOf(text),
      (error) => codeOf(error) === 'key_malformed',
      text,
    );
  assert.equal(credentialOf(`${ARN}\n`).kind, 'kms');
  assert.equal(credentialOf('aws kms is my passphrase').kind, 'passphrase');
});
