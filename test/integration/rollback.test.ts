/** reliability.md, 10: yesterday's repository, presented today, is noticed by whoever saw today's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openRepository, type Repository } from '../../src/engine/repository/repository.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { copyStorage } from '../support/copy-storage.ts';
import { count } from '../support/counts.ts';
import {
  draftAt,
  type RepositoryWorld,
  rawCredential,
  repositoryWorld,
} from '../support/repository-world.ts';
import { seededRandom } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const codesOf = ({ findings }: Repository) => findings.map(({ code }) => code);

async function commit(world: RepositoryWorld, repository: Repository, plan = 'nightly') {
  world.clock.advance(1000);
  return repository.manifests.commit(draftAt(repository, { plan }), []);
}

test('a client that committed or merely listed newer backups notices an older repository', async (t) => {
  const world = await repositoryWorld();
  const writerState = await temporaryFolder(t);
  const writer = await world.open({ stateFolder: writerState });
  await commit(world, writer);
  const yesterday = await copyStorage(world.storage, world.clock);
  const lost = await commit(world, writer);
  const readerState = await temporaryFolder(t);
  assert.deepEqual(codesOf(await world.open({ stateFolder: readerState, signingKey: null })), []);

  for (const stateFolder of [writerState, readerState]) {
    const shown = await world.open({ storage: yesterday, stateFolder });
    assert.deepEqual(codesOf(shown), ['rolled_back']);
    assert.match(shown.findings[0]!.message, new RegExp(lost.id));
    assert.deepEqual(
      codesOf(await world.open({ storage: yesterday, stateFolder })),
      ['rolled_back'],
      'again',
    );
    assert.deepEqual(codesOf(await world.open({ stateFolder })), [], 'and the true one is still fine');
  }
  assert.deepEqual(
    codesOf(await world.open({ storage: yesterday })),
    [],
    'without state nothing can be noticed',
  );
});

test('archiving, undeleting, purging and going on are no rollback', async (t) => {
  const world = await repositoryWorld();
  const stateFolder = await temporaryFolder(t);
  const writer = await world.open({ stateFolder });
  const manifest = await commit(world, writer);
  const { ref } = await writer.manifests.resolve(manifest.id);
  const archived = await writer.manifests.archive(ref);
  assert.deepEqual(codesOf(await world.open({ stateFolder })), []);
  await writer.manifests.purge(archived);
  assert.deepEqual(codesOf(await world.open({ stateFolder })), []);
  const next = await commit(world, writer);
  const elsewhere = await world.open();
  await commit(world, elsewhere);
  const found = await elsewhere.manifests.resolve(next.id);
  await elsewhere.manifests.purge(await elsewhere.manifests.archive(found.ref));
  assert.deepEqual(codesOf(await world.open({ stateFolder })), [], 'something newer of the plan is there');
});

test('plans are remembered apart: a newer backup of another plan excuses nothing', async (t) => {
  const world = await repositoryWorld();
  const stateFolder = await temporaryFolder(t);
  const writer = await world.open({ stateFolder });
  const lost = await commit(world, writer, 'hourly');
  const other = await commit(world, writer, 'nightly');
  const { ref } = await writer.manifests.resolve(lost.id);
  await world.storage.remove(ref.name);
  const shown = await world.open({ stateFolder });
  assert.deepEqual(codesOf(shown), ['rolled_back']);
  assert.ok(!shown.findings[0]!.message.includes(other.id));
});

test('an epoch that is gone is noticed', async (t) => {
  const world = await repositoryWorld();
  const stateFolder = await temporaryFolder(t);
  const writer = await world.open({ stateFolder });
  const yesterday = await copyStorage(world.storage, world.clock);
  await writer.rotateEpoch({ credentials: [{ credential: world.credential, label: '' }] });
  assert.deepEqual(codesOf(await world.open({ storage: yesterday, stateFolder })), ['rolled_back']);
});

test('any state older than the last one seen is noticed, any that only grew is not', async (t) => {
  const random = seededRandom('rollback');
  for (let round = 0; round < count(5, 40); round += 1) {
    const world = await repositoryWorld();
    const stateFolder = await temporaryFolder(t);
    const writer = await world.open({ stateFolder });
    const states: Storage[] = [];
    for (let step = 0; step < 6; step += 1) {
      await commit(world, writer, random.pick(['a', 'b', 'c']));
      states.push(await copyStorage(world.storage, world.clock));
    }
    const shown = random.int(states.length - 1);
    assert.ok(codesOf(await world.open({ storage: states[shown]!, stateFolder })).includes('rolled_back'));
    assert.deepEqual(codesOf(await world.open({ storage: states.at(-1)!, stateFolder })), []);
  }
});

test('negative control: a client that forgets notices nothing', async (t) => {
  const world = await repositoryWorld();
  const yesterday = await copyStorage(world.storage, world.clock);
  const writer = await world.open({ stateFolder: await temporaryFolder(t) });
  await commit(world, writer);
  assert.deepEqual(
    codesOf(await world.open({ storage: yesterday, stateFolder: await temporaryFolder(t) })),
    [],
  );
});

test('storage and key alone open everything: no local state is needed', async (t) => {
  const world = await repositoryWorld();
  const writer = await world.open({ stateFolder: await temporaryFolder(t) });
  const second = rawCredential();
  await writer.addSlot(second, 'spare');
  const manifest = await commit(world, writer);
  const elsewhere = await openRepository({ storage: world.storage, credentials: [second] });
  assert.deepEqual((await elsewhere.manifests.resolve('latest')).manifest, manifest);
  assert.deepEqual(codesOf(elsewhere), []);
});
