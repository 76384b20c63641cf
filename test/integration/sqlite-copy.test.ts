/** Where the file of a database is copied as it lies, the copy is the one SQLite would have made. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { copyPlain } from '../../src/engine/sources/sqlite/copy-plain.ts';
import { openLive } from '../../src/engine/sources/sqlite/open-live.ts';
import { type Layout, makeAwkward } from '../support/awkward-sqlite.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** True when the file was copied; then its bytes are those of SQLite's backup. */
async function isPlain(path: string, folder: string): Promise<boolean> {
  const live = openLive(path, 0);
  const copy = join(folder, 'copy.db');
  const expected = join(folder, 'expected.db');
  try {
    const { database } = live;
    const pageSize = Number(database.prepare('pragma page_size').get()!.page_size);
    let told = 0;
    const onBytes = (bytes: number) => {
      told += bytes;
    };
    const { signal } = new AbortController();
    const sqliteVersion = process.versions.sqlite!;
    const copied = await copyPlain(database, { path, copy, pageSize, sqliteVersion, onBytes, signal });
    await backup(database, expected);
    assert.equal(existsSync(copy), copied);
    if (copied) {
      assert.ok(readFileSync(copy).equals(readFileSync(expected)), 'the bytes differ');
      assert.equal(statSync(copy).mode & 0o777, 0o600);
      assert.equal(told, statSync(copy).size);
    }
    return copied;
  } finally {
    live.release();
    rmSync(copy, { force: true });
    rmSync(expected, { force: true });
  }
}

async function place(t: TestContext, layout: Layout): Promise<{ folder: string; path: string }> {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'app.db');
  makeAwkward(path, layout);
  return { folder, path };
}

describe('a copied file', () => {
  const layouts: readonly Layout[] = [
    { pageSize: 512, autoVacuum: 2 },
    { encoding: 'UTF-16le', journalMode: 'wal' },
    { pageSize: 65536, autoVacuum: 1, journalMode: 'wal' },
    {},
  ];
  for (const layout of layouts) {
    test(`is what SQLite makes: ${JSON.stringify(layout)}`, async (t) => {
      const { folder, path } = await place(t, layout);
      assert.equal(await isPlain(path, folder), true);
      const database = new DatabaseSync(path);
      database.exec('create table more (a); delete from value; pragma user_version = 9');
      database.close();
      assert.equal(await isPlain(path, folder), true);
    });
  }

  test('is not taken while the WAL alone holds something', async (t) => {
    const { folder, path } = await place(t, { journalMode: 'wal' });
    const writer = new DatabaseSync(path);
    const reader = new DatabaseSync(path);
    try {
      writer.exec('create table more (a)');
      assert.equal(await isPlain(path, folder), false);
      writer.exec('pragma wal_checkpoint(passive)');
      assert.ok(statSync(`${path}-wal`).size > 0);
      assert.equal(await isPlain(path, folder), true);
      reader.exec('begin; select * from more');
      writer.exec('insert into more values (1); pragma wal_checkpoint(passive)');
      assert.equal(await isPlain(path, folder), false, 'a reader holds the checkpoint up');
      reader.exec('rollback');
      writer.exec('pragma wal_checkpoint(truncate)');
      assert.equal(await isPlain(path, folder), true);
    } finally {
      reader.close();
      writer.close();
    }
  });

  test('is not taken of a file that lacks a part of its last page', async (t) => {
    const { folder, path } = await place(t, {});
    truncateSync(path, statSync(path).size - 100);
    assert.equal(await isPlain(path, folder), false);
  });
});
