import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { onEachCatalog } from '../../../test/support/catalogs.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import type { NewEntry } from './append.ts';
import { openCatalogLedger } from './catalog-ledger.ts';

export const entry = (n: number, more: Partial<NewEntry> = {}): NewEntry => ({
  stream: 'audit_vault',
  tenantId: null,
  actor: { kind: 'test', id: null, name: 'tester' },
  action: 'backup',
  object: { kind: 'backup', id: String(n) },
  outcome: 'succeeded',
  detail: { n },
  ...more,
});

onEachCatalog('ledger', (place) => {
  test('entries recorded at once become one chain, in order', async (t) => {
    const catalog = await place.open(t);
    const keyFolder = join(await temporaryFolder(t), 'ledger-keys');
    const ledger = openCatalogLedger(catalog, { keyFolder });
    assert.equal(await ledger.heads(), null);
    const made = await Promise.all(Array.from({ length: 300 }, (_, n) => ledger.record(entry(n))));
    assert.deepEqual(
      made.map(({ seq }) => seq),
      Array.from({ length: 300 }, (_, n) => n + 2),
    );
    for (const [i, one] of made.entries()) if (i > 0) assert.equal(one.previous_hash, made[i - 1]!.hash);
    const heads = await ledger.heads();
    assert.deepEqual(heads?.heads[0], { stream: 'audit_vault', seq: 301, hash: made.at(-1)!.hash });
    const [file] = await readdir(keyFolder);
    assert.equal((await stat(join(keyFolder, file!))).mode & 0o777, 0o600);
  });

  test('a transaction that is given up leaves no entry', async (t) => {
    const catalog = await place.open(t);
    const ledger = openCatalogLedger(catalog, { keyFolder: join(await temporaryFolder(t), 'keys') });
    await ledger.record(entry(1));
    const before = await ledger.heads();
    await assert.rejects(
      catalog.transaction(async (trx) => {
        await ledger.recordIn(trx, [entry(2)]);
        throw new Error('changed my mind');
      }),
      /changed my mind/,
    );
    assert.deepEqual(await ledger.heads(), before);
    const [next] = await catalog.transaction((trx) => ledger.recordIn(trx, [entry(3)]));
    assert.equal(next!.seq, 3);
  });

  test('the database refuses to change what is there, and what does not follow', async (t) => {
    const catalog = await place.open(t);
    const ledger = openCatalogLedger(catalog, { keyFolder: join(await temporaryFolder(t), 'keys') });
    await ledger.recordAll([entry(1), entry(2, { stream: 'org_admin_reads' })]);
    const { db } = catalog;
    const before = await sql`select * from audit_vault`.execute(db);
    const tables = ['audit_vault', 'org_admin_reads', 'vault_checkpoints', 'org_admin_reads_checkpoints'];
    const statements = tables.flatMap((table) => [
      `update ${table} set key_id = hash`,
      `update ${table} set at = at`,
      `delete from ${table}`,
      `delete from ${table} where at > 0`,
      `insert into ${table} select * from ${table}`,
      ...(place.dialect === 'sqlite'
        ? [`insert or replace into ${table} select * from ${table}`, `update or replace ${table} set at = 1`]
        : [
            `truncate ${table}`,
            `truncate ${table} cascade`,
            `set session_replication_role = replica; delete from ${table}`,
          ]),
    ]);
    statements.push('update vault_signing_keys set host = key_id', 'delete from vault_signing_keys');
    for (const text of statements) {
      await assert.rejects(sql.raw(text).execute(db), /ledger is|cannot insert multiple/, text);
    }
    const skipped = `insert into audit_vault select seq + 100, at, tenant_id, actor_kind, actor_id, actor_name, action, object_kind,
      object_id, outcome, detail, hash, hash, signature, key_id from audit_vault where seq = 2`;
    await assert.rejects(sql.raw(skipped).execute(db), /one chain/);
    assert.deepEqual((await sql`select * from audit_vault`.execute(db)).rows, before.rows);
  });
});
