/** Old rows are archived, checked and deleted while others write: archive and table together are what there was. */
import assert from 'node:assert/strict';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { codeOf } from '../../src/engine/base/errors.ts';
import { readBack } from '../../src/engine/operations/table-retention/archives.ts';
import {
  listTableArchives,
  restoreTableArchive,
} from '../../src/engine/operations/table-retention/restore-archive.ts';
import { planTableRetention, runTableRetention } from '../../src/engine/operations/table-retention/run.ts';
import type { RetentionRule } from '../../src/engine/sources/retained-table.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import { count } from '../support/counts.ts';
import { killingStorage } from '../support/killing-storage.ts';
import { retentionWorld, rowAt, sqliteWriter } from '../support/retention-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROWS = count(20_000, 200_000);
const RULE = { table: 'audit_log', column: 'at', unit: 'time', maxAgeDays: 100, maxRows: null } as const;
const PACE = { pauseMs: 1, batchRows: 4000 };

/** A table with values of every kind in it. Gives how many rows are old. */
async function sqliteTable(t: TestContext, journal: 'wal' | 'delete', rows = ROWS) {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'app.db');
  const database = new DatabaseSync(path);
  database.exec(`pragma journal_mode = ${journal}; pragma synchronous = off;
    create table audit_log (id integer primary key, at text, actor text collate nocase, detail, size int generated always as (length(detail)));
    create index by_time on audit_log (at); begin`);
  const insert = database.prepare('insert into audit_log (id, at, actor, detail) values (?, ?, ?, ?)');
  const nowMs = Date.now();
  let old = 0;
  for (let i = 1; i <= rows; i += 1) {
    const row = rowAt(i, nowMs);
    insert.run(
      row.id,
      row.time,
      row.actor,
      i % 11 === 0 ? Buffer.from([0, 255, i & 255]) : i % 13 === 0 ? i / 3 : row.detail,
    );
    if (row.isOld) old += 1;
  }
  database.exec('commit');
  database.close();
  const source = { kind: 'sqlite', name: 'main', path } as const;
  return { folder, path, source, old, original: contentOf(path) };
}

const LITERALS =
  'id, quote(at) as at, quote(actor) as actor, quote(detail) as detail, typeof(detail) as type';

function contentOf(path: string): Map<number, string> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database.prepare(`select ${LITERALS} from audit_log where actor <> 'writer'`).all();
    return new Map(rows.map((row) => [row.id as number, JSON.stringify(row)]));
  } finally {
    database.close();
  }
}

for (const journal of ['wal', 'delete'] as const) {
  // Without a WAL each batch waits for the disk several times.
  const rows = journal === 'wal' ? ROWS : ROWS / 5;
  test(`SQLite, ${journal}: archive and remaining rows are the original while a writer runs`, async (t) => {
    const place = await sqliteTable(t, journal, rows);
    const world = await retentionWorld(place.folder);
    const context = await world.contextOn();
    const plan = await planTableRetention(context, { source: place.source, rule: RULE, pace: PACE });
    assert.deepEqual([plan.rows, plan.going], [rows, place.old]);
    assert.equal(contentOf(place.path).size, rows, 'a plan changes nothing');
    const stop = sqliteWriter(place.path);
    const archiveRows = Math.ceil(rows / 4);
    const request = {
      ...{ source: place.source, rule: RULE, pace: PACE, stateFolder: world.stateFolder, archiveRows },
    };
    const outcome = await runTableRetention(context, request);
    const { written, longestMs } = await stop();
    t.diagnostic(
      `${written} rows written meanwhile, the longest wait of a statement was ${longestMs.toFixed(1)} ms`,
    );
    assert.ok(written > 0);
    assert.deepEqual([outcome.deleted, outcome.changed, outcome.resumed], [place.old, 0, false]);
    assert.equal(outcome.archives.length, Math.ceil(place.old / archiveRows));
    const rest = contentOf(place.path);
    assert.equal(rest.size, rows - place.old);
    for (const [id, row] of rest) assert.equal(row, place.original.get(id));
    const named = { source: 'main', table: 'audit_log' };
    const listed = await listTableArchives(context, named);
    assert.equal(
      listed.reduce((sum, one) => sum + one.rows, 0),
      place.old,
    );
    const back = await restoreTableArchive(context, { ...named, target: place.source, backupId: null });
    assert.deepEqual([back.inserted, back.present, back.different], [place.old, 0, 0]);
    assert.deepEqual(contentOf(place.path), place.original);
  });
}

test('the newest rows stay by number, and rows without a time stay whatever happens', async (t) => {
  const place = await sqliteTable(t, 'wal', 1000);
  const database = new DatabaseSync(place.path);
  database.exec('update audit_log set at = null where id <= 5; update audit_log set at = 12345 where id = 6');
  database.close();
  const world = await retentionWorld(place.folder);
  const rule = { ...RULE, maxAgeDays: null, maxRows: 300 };
  const context = await world.contextOn();
  const request = { source: place.source, rule, pace: PACE, stateFolder: world.stateFolder };
  const outcome = await runTableRetention(context, request);
  const rest = contentOf(place.path);
  // Rows of the same time as the last one that stays, stay as well.
  assert.equal(rest.size, 1000 - outcome.deleted);
  assert.ok(rest.size >= 306 && rest.size < 320, `${rest.size}`);
  for (let id = 1; id <= 6; id += 1) assert.ok(rest.has(id));
});

