import assert from 'node:assert/strict';
import { HOUR_MS } from '../../src/engine/base/clock.ts';
import type { Credential } from '../../src/engine/crypto/key-text.ts';
import { takeLease } from '../../src/engine/repository/leases.ts';
import type { Manifest } from '../../src/engine/repository/manifest.ts';
import type { Repository } from '../../src/engine/repository/repository.ts';
import { putTombstone } from '../../src/engine/repository/tombstones.ts';
import { verifyRepository } from '../../src/engine/repository/verify.ts';
import { countDeltas, edited, makeBackup, restoreBackup } from './backup-fixture.ts';
import { type RepositoryWorld, rawCredential, repositoryWorld } from './repository-world.ts';
import type { SeededRandom } from './seed.ts';

/** A repository with every type of object in it, two epochs, and three backups that share some of their data. */
export interface ObjectZoo {
  readonly world: RepositoryWorld;
  readonly credentials: readonly Credential[];
  readonly backups: readonly Manifest[];
  /** What each backup gives back, by its id, as text to compare. */
  readonly contents: ReadonlyMap<string, string>;
  open(): Promise<Repository>;
}

export async function objectZoo(random: SeededRandom): Promise<ObjectZoo> {
  const world = await repositoryWorld();
  const { repository, clock, credential } = world;
  const shared = random.bytes(4000);
  const first = await makeBackup(repository, {
    streams: { shared, only: random.bytes(2000) },
    trees: { files: { 'a.txt': random.bytes(1500), 'b/c.bin': random.bytes(700), empty: Buffer.alloc(0) } },
  });
  const spare = rawCredential();
  await repository.rotateEpoch({
    credentials: [
      { credential, label: 'first key' },
      { credential: spare, label: 'spare key' },
    ],
  });
  const large = random.bytes(100_000);
  clock.advance(HOUR_MS);
  // Long enough for three blocks, and for references that need a list of their own.
  const second = await makeBackup(repository, { streams: { shared, large: random.bytes(600_000) } });
  clock.advance(HOUR_MS);
  const third = await makeBackup(
    repository,
    { streams: { own: random.bytes(3000) } },
    { draft: { tenantId: 'acme' } },
  );
  clock.advance(HOUR_MS);
  const base = await makeBackup(repository, { streams: { edited: large } }, { chunkBytes: 4096 });
  clock.advance(HOUR_MS);
  const fourth = await makeBackup(
    repository,
    { streams: { edited: edited(large, random, 100) } },
    { previous: base, chunkBytes: 4096 },
  );
  assert.ok((await countDeltas(repository)) > 10, 'some chunks are differences');
  const { ref } = await repository.manifests.resolve(third.id);
  await repository.manifests.archive(ref);
  await repository.holds.place(first.id, 'kept for the audit');
  await putTombstone(repository, 'ab'.repeat(32), 'zoo');
  await takeLease(repository, 'zoo');
  const backups = [first, second, third, base, fourth];
  const contents = new Map<string, string>();
  for (const manifest of backups) contents.set(manifest.id, await contentOf(repository, manifest));
  const credentials = [credential, spare];
  return { world, credentials, backups, contents, open: () => world.open({ credentials, signingKey: null }) };
}

async function contentOf(repository: Repository, manifest: Manifest): Promise<string> {
  const text = (_: string, value: unknown) =>
    value instanceof Object && 'type' in value && value.type === 'Buffer'
      ? Buffer.from((value as unknown as { data: number[] }).data).toString('base64')
      : value;
  return JSON.stringify(await restoreBackup(repository, manifest), text);
}

/** How restoring each backup ends now: right, refused, or (never!) with other bytes. */
export async function restoreEach(zoo: ObjectZoo): Promise<Map<string, 'right' | 'refused' | 'wrong'>> {
  const outcomes = new Map<string, 'right' | 'refused' | 'wrong'>();
  for (const { id } of zoo.backups) {
    let outcome: 'right' | 'refused' | 'wrong' = 'refused';
    try {
      const repository = await zoo.open();
      const { manifest } = await repository.manifests.resolve(id, ['backups', 'archived']);
      outcome = (await contentOf(repository, manifest)) === zoo.contents.get(id) ? 'right' : 'wrong';
    } catch {
      // Refused, whatever the reason: nothing was delivered.
    }
    outcomes.set(id, outcome);
  }
  return outcomes;
}

/** Names of all objects that opening and verifying complain about, joined to one text. */
export async function complaints(zoo: ObjectZoo, hashArtifacts = false): Promise<string> {
  let repository: Repository;
  try {
    repository = await zoo.open();
  } catch (error) {
    return (error as Error).message;
  }
  const { damaged, rejected } = await verifyRepository(repository, { hashArtifacts });
  return [
    ...repository.findings.map(({ message }) => message),
    ...damaged.map(({ name }) => name),
    ...rejected.map(({ name }) => name),
  ].join('\n');
}
