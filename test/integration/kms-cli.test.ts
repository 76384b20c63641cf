/** Keys in a service, through bin/holdfast.js. The service is a double of Vault's protocol: none can be had here. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { doctorPayload, keyListPayload } from '../../src/contracts/cli-payloads.ts';
import { generateKeyText } from '../../src/engine/crypto/key-text.ts';
import { failed, place, succeeded } from '../support/cli-place.ts';
import { decoders } from '../support/decoders.ts';
import { VAULT_TOKEN, vaultDouble } from '../support/kms-doubles.ts';

test('a key in Vault is added, opens the repository by itself, is rotated to, and doctor warns when it is the only one', async (t) => {
  const { holdfast, home } = await place(t);
  const vault = await vaultDouble(t);
  const own = { BACKUP_ENCRYPTION_KEY: generateKeyText(), VAULT_ADDR: vault.address, VAULT_TOKEN };
  const service = {
    BACKUP_ENCRYPTION_KEY_ID: 'vault-transit:transit/holdfast',
    VAULT_ADDR: vault.address,
    VAULT_TOKEN,
  };
  const run = async (args: string[], environment: Record<string, string>) =>
    succeeded(await holdfast([...args, '--json'], { environment })).stdout;
  const keysCheck = async (environment: Record<string, string>) =>
    doctorPayload
      .parse(JSON.parse((await holdfast(['doctor', '--json'], { environment })).stdout))
      .checks.find(({ name }) => name === 'keys')!;

  await run(['init'], own);
  await run(['backup', './app.db'], own);
  failed(
    await holdfast(['key', 'add', '--kms', 'transit/holdfast', '--json'], { environment: own }),
    2,
    'usage',
  );
  failed(await holdfast(['key', 'add', '--json'], { environment: own }), 2, 'usage');
  await run(['key', 'add', '--kms', 'vault-transit:transit/holdfast'], own);
  await run(['backup', './app.db'], service);
  const slots = keyListPayload.parse(JSON.parse(await run(['key', 'list'], service)));
  assert.deepEqual(slots.map(({ kind, label }) => [kind, label]).sort(), [
    ['kms', 'vault-transit:transit/holdfast'],
    ['raw', ''],
  ]);
  assert.equal((await keysCheck(service)).status, 'ok');
  for (const decoder of decoders()) {
    const listed = decoder.run(['list', join(home, 'repository')], {
      BACKUP_ENCRYPTION_KEY: own.BACKUP_ENCRYPTION_KEY,
    });
    assert.equal(listed.status, 0, `${decoder.name}: ${listed.stderr}`);
  }
  await run(['key', 'retire', slots.find(({ kind }) => kind === 'raw')!.keyId], service);
  const alone = await keysCheck(service);
  assert.deepEqual([alone.status, /only a key management service/.test(alone.message)], ['warning', true]);
  failed(await holdfast(['list', '--json'], { environment: own }), 5, 'key_wrong');

  const wrong = { ...service, VAULT_TOKEN: 'hvs.EXPIRED' };
  const refused = failed(await holdfast(['list', '--json'], { environment: wrong }), 5, 'kms_refused', [
    'hvs.EXPIRED',
  ]);
  assert.match(refused.next, /let the token update transit\/decrypt\/holdfast/);
  await run(['key', 'rotate', '--kms', 'vault-transit:transit/second'], service);
  await run(['verify'], { ...service, BACKUP_ENCRYPTION_KEY_ID: 'vault-transit:transit/second' });
});