test('killed at any write of a run, nothing is lost, and the next run goes on', async (t) => {
  const place = await sqliteTable(t, 'wal', 400);
  const world = await retentionWorld(place.folder);
  const request = {
    ...{ source: place.source, rule: RULE, pace: PACE, stateFolder: world.stateFolder, archiveRows: 30 },
  };
  const named = { source: 'main', table: 'audit_log', target: place.source, backupId: null };
  let between = 0;
  for (let at = 0; ; at += 1) {
    const dying = killingStorage(world.storage, at % 3, at % 2 === 0 ? 'before' : 'after');
    const run = runTableRetention(await world.contextOn(() => dying), request);
    const archived = await run.then(
      ({ archives }) => archives.length,
      () => null,
    );
    if (archived === 0) break;
    assert.ok(at < 200, 'it comes to an end');
    // Every row is in the table or in an archive.
    const copy = join(place.folder, 'copy.db');
    await rm(copy, { force: true });
    const live = new DatabaseSync(place.path);
    await backup(live, copy);
    live.close();
    const back = await restoreTableArchive(await world.contextOn(), {
      ...{ ...named, target: { ...place.source, path: copy } },
    }).catch((error) => {
      if (codeOf(error) !== 'item_unknown') throw error;
      return null;
    });
    assert.deepEqual(contentOf(copy), place.original);
    if (archived === null && back && back.present > 0) between += 1;
  }
  assert.equal(contentOf(place.path).size, 400 - place.old);
  assert.ok(between > 0, 'some run was killed between its archive and the deletion');
});

for (const damage of ['flips', 'loses'] as const) {
  test(`a destination that ${damage} what it stores: not a row is deleted`, async (t) => {
    const place = await sqliteTable(t, 'wal', 500);
    const world = await retentionWorld(place.folder);
    const context = await world.contextOn((storage) => badStorage(storage, damage));
    const request = { source: place.source, rule: RULE, pace: PACE, stateFolder: world.stateFolder };
    await assert.rejects(runTableRetention(context, request));
    assert.deepEqual(contentOf(place.path), place.original);
    // The control: one that deletes what it wrote, without reading it back, has lost rows by now.
    const careless = {
      check: async (_: unknown, __: unknown, ___: unknown, file: string) =>
        rename(join(place.folder, 'kept'), file),
    };
    const keeping = await world.contextOn((storage) => badStorage(storage, damage));
    await keepExport(place.path, join(place.folder, 'kept'));
    const said = await runTableRetention(keeping, request, careless as never).catch(
      (error: unknown) => error,
    );
    assert.ok(contentOf(place.path).size < 500, `the control deletes: ${said}`);
    const lost = restoreTableArchive(await world.contextOn(), {
      ...{ source: 'main', table: 'audit_log', target: place.source, backupId: null },
    });
    await assert.rejects(lost, 'what the control deleted is gone');
  });
}

test('a row changed behind its archive stays, and is archived anew', async (t) => {
  const place = await sqliteTable(t, 'wal', 300);
  const world = await retentionWorld(place.folder);
  const context = await world.contextOn();
  const request = { source: place.source, rule: RULE, pace: PACE, stateFolder: world.stateFolder };
  const old = [...place.original.keys()].find((id) => rowAt(id, Date.now()).isOld)!;
  const check: typeof readBack = async (...given) => {
    const database = new DatabaseSync(place.path);
    database.exec(`update audit_log set actor = upper(actor) || '!' where id = ${old}`);
    database.close();
    return readBack(...given);
  };
  const first = await runTableRetention(context, request, { check });
  assert.deepEqual([first.deleted, first.changed], [place.old - 1, 1]);
  const second = await runTableRetention(context, request);
  assert.deepEqual([second.deleted, second.changed], [1, 0]);
  const named = { source: 'main', table: 'audit_log', target: place.source, backupId: null };
  const back = await restoreTableArchive(context, named);
  assert.deepEqual([back.inserted, back.different], [place.old, 1]);
  assert.match(contentOf(place.path).get(old)!, /!/, 'of two archives of a row the newer one counts');
});

test('tables that cannot be thinned are refused by name', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'app.db');
  const database = new DatabaseSync(path);
  database.exec(`create table audit_log (id integer primary key, at text);
    create table notes (id integer primary key, audit int references audit_log);
    create table plain (k text primary key, at text) without rowid; create view seen as select * from audit_log`);
  database.close();
  const world = await retentionWorld(folder);
  const context = await world.contextOn();
  const codeFor = (rule: Partial<RetentionRule>) =>
    planTableRetention(context, {
      ...{ source: { kind: 'sqlite', name: 'main', path }, rule: { ...RULE, ...rule } },
    }).then(() => null, codeOf);
  assert.equal(await codeFor({}), 'config_invalid', 'others refer to it');
  assert.equal(await codeFor({ table: 'plain' }), 'config_invalid');
  assert.equal(await codeFor({ table: 'seen' }), 'config_invalid');
  assert.equal(await codeFor({ table: 'none' }), 'item_unknown');
  assert.equal(await codeFor({ table: 'notes' }), 'item_unknown', 'no such column');
});

/** The same selection as an export, kept aside. */
async function keepExport(path: string, file: string): Promise<void> {
  const database = new DatabaseSync(path);
  database.prepare('attach ? as archive').run(file);
  database.exec(`create table archive.audit_log (id integer primary key, at, actor, detail);
    insert into archive.audit_log select id, at, actor, detail from main.audit_log
    where julianday(at) < julianday('now') - 100`);
  database.close();
}

/** Says that packs are stored, and keeps something else or nothing. */
function badStorage(storage: Storage, damage: 'flips' | 'loses'): Storage {
  return {
    ...storage,
    address: storage.address,
    async put(name, content) {
      if (!name.startsWith('packs/')) return storage.put(name, content);
      const bytes = Buffer.from(content as Uint8Array);
      if (damage === 'flips') bytes[200]! ^= 1;
      return storage.put(name, damage === 'flips' ? bytes : Buffer.alloc(0));
    },
  };
}
