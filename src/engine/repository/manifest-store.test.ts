import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftAt, namesOf, overwrite, repositoryWorld } from '../../../test/support/repository-world.ts';
import { HOUR_MS } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { startRunTimer } from './commit-check.ts';
import type { RejectedManifest } from './manifest-store.ts';
import { packName } from './object-names.ts';
import { putTombstone } from './tombstones.ts';

const refused = (promise: Promise<unknown>) => promise.then(() => null, codeOf);
const PACK = 'ab'.repeat(32);

test('what is committed is read back, listed and resolved by the beginning of its id', async () => {
  const { repository, clock, open } = await repositoryWorld();
  const first = await repository.manifests.commit(draftAt(repository, { tenantId: 'acme' }), []);
  clock.advance(1000);
  const second = await repository.manifests.commit(draftAt(repository), []);
  const { manifests } = await open({ signingKey: null });
  const found = [];
  for await (const { manifest } of manifests.readAll()) found.push(manifest);
  assert.deepEqual(found, [second, first]);
  assert.deepEqual((await manifests.resolve('latest')).manifest, second);
  assert.deepEqual((await manifests.resolve(first.id)).manifest, first);
  assert.equal(await refused(manifests.resolve(first.id.slice(0, 3))), 'id_ambiguous');
  assert.equal(await refused(manifests.resolve('ffff')), 'id_unknown');
  assert.equal(await refused(manifests.resolve('')), 'id_unknown');
});

test('nothing is committed without signing key, valid fields, or when the run took too long', async () => {
  const { repository, storage, clock, open } = await repositoryWorld();
  const unsigned = await open({ signingKey: null });
  assert.equal(await refused(unsigned.manifests.commit(draftAt(repository), [])), 'key_missing');
  const misplaced = draftAt(repository, { tenantId: '../x' });
  assert.equal(await refused(repository.manifests.commit(misplaced, [])), 'internal');
  const old = draftAt(repository);
  const timer = startRunTimer(clock);
  clock.advance(13 * HOUR_MS);
  assert.equal(await refused(repository.manifests.commit(old, [])), 'run_too_long');
  clock.jump(-12 * HOUR_MS);
  assert.equal(await refused(repository.manifests.commit(old, [], { timer })), 'run_too_long');
  clock.jump(-2 * HOUR_MS);
  assert.equal(await refused(repository.manifests.commit(old, [])), 'clock_skew');
  assert.deepEqual(await namesOf(storage, 'backups/'), []);
});

test('a pack that is gone, or was condemned before the run began, cannot be referred to', async () => {
  const { repository, storage, clock } = await repositoryWorld();
  const { manifests } = repository;
  const draft = draftAt(repository);
  assert.equal(await refused(manifests.commit(draft, [PACK])), 'object_missing');
  await storage.put(packName(PACK), Buffer.alloc(1));
  clock.advance(1000);
  await putTombstone(repository, PACK, 'test');
  await manifests.commit(draft, [PACK]);
  clock.advance(1000);
  assert.equal(await refused(manifests.commit(draftAt(repository), [PACK])), 'run_too_long');
  assert.equal((await namesOf(storage, 'backups/')).length, 1);
});

test('a manifest whose write outlasts the run is taken back', async () => {
  const { storage, clock, open } = await repositoryWorld();
  const slow: typeof storage = {
    ...storage,
    address: storage.address,
    put: async (name, content) => {
      const outcome = await storage.put(name, content);
      if (name.startsWith('backups/')) clock.advance(20 * HOUR_MS);
      return outcome;
    },
  };
  const repository = await open({ storage: slow });
  assert.equal(await refused(repository.manifests.commit(draftAt(repository), [])), 'run_too_long');
  assert.deepEqual(await namesOf(storage, 'backups/'), []);
});

test('archive, undelete and purge move one manifest and are idempotent', async () => {
  const { repository, storage, clock } = await repositoryWorld();
  const { manifests, holds } = repository;
  const manifest = await manifests.commit(draftAt(repository), []);
  const { ref } = await manifests.resolve(manifest.id);
  const bytes = await storage.get(ref.name);
  await holds.place(manifest.id, 'audit');
  assert.equal(await refused(manifests.archive(ref)), 'hold_active');
  assert.equal(await holds.release(manifest.id), 1);

  clock.advance(HOUR_MS);
  const archived = await manifests.archive(ref);
  assert.equal(archived.modifiedAtMs, clock.nowMs());
  assert.deepEqual(await storage.get(archived.name), bytes);
  assert.deepEqual(await namesOf(storage, 'backups/'), []);
  assert.equal(await refused(manifests.resolve('latest')), 'id_unknown');
  assert.deepEqual((await manifests.resolve(manifest.id, ['backups', 'archived'])).manifest, manifest);

  // Interrupted between the two steps of a move: both are there, and the move can be run again.
  await storage.put(ref.name, bytes);
  const listed = [];
  for await (const found of manifests.list('archived')) listed.push(found);
  assert.deepEqual(listed, []);
  await manifests.archive(ref);

  const restored = await manifests.restore(archived);
  assert.equal(restored.name, ref.name);
  assert.deepEqual(await namesOf(storage, 'archived/'), []);
  assert.equal(await refused(manifests.purge(restored)), 'usage');
  await manifests.purge(await manifests.archive(restored));
  assert.deepEqual([...(await namesOf(storage, 'archived/')), ...(await namesOf(storage, 'backups/'))], []);
});

test('something else lying in the archive never costs a backup', async () => {
  const { repository, storage } = await repositoryWorld();
  const manifest = await repository.manifests.commit(draftAt(repository), []);
  const { ref } = await repository.manifests.resolve(manifest.id);
  await storage.put(ref.name.replace('backups/', 'archived/'), Buffer.from('junk'));
  assert.equal(await refused(repository.manifests.archive(ref)), 'object_damaged');
  assert.deepEqual((await repository.manifests.resolve(manifest.id)).manifest, manifest);
});

test('a damaged hold still holds', async () => {
  const { repository, storage } = await repositoryWorld();
  const manifest = await repository.manifests.commit(draftAt(repository), []);
  await repository.holds.place(manifest.id, 'audit');
  const [name] = await namesOf(storage, 'holds/');
  await overwrite(storage, name!, Buffer.from('junk'));
  const { ref } = await repository.manifests.resolve(manifest.id);
  assert.equal(await refused(repository.manifests.archive(ref)), 'hold_active');
  const listed = [];
  for await (const hold of repository.holds.list()) listed.push(hold.reason);
  assert.deepEqual(listed, [null]);
});

test('a signer retired by a rotation counts for what began before, not after', async () => {
  const { repository, clock, credential, signingKey } = await repositoryWorld();
  const before = await repository.manifests.commit(draftAt(repository), []);
  clock.advance(1000);
  const fingerprint = signingKey.fingerprint.toString('hex');
  await repository.rotateEpoch({ credentials: [{ credential, label: '' }], retireSigners: [fingerprint] });
  assert.deepEqual((await repository.manifests.resolve('latest')).manifest, before);
  clock.advance(1000);
  assert.equal(await refused(repository.manifests.commit(draftAt(repository), [])), 'manifest_forged');
  const rejected: RejectedManifest[] = [];
  const accepted = [];
  const onRejected = (found: RejectedManifest) => void rejected.push(found);
  for await (const { manifest } of repository.manifests.readAll({ onRejected })) accepted.push(manifest.id);
  assert.deepEqual([accepted, rejected], [[before.id], []]);
});
