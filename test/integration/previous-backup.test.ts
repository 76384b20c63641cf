import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentProgress } from '../../src/engine/base/progress.ts';
import { generateKeyText, type OpenEngineOptions, openEngine } from '../../src/engine/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const OTHER_BACKUPS = 60;

async function place(t: TestContext) {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'notes.txt'), 'nothing new');
  const keyTexts = [generateKeyText()];
  const open = async (state: string, more: Partial<OpenEngineOptions> = {}) => {
    const engine = await openEngine({
      ...{
        address: join(folder, 'repository'),
        layout: 'repository',
        keyTexts,
      },
      ...{ signingKeyFile: join(folder, 'signing-key.pem'), stateFolder: join(folder, state) },
      ...{ progress: silentProgress, signal: new AbortController().signal, ...more },
    });
    const place = engine.copyPlace;
    assert.ok(place.layout === 'repository');
    return { engine, repository: place.context.repository };
  };
  const request = {
    sources: [
      { kind: 'files', name: 'notes', paths: [join(folder, 'notes.txt')], exclude: [], optional: false },
    ],
    plan: 'notes',
    tenantId: null,
    type: 'full',
  } as const;
  return { open, request };
}

test('the backup before is found behind many of other plans, by the machine that made it', async (t) => {
  const { open, request } = await place(t);
  const { engine, repository } = await open('state', { create: 'always' });
  const first = await engine.backup(request);
  const { manifest } = await repository.manifests.resolve(first.backupId);
  const { id: _, version: __, repositoryId: ___, ...draft } = manifest;
  for (let number = 0; number < OTHER_BACKUPS; number += 1) {
    await repository.manifests.commit({ ...draft, plan: `other-${number}`, artifacts: [] }, []);
  }
  const previousOf = async ({ backupId }: { backupId: string }) =>
    (await repository.manifests.resolve(backupId)).manifest.previous;
  const second = await engine.backup(request);
  assert.equal(await previousOf(second), first.backupId);

  const { ref } = await repository.manifests.resolve(second.backupId);
  await repository.manifests.archive(ref);
  assert.equal(await previousOf(await engine.backup(request)), null, 'one in the archive is not taken');

  const stranger = await open('state of another machine');
  assert.notEqual(
    await previousOf(await stranger.engine.backup(request)),
    null,
    'it looks at the newest ones',
  );
  await stranger.engine.close();
  await engine.close();
});
