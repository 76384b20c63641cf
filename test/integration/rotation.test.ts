/** reliability.md, 15: ten rotations, cut short anywhere, never leave a repository that does not open. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, HoldfastError } from '../../src/engine/base/errors.ts';
import type { Credential } from '../../src/engine/crypto/key-text.ts';
import { rawKeyId } from '../../src/engine/crypto/key-text.ts';
import { newSigningKey } from '../../src/engine/crypto/signing.ts';
import { LEASE_MS } from '../../src/engine/repository/leases.ts';
import { keyringName } from '../../src/engine/repository/object-names.ts';
import { createRepository, openRepository, type Repository } from '../../src/engine/repository/repository.ts';
import { memoryStorage } from '../../src/engine/storage/memory-storage.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { eachKill } from '../support/each-kill.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { draftAt, namesOf, rawCredential, repositoryWorld } from '../support/repository-world.ts';

const refused = (promise: Promise<unknown>) => promise.then(() => null, codeOf);
const keyIdOf = (credential: Credential) => (credential.kind === 'raw' ? rawKeyId(credential.key) : '');

async function idsIn(repository: Repository): Promise<string[]> {
  const ids: string[] = [];
  const onRejected = ({ name, why }: { name: string; why: string }) => assert.fail(`${name}: ${why}`);
  for await (const { manifest } of repository.manifests.readAll({ onRejected })) ids.push(manifest.id);
  return ids.sort();
}

test('after ten rotations every backup is readable with the newest key, and what is missing is named', async () => {
  const { repository, storage, clock, credential } = await repositoryWorld();
  const keys = [credential];
  const ids: string[] = [];
  for (let epoch = 1; epoch <= 11; epoch += 1) {
    if (epoch > 1) {
      keys.push(rawCredential());
      await repository.rotateEpoch({ credentials: [{ credential: keys.at(-1)!, label: `era ${epoch}` }] });
    }
    clock.advance(1000);
    ids.push((await repository.manifests.commit(draftAt(repository), [])).id);
    assert.deepEqual(await idsIn(repository), [...ids].sort());
  }
  const fresh = await openRepository({ storage, credentials: [keys.at(-1)!], clock });
  assert.equal(fresh.keys.writable, true);
  assert.deepEqual(await idsIn(fresh), [...ids].sort());
  assert.deepEqual(await namesOf(storage, 'leases/'), []);

  // An old key alone: reads its era, writes nothing, and is told which key the rest needs.
  const old = await openRepository({ storage, credentials: [keys[4]!], clock, signingKey: newSigningKey() });
  assert.deepEqual([old.keys.epoch, old.keys.writable], [5, false]);
  assert.equal(await refused(old.manifests.commit(draftAt(old), [])), 'key_wrong');
  const readable: string[] = [];
  const needed = new Set<string>();
  for await (const { manifest } of old.manifests.readAll({ onRejected: ({ why }) => needed.add(why) })) {
    readable.push(manifest.id);
  }
  assert.deepEqual(readable.sort(), ids.slice(0, 5).sort());
  assert.equal(needed.size, 6);
  for (const why of needed) assert.match(why, new RegExp(keyIdOf(keys[10]!)));

  const both = await openRepository({ storage, credentials: [keys[2]!, keys[10]!], clock });
  assert.equal(both.keys.epoch, 11);
  const stranger = await openRepository({ storage, credentials: [rawCredential()], clock }).catch((e) => e);
  assert.ok(stranger instanceof HoldfastError && stranger.code === 'key_wrong');
  assert.match(stranger.message, new RegExp(`${keyIdOf(keys[10]!)} \\(era 11\\)`));
});

test('the last slot of the current epoch stays, others go', async () => {
  const { repository, storage, credential } = await repositoryWorld();
  const [first] = await repository.listSlots();
  assert.equal(await refused(repository.retireSlot(first!.slotId)), 'key_last');
  const second = rawCredential();
  await repository.addSlot(second, 'second');
  await repository.retireSlot(first!.slotId);
  assert.equal(await refused(openRepository({ storage, credentials: [credential] })), 'key_wrong');
  const opened = await openRepository({ storage, credentials: [second] });
  const slots = (await opened.listSlots()).map(({ label, current, intact }) => ({ label, current, intact }));
  assert.deepEqual(slots, [{ label: 'second', current: true, intact: true }]);
});

test('a passphrase opens too, and a changed label is noticed by whoever opens', async () => {
  const { repository, storage } = await repositoryWorld({ scrypt: { n: 1024, r: 8, p: 1 } });
  const passphrase: Credential = { kind: 'passphrase', passphrase: 'correct horse battery staple' };
  const slotId = await repository.addSlot(passphrase, 'office');
  const opened = await openRepository({ storage, credentials: [passphrase] });
  assert.deepEqual(opened.findings, []);
  const name = `keys/${slotId}`;
  const text = (await storage.get(name)).toString().replace('office', 'orifice');
  await storage.remove(name);
  await storage.put(name, Buffer.from(text));
  const { findings } = await openRepository({ storage, credentials: [passphrase] });
  assert.deepEqual(
    findings.map(({ code, message }) => [code, message.includes(name)]),
    [['object_damaged', true]],
  );
});

test('a rotation killed at any call leaves a repository that opens, is whole, and rotates when told again', async () => {
  const { repository, storage: base, clock, credential, signingKey } = await repositoryWorld();
  const { id } = await repository.manifests.commit(draftAt(repository), []);
  const newKey = rawCredential();
  const kept = { credentials: [{ credential: newKey, label: 'new' }] };
  const openWith = (storage: Storage, ...credentials: Credential[]) =>
    openRepository({ storage, credentials, clock, signingKey });
  const points = await eachKill(
    base,
    clock,
    async (storage) => (await openWith(storage, credential)).rotateEpoch(kept),
    async (storage, point) => {
      const between = await openWith(storage, newKey, credential);
      assert.deepEqual(await idsIn(between), [id], point);
      assert.equal(between.keys.writable, true, point);
      clock.advance(LEASE_MS);
      await between.rotateEpoch(kept);
      const after = await openWith(storage, newKey);
      assert.deepEqual(await idsIn(after), [id], point);
      assert.deepEqual(after.findings, [], point);
      assert.deepEqual(
        (await after.listSlots()).filter(({ intact }) => !intact),
        [],
        point,
      );
    },
  );
  assert.ok(points >= 5, `only ${points} calls`);
});

test('a creation killed at any call can be run again', async () => {
  const credential = rawCredential();
  const clock = fakeClock();
  const points = await eachKill(
    memoryStorage(),
    clock,
    (storage) => createRepository({ storage, credential, clock }),
    async (storage, point) => {
      const outcome = await refused(createRepository({ storage, credential, clock }));
      assert.ok(outcome === null || outcome === 'repository_exists', point);
      const { findings } = await openRepository({ storage, credentials: [credential] });
      assert.deepEqual(findings, [], point);
    },
  );
  assert.ok(points >= 3, `only ${points} calls`);
});

test('negative control: a rotation that writes its keyring first has a point of no return', async () => {
  const { storage, credential, clock, signingKey } = await repositoryWorld();
  const newKey = rawCredential();
  const opened = await openRepository({ storage, credentials: [credential], clock, signingKey });
  await opened.rotateEpoch({ credentials: [{ credential: newKey, label: '' }] });
  for (const { slotId, current } of await opened.listSlots())
    if (current) await storage.remove(`keys/${slotId}`);
  assert.equal(await refused(openRepository({ storage, credentials: [newKey] })), 'key_wrong');
  const old = await openRepository({ storage, credentials: [credential] });
  assert.equal(old.keys.writable, false);
});

test('a keyring that was taken away is named, and no rotation buries what it sealed', async () => {
  const { storage, credential, clock, signingKey } = await repositoryWorld();
  const newKey = rawCredential();
  const options = { storage, clock, signingKey };
  const opened = await openRepository({ ...options, credentials: [credential] });
  await opened.rotateEpoch({ credentials: [{ credential: newKey, label: '' }] });
  clock.advance(1000);
  await opened.manifests.commit(draftAt(opened), []);
  await storage.remove(keyringName(2));
  const missing = await openRepository({ ...options, credentials: [newKey] }).catch((error) => error);
  assert.equal(codeOf(missing), 'object_missing');
  assert.match(missing.message, /keyrings\/00000002/);
  const old = await openRepository({ ...options, credentials: [credential] });
  assert.match(old.findings.map(({ message }) => message).join(), /keyrings\/00000002 is missing/);
  assert.equal(
    await refused(old.rotateEpoch({ credentials: [{ credential, label: '' }] })),
    'object_missing',
  );
  assert.equal((await namesOf(storage, 'keys/')).length, 2);
});
