/** The frozen repository opens with both decoders of the recovery kit, by every key, byte for byte. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/engine/base/clock.ts';
import { parseKeyText } from '../../src/engine/crypto/key-text.ts';
import { openRepository } from '../../src/engine/repository/repository.ts';
import { countDeltas } from '../support/backup-fixture.ts';
import { type Decoder, decoders } from '../support/decoders.ts';
import { assertSameTree, describeTree } from '../support/describe-tree.ts';
import { frozenStorage } from '../support/frozen-repository.ts';
import { RECOVERY_BUNDLE, RECOVERY_REPOSITORY, readRecovery } from '../support/recovery-fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const RECOVERY = readRecovery();
const { keys, backups, newest } = RECOVERY;

function succeeded(decoder: Decoder, args: readonly string[], key: string): unknown {
  const run = decoder.run([...args, '--json'], { BACKUP_ENCRYPTION_KEY: key });
  assert.equal(run.status, 0, run.stderr + run.stdout);
  return JSON.parse(run.stdout);
}

async function opensAll(t: TestContext, decoder: Decoder): Promise<void> {
  const folder = await temporaryFolder(t);
  for (const { id, entries } of backups) {
    const target = join(folder, id);
    succeeded(decoder, ['open', RECOVERY_REPOSITORY, id, target], keys.second);
    // The streams have no times of their own.
    assertSameTree(describeTree(target), entries, { ignoreTimes: (path) => !path.includes('/') });
  }
}

for (const decoder of decoders(true)) {
  test(`${decoder.name}: every backup comes back byte for byte, with modes, times, links and holes`, async (t) => {
    await opensAll(t, decoder);
  });
}

for (const decoder of decoders()) {
  test(`${decoder.name}: lists the same backups with a raw key and with the passphrase`, () => {
    const ids = (key: string) =>
      (succeeded(decoder, ['list', RECOVERY_REPOSITORY], key) as { id: string; state: string }[]).map(
        ({ id, state }) => `${id} ${state}`,
      );
    const states = ['backups', 'backups', 'archived'];
    const expected = backups.map(({ id }, i) => `${id} ${states[i]}`);
    assert.deepEqual(ids(keys.second), expected);
    assert.deepEqual(ids(keys.passphrase), expected);
  });

  test(`${decoder.name}: the key of the first epoch opens what was sealed in it, and no more`, async (t) => {
    const run = decoder.run(['list', RECOVERY_REPOSITORY, '--json'], { BACKUP_ENCRYPTION_KEY: keys.first });
    assert.equal(run.status, 4, 'the newest manifest is named as one that does not open');
    const listed = JSON.parse(run.stdout) as { id: string }[];
    assert.deepEqual(
      listed.map(({ id }) => id),
      backups.map(({ id }) => id).filter((id) => id !== newest),
    );
    assert.match(run.stderr, new RegExp(`${newest}: no key given opens epoch 2`));
    const target = join(await temporaryFolder(t), 'old');
    succeeded(decoder, ['open', RECOVERY_REPOSITORY, backups[1]!.id, target], keys.first);
    assertSameTree(describeTree(target), backups[1]!.entries, { ignoreTimes: (path) => !path.includes('/') });
  });

  test(`${decoder.name}: the bundle comes back byte for byte`, async (t) => {
    const target = join(await temporaryFolder(t), 'bundle');
    succeeded(decoder, ['open-bundle', RECOVERY_BUNDLE, target], keys.second);
    const own = (path: string) => path.startsWith('manifest.') || path.startsWith('jwt_secret');
    const seen = describeTree(target).filter(({ path }) => !own(path));
    const expected = backups[0]!.entries.filter(({ path }) => !own(path));
    assertSameTree(seen, expected, { ignoreTimes: (path) => !path.includes('/') });
  });
}

test('the frozen repository holds what makes decoding hard: differences, two epochs, both kinds of slots', async () => {
  const storage = await frozenStorage(RECOVERY_REPOSITORY, systemClock);
  const repository = await openRepository({ storage, credentials: [parseKeyText(keys.second)] });
  assert.ok((await countDeltas(repository)) > 10);
  const slots = await repository.listSlots();
  assert.deepEqual(slots.map(({ epoch, kind }) => `${epoch} ${kind}`).sort(), ['1 raw', '2 passphrase', '2 raw']);
  const kinds = new Set(backups.flatMap(({ entries }) => entries.map(({ type }) => type)));
  assert.deepEqual([...kinds].sort(), ['file', 'folder', 'symlink']);
  assert.ok(backups[0]!.entries.some(({ sameAs }) => sameAs) && backups[0]!.entries.some(({ isSparse }) => isSparse));
});

test('both decoders say the same of the same backups', () => {
  const [node, python] = decoders();
  for (const args of [
    ['list', RECOVERY_REPOSITORY],
    ...backups.map(({ id }) => ['show', RECOVERY_REPOSITORY, id]),
    ['check', RECOVERY_REPOSITORY],
  ]) {
    assert.deepEqual(succeeded(node!, args, keys.second), succeeded(python!, args, keys.second));
  }
});
