/** reliability.md, 9: nothing but a signed manifest in its own place is ever a backup. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '../../src/engine/base/errors.ts';
import { newId } from '../../src/engine/base/ids.ts';
import { sealObject } from '../../src/engine/crypto/sealed-object.ts';
import { newSigningKey } from '../../src/engine/crypto/signing.ts';
import type { Manifest } from '../../src/engine/repository/manifest.ts';
import { manifestPath } from '../../src/engine/repository/manifest-path.ts';
import { sealManifestBody, signManifest } from '../../src/engine/repository/manifest-seal.ts';
import type { RejectedManifest } from '../../src/engine/repository/manifest-store.ts';
import { packName, signerName } from '../../src/engine/repository/object-names.ts';
import { applyPrune } from '../../src/engine/repository/prune.ts';
import type { Repository } from '../../src/engine/repository/repository.ts';
import { sealJson } from '../../src/engine/repository/sealed-json.ts';
import { count } from '../support/counts.ts';
import { draftAt, overwrite, type RepositoryWorld, repositoryWorld } from '../support/repository-world.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';

interface Scene {
  readonly random: SeededRandom;
  readonly here: RepositoryWorld;
  readonly other: RepositoryWorld;
  readonly old: { readonly repository: Repository };
  readonly genuine: Manifest;
  readonly genuineBytes: Buffer;
}

interface Forgery {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A manifest of the attacker's own making, as new as he likes. */
function invented(scene: Scene, fields: Partial<Manifest> = {}): Manifest {
  const dayMs = scene.random.int(700) * 86_400_000;
  const startedAt = new Date(Date.parse('2026-01-01T00:00:00.000Z') + dayMs).toISOString();
  return { ...scene.genuine, id: newId(), startedAt, ...fields };
}

const placeOf = (manifest: Manifest, state = 'backups') => `${state}/${manifestPath(manifest)}`;

const FORGERIES: { readonly [kind: string]: (scene: Scene) => Forgery | Promise<Forgery> } = {
  'of another repository'(scene) {
    const manifest = invented(scene, { repositoryId: scene.other.repository.id });
    const body = signManifest(scene.other.repository, manifest, scene.other.signingKey);
    return { name: placeOf(manifest), bytes: sealManifestBody(scene.other.repository, body) };
  },
  'of another repository, sealed for this one'(scene) {
    const manifest = invented(scene, { repositoryId: scene.other.repository.id });
    const body = signManifest(scene.other.repository, manifest, scene.here.signingKey);
    return { name: placeOf(manifest), bytes: sealManifestBody(scene.here.repository, body) };
  },
  'an older one under a newer name'(scene) {
    return { name: placeOf(invented(scene)), bytes: scene.genuineBytes };
  },
  'moved to another tenant'(scene) {
    const manifest = { ...scene.genuine, tenantId: `tenant${scene.random.int(1000)}` };
    return { name: placeOf(manifest), bytes: scene.genuineBytes };
  },
  'moved to another type'(scene) {
    return { name: placeOf({ ...scene.genuine, type: 'full' }), bytes: scene.genuineBytes };
  },
  'type-confused: a hold, tombstone, lease or signer'(scene) {
    const { repository } = scene.here;
    const manifest = invented(scene);
    const type = scene.random.pick(['hold', 'tombstone', 'lease', 'signer'] as const);
    const body = signManifest(repository, manifest, scene.here.signingKey);
    const { keys } = repository;
    const masterKey = keys.masterKey(keys.epoch);
    const sealed = { type, epoch: keys.epoch, masterKey, repositoryId: keys.repositoryId, payload: body };
    return { name: placeOf(manifest), bytes: sealObject(sealed) };
  },
  'user data shaped like a manifest'(scene) {
    const { keys } = scene.here.repository;
    const manifest = invented(scene);
    const payload = signManifest(scene.here.repository, manifest, scene.here.signingKey);
    const masterKey = keys.masterKey(keys.epoch);
    const sealed = { epoch: keys.epoch, masterKey, repositoryId: keys.repositoryId, payload };
    return { name: placeOf(manifest), bytes: sealObject({ type: 'pack', ...sealed }) };
  },
  'plain, neither sealed nor signed'(scene) {
    const manifest = invented(scene);
    return { name: placeOf(manifest), bytes: Buffer.from(JSON.stringify(manifest)) };
  },
  'sealed with an empty signature'(scene) {
    const manifest = invented(scene);
    const body = signManifest(scene.here.repository, manifest, scene.here.signingKey);
    body.fill(0, 0, 64);
    return { name: placeOf(manifest), bytes: sealManifestBody(scene.here.repository, body) };
  },
  'signed by an unknown signer'(scene) {
    const manifest = invented(scene);
    const body = signManifest(scene.here.repository, manifest, newSigningKey());
    return { name: placeOf(manifest), bytes: sealManifestBody(scene.here.repository, body) };
  },
  async 'signed by a signer vouched for under an old epoch only'(scene) {
    const manifest = invented(scene);
    const key = newSigningKey();
    const signer = {
      version: 1,
      fingerprint: key.fingerprint.toString('hex'),
      publicKey: key.publicKey.toString('base64url'),
      host: 'thief',
      createdAt: manifest.startedAt,
      retiredAt: null,
    };
    // Whoever has only the old key cannot seal under the new epoch, but may write the object anywhere.
    const { epoch } = scene.here.repository.keys;
    const name = signerName(scene.random.pick([epoch - 1, epoch]), signer.fingerprint);
    await scene.here.storage.put(name, sealJson(scene.old.repository, 'signer', signer));
    const body = signManifest(scene.here.repository, manifest, key);
    return { name: placeOf(manifest), bytes: sealManifestBody(scene.old.repository, body) };
  },
  'a signature over other fields'(scene) {
    const manifest = invented(scene);
    const { signingKey, repository } = scene.here;
    const signed = signManifest(repository, scene.genuine, signingKey).subarray(0, 96);
    const json = signManifest(repository, manifest, signingKey).subarray(96);
    return { name: placeOf(manifest), bytes: sealManifestBody(repository, Buffer.concat([signed, json])) };
  },
  'flipped by one bit'(scene) {
    const manifest = invented(scene);
    const body = signManifest(scene.here.repository, manifest, scene.here.signingKey);
    const bytes = sealManifestBody(scene.here.repository, body);
    bytes[scene.random.int(bytes.length)]! ^= 1 << scene.random.int(8);
    return { name: placeOf(manifest), bytes };
  },
  'random bytes'(scene) {
    return { name: placeOf(invented(scene)), bytes: scene.random.bytes(scene.random.int(600)) };
  },
};

