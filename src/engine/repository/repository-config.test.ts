import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawCredential } from '../../../test/support/repository-world.ts';
import { memoryStorage } from '../storage/memory-storage.ts';
import { createRepository, openRepository } from './repository.ts';
import { readConfig } from './repository-config.ts';

async function holding(objects: Readonly<Record<string, string>>) {
  const storage = memoryStorage();
  for (const [name, text] of Object.entries(objects)) await storage.put(name, Buffer.from(text));
  return storage;
}

test('a place that holds something else is told with what lies there', async () => {
  await assert.rejects(readConfig(await holding({})), {
    code: 'repository_missing',
    message: 'there is no repository at memory:',
  });
  const photos = await holding({ 'photos/1.jpg': 'x', 'photos/2.jpg': 'x' });
  await assert.rejects(openRepository({ storage: photos, credentials: [rawCredential()] }), {
    code: 'repository_missing',
    message: 'there is no repository at memory:, which holds photos/1.jpg and more',
  });
  // As restic leaves it: sealed bytes under the same name.
  const foreign = await holding({ config: '\u0001\u0002 sealed', 'keys/ab': '{}', 'snapshots/cd': 'x' });
  for (const work of [
    openRepository({ storage: foreign, credentials: [rawCredential()] }),
    createRepository({ storage: foreign, credential: rawCredential() }),
  ]) {
    await assert.rejects(work, {
      code: 'object_damaged',
      message: 'config at memory: is damaged, or of another program',
      next: /a folder or bucket of its own/,
    });
  }
});

test('a repository or bundles without their config are no place for a new one', async () => {
  const rest = await holding({ 'backups/global/2026/01/05/full_2026-01-05T03-00-00-000Z.tar.zst.enc': 'x' });
  await assert.rejects(createRepository({ storage: rest, credential: rawCredential() }), {
    code: 'repository_exists',
    message: /memory: holds backups\/.*\.enc but no config/,
    next: /verify --heal/,
  });
});

test('a repository that lost its config or every key slot is not taken for none', async () => {
  const credential = rawCredential();
  const whole = async () => {
    const storage = memoryStorage();
    await createRepository({ storage, credential });
    return storage;
  };
  const noConfig = await whole();
  await noConfig.remove('config');
  await assert.rejects(openRepository({ storage: noConfig, credentials: [credential] }), {
    code: 'object_missing',
    message: 'the repository at memory: has lost its config; keyrings/00000001 and more is there',
    next: /verify --heal/,
  });
  const noSlots = await whole();
  for await (const { name } of noSlots.list('keys/')) await noSlots.remove(name);
  await assert.rejects(openRepository({ storage: noSlots, credentials: [credential] }), {
    code: 'object_missing',
    message: /^no key slot is left at memory:/,
    next: /^put keys\/ back/,
  });
  const begun = await holding({});
  await begun.put('config', await noSlots.get('config'));
  await assert.rejects(openRepository({ storage: begun, credentials: [credential] }), {
    code: 'repository_missing',
    message: 'the repository at memory: was begun, not finished',
    next: /^run holdfast init again/,
  });
  await createRepository({ storage: begun, credential });
});
