/** `holdfast table-retention` and `holdfast table-archive`, by the real program. */
import assert from 'node:assert/strict';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { failed, place, succeeded } from '../support/cli-place.ts';

const CONFIG = `
destinations: { vault: { address: ./vault } }
sources:
  main:
    kind: sqlite
    path: ./app.db
    tableRetention:
      users: { column: id, unit: value, maxRows: 30, keepArchivesDays: 3650 }
plans: { nightly: { sources: [main] } }
`;

function namesIn(path: string): string[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database
      .prepare('select id, name from users order by id')
      .all()
      .map((row) => `${row.id} ${row.name}`);
  } finally {
    database.close();
  }
}

test('a table is planned, thinned, and put back; its archive is no backup of a plan', async (t) => {
  const { folder, holdfast } = await place(t);
  await writeFile(join(folder, 'holdfast.yaml'), CONFIG);
  succeeded(await holdfast(['init']));
  const nightly = JSON.parse(succeeded(await holdfast(['backup', 'nightly', '--json'])).stdout);
  const app = join(folder, 'app.db');
  const original = namesIn(app);
  const planned = JSON.parse(succeeded(await holdfast(['table-retention', 'plan', '--json'])).stdout);
  assert.deepEqual(
    planned.map(({ rows, going }: { rows: number; going: number }) => [rows, going]),
    [[100, 70]],
  );
  assert.deepEqual(namesIn(app), original);
  const [ran] = JSON.parse(
    succeeded(await holdfast(['table-retention', 'run', 'main', 'users', '--json'])).stdout,
  );
  assert.deepEqual([ran.deleted, ran.archives.length, ran.archives[0].rows], [70, 1, 70]);
  assert.deepEqual(namesIn(app), original.slice(70));
  const shown = succeeded(await holdfast(['table-archive', 'show', 'main', 'users'])).stdout;
  assert.match(shown, new RegExp(`${ran.archives[0].backupId}.* 70 `));
  // Rules of backups do not touch it, and the newest backup is the plan's.
  const rotated = JSON.parse(
    succeeded(await holdfast(['rotate', '--days', '1', '--versions', '1', '--dry-run', '--json'])).stdout,
  );
  assert.ok(rotated.backups.every(({ action }: { action: string }) => action === 'keep'));
  assert.equal(
    JSON.parse(succeeded(await holdfast(['show', 'latest', '--json'])).stdout).id,
    nightly.backupId,
  );
  const copy = join(folder, 'copy.db');
  await copyFile(app, copy);
  const args = ['table-archive', 'restore', 'main', 'users', '--to', copy];
  failed(await holdfast([...args, '--json']), 7, 'not_confirmed');
  assert.deepEqual(namesIn(copy), original.slice(70));
  assert.match(
    succeeded(await holdfast([...args, '--confirm-restore'])).stdout,
    /^70 rows put back from 1 archive/,
  );
  assert.deepEqual(namesIn(copy), original);
  assert.deepEqual(namesIn(app), original.slice(70));
  succeeded(
    await holdfast([
      'restore',
      ran.archives[0].backupId,
      'users.sqlite',
      '--to',
      './rows.db',
      '--confirm-restore',
    ]),
  );
  assert.deepEqual(namesIn(join(folder, 'rows.db')), original.slice(0, 70));
  failed(await holdfast(['table-retention', 'run', 'main', 'none', '--json']), 2, 'usage');
});
