import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { draftAt, repositoryWorld } from '../../../test/support/repository-world.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import type { ObjectInfo, Storage } from '../storage/port.ts';
import { packName } from './object-names.ts';
import { together } from './together.ts';

test('all begin at once, and their results come in order', async () => {
  const begun: number[] = [];
  const work = async (number: number, turns: number) => {
    begun.push(number);
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
    return number;
  };
  const results = together(work(1, 3), work(2, 1), work(3, 2));
  assert.deepEqual(begun, [1, 2, 3]);
  assert.deepEqual(await results, [1, 2, 3]);
});

test('the first failure in order is thrown, and not before all have ended', async () => {
  let ended = false;
  const late = async () => {
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    ended = true;
    throw new Error('late, and first in order');
  };
  const early = async () => {
    throw new Error('early');
  };
  await assert.rejects(together(late(), early()), /late, and first/);
  assert.ok(ended);
});

/** Tells every call, and which of them were under way at the same time. */
function recording(storage: Storage) {
  const calls: string[] = [];
  let running = 0;
  let most = 0;
  const during = async <T>(call: string, work: () => Promise<T>): Promise<T> => {
    calls.push(call);
    running += 1;
    most = Math.max(most, running);
    await nextTurn();
    return work().finally(() => {
      running -= 1;
    });
  };
  const recorded: Storage = {
    ...storage,
    put: (name, ...rest) => during(`put ${name}`, () => storage.put(name, ...rest)),
    get: (name, ...rest) => during(`get ${name}`, () => storage.get(name, ...rest)),
    stat: (name, ...rest) => during(`stat ${name}`, () => storage.stat(name, ...rest)),
    async *list(prefix, ...rest) {
      const found: ObjectInfo[] = [];
      await during(`list ${prefix}`, async () => {
        for await (const info of storage.list(prefix, ...rest)) found.push(info);
      });
      yield* found;
    },
  };
  return {
    recorded,
    /** What was asked for since the last time, without ids, and the most at once. */
    take() {
      const asked = calls
        .splice(0)
        .map((call) => call.replace(/([0-9a-f]{64}|[0-9a-f-]{36}|(?<=global\/).*)$/, '…'));
      const result = { asked: asked.sort(), most };
      most = 0;
      return result;
    },
  };
}

test('nothing is asked for twice to open a repository, and what needs no key is asked for together', async (t) => {
  const world = await repositoryWorld();
  const { recorded, take } = recording(world.storage);
  await world.open({ storage: recorded, stateFolder: await temporaryFolder(t) });
  const { asked, most } = take();
  assert.deepEqual(asked, [
    'get config',
    'get keyrings/00000001',
    'get keys/…',
    'list backups/',
    'list keyrings/',
    'list keys/',
    'list resealed/backups/',
  ]);
  assert.equal(most, 3);
});

test('a commit asks for its packs together, and for its signer once', async () => {
  const world = await repositoryWorld();
  const { recorded, take } = recording(world.storage);
  const repository = await world.open({ storage: recorded });
  const packs = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64));
  for (const pack of packs) await world.storage.put(packName(pack), Buffer.alloc(1));
  await repository.manifests.commit(draftAt(repository), packs);
  take();
  world.clock.advance(1000);
  await repository.manifests.commit(draftAt(repository), packs);
  const { asked, most } = take();
  assert.deepEqual(asked, [
    'get backups/global/…',
    'get signers/00000001/…',
    'list signers/00000001/',
    'list tombstones/',
    'put backups/global/…',
    ...packs.map((pack) => `stat packs/${pack.slice(0, 2)}/…`),
  ]);
  assert.ok(most >= packs.length, `${most} at once`);
});
