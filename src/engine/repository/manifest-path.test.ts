import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../base/ids.ts';
import { manifestPath, parseManifestName } from './manifest-path.ts';

const id = newId();
const startedAt = '2026-01-02T03:04:05.006Z';
const named = (name: string) => parseManifestName({ name, sizeBytes: 1, modifiedAtMs: 7 });

test('a path gives back the fields it was made from', () => {
  for (const tenantId of [null, 'acme', 'a.b_c-9']) {
    const path = manifestPath({ tenantId, type: 'full', startedAt, id });
    assert.equal(path, `${tenantId ?? 'global'}/2026/01/02/full_2026-01-02T03-04-05-006Z_${id}`);
    const ref = named(`backups/${path}`);
    assert.deepEqual(ref, {
      name: `backups/${path}`,
      state: 'backups',
      id,
      tenantId,
      type: 'full',
      startedAt,
      modifiedAtMs: 7,
      storedBytes: 1,
    });
  }
});

test('names that no manifest can have are null', () => {
  const file = `db_2026-01-02T03-04-05-006Z_${id}`;
  const wrong = [
    `packs/global/2026/01/02/${file}`,
    `backups/global/2026/01/03/${file}`,
    `backups/global/2026/13/02/db_2026-13-02T03-04-05-006Z_${id}`,
    `backups/global/2026/02/30/db_2026-02-30T03-04-05-006Z_${id}`,
    `backups/global/2026/01/02/dump_2026-01-02T03-04-05-006Z_${id}`,
    `backups/global/2026/01/02/db_2026-01-02T03-04-05-006Z_${id.toUpperCase()}`,
    `backups/global/2026/01/02/db_2026-01-02T03-04-05-006Z_`,
    `backups/.hidden/2026/01/02/${file}`,
    `backups/a/b/2026/01/02/${file}`,
    `backups/global/2026/01/02/${file}.tmp`,
    `backups/2026/01/02/${file}`,
  ];
  for (const name of wrong) assert.equal(named(name), null, name);
  assert.notEqual(named(`archived/global/2026/01/02/${file}`), null);
});