async function setTheScene(random: SeededRandom): Promise<Scene> {
  const here = await repositoryWorld();
  const other = await repositoryWorld();
  const before = await here.open();
  // From here on `before` is what somebody with the old key has.
  await here.repository.rotateEpoch({ credentials: [{ credential: here.credential, label: '' }] });
  const genuine = await here.repository.manifests.commit(draftAt(here.repository), []);
  const genuineBytes = await here.storage.get(placeOf(genuine));
  return { random, here, other, old: { repository: before }, genuine, genuineBytes };
}

async function acceptedAndRejected(repository: Repository, state: 'backups' | 'archived') {
  const rejected: RejectedManifest[] = [];
  const accepted: string[] = [];
  const onRejected = (found: RejectedManifest) => void rejected.push(found);
  for await (const { ref } of repository.manifests.readAll({ state, onRejected })) accepted.push(ref.name);
  return { accepted, rejected: rejected.map(({ name }) => name) };
}

test('no forged manifest is accepted, listed, resolved, archived or purged', async () => {
  const scene = await setTheScene(seededRandom('forgery'));
  const { storage, repository } = scene.here;
  const genuineName = placeOf(scene.genuine);
  const kinds = Object.entries(FORGERIES);
  const forged = new Set<string>();
  for (let i = 0; i < count(140, 500); i += 1) {
    const [kind, make] = kinds[i % kinds.length]!;
    const { name, bytes } = await make(scene);
    assert.notEqual(name, genuineName, kind);
    if ((await storage.put(name, bytes)) === 'created') forged.add(name);
  }
  const { accepted, rejected } = await acceptedAndRejected(repository, 'backups');
  assert.deepEqual(accepted, [genuineName]);
  assert.deepEqual(rejected.sort(), [...forged].sort());
  assert.equal((await repository.manifests.resolve('latest')).ref.name, genuineName);
  const before = new Map<string, Buffer>();
  await storage.put(packName('ab'.repeat(32)), Buffer.from('looks unused'));
  for await (const { name } of storage.list('')) before.set(name, await storage.get(name));
  for await (const ref of repository.manifests.list()) {
    if (ref.name === genuineName) continue;
    await assert.rejects(repository.manifests.archive(ref), ref.name);
    if (ref.id !== scene.genuine.id) await assert.rejects(repository.manifests.resolve(ref.id), ref.name);
  }
  assert.equal(await applyPrune(repository).then(() => null, codeOf), 'verify_failed');
  for await (const { name } of storage.list('')) before.delete(name);
  assert.deepEqual([...before.keys()], [], 'a forgery made something disappear');
});

test('a forgery in the place of a genuine manifest is not taken for it', async () => {
  const scene = await setTheScene(seededRandom('replaced'));
  const { storage, repository } = scene.here;
  for (const [kind, make] of Object.entries(FORGERIES)) {
    const { bytes } = await make(scene);
    if (bytes.equals(scene.genuineBytes)) continue;
    await overwrite(storage, placeOf(scene.genuine), bytes);
    const { accepted, rejected } = await acceptedAndRejected(repository, 'backups');
    assert.deepEqual([accepted, rejected], [[], [placeOf(scene.genuine)]], kind);
  }
});

test('negative control: a genuine manifest in its own place passes the same harness', async () => {
  const scene = await setTheScene(seededRandom('genuine'));
  const manifest = invented(scene);
  const body = signManifest(scene.here.repository, manifest, scene.here.signingKey);
  await scene.here.storage.put(placeOf(manifest), sealManifestBody(scene.here.repository, body));
  const { accepted } = await acceptedAndRejected(scene.here.repository, 'backups');
  assert.ok(accepted.includes(placeOf(manifest)));
});
