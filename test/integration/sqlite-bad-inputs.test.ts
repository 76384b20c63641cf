/** Databases that cannot be backed up: one clear message with its next step, and nothing half-written. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { codeOf, type ErrorCode, type HoldfastError } from '../../src/engine/base/errors.ts';
import { compareSqlite } from '../../src/engine/sources/sqlite/index.ts';
import { makeAwkward } from '../support/awkward-sqlite.ts';
import { randomFrom } from '../support/seed.ts';
import { sqliteContent } from '../support/sqlite-content.ts';
import { type SqliteVault, sqliteVault } from '../support/sqlite-operations.ts';
import { backUpSqlite, restoreTo } from '../support/sqlite-runs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Refusal {
  readonly code: ErrorCode;
  readonly message: RegExp;
  readonly next?: RegExp;
}

const NOT_A_DATABASE: Refusal = {
  code: 'source_damaged',
  message: /^\/.*app\.db is not an SQLite database, or is encrypted$/,
  next: /^check the path; back it up as files/,
};
const DAMAGED: Refusal = {
  code: 'source_damaged',
  message: /^\/.*app\.db (is damaged|fails its integrity check): \S/,
  next: /^repair it/,
};

function expects({ code, message, next }: Refusal) {
  return (error: unknown) => {
    assert.equal(codeOf(error), code, String(error));
    assert.match((error as HoldfastError).message, message);
    assert.match((error as HoldfastError).next, next ?? /./);
    assert.doesNotMatch((error as HoldfastError).message, /\.$|\n|copy\.sqlite/);
    return true;
  };
}

/** The backup is refused; no backup, no scratch file and no change beside the source is left. */
async function refuses(vault: SqliteVault, path: string, refusal: Refusal): Promise<void> {
  const folder = dirname(path);
  const isFolder = fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const before = isFolder ? fs.readdirSync(folder) : null;
  await assert.rejects(vault.backUp(path), expects(refusal));
  for await (const ref of vault.context.repository.manifests.list()) assert.fail(`${ref.id} was committed`);
  const { scratchRoot } = vault.context;
  if (fs.existsSync(scratchRoot)) assert.deepEqual(fs.readdirSync(scratchRoot), []);
  if (before) assert.deepEqual(fs.readdirSync(folder), before);
}

/** In a folder of its own, so that whatever appears beside it is seen. */
async function placeOf(t: TestContext): Promise<{ vault: SqliteVault; folder: string; path: string }> {
  const folder = await temporaryFolder(t);
  fs.mkdirSync(join(folder, 'data'));
  return { vault: await sqliteVault(folder), folder, path: join(folder, 'data', 'app.db') };
}

type Damage = (bytes: Buffer) => Buffer;

function damageFile(path: string, damage: Damage): void {
  fs.writeFileSync(path, damage(fs.readFileSync(path)));
}

/** Other bytes at a place. */
const overwritten = (bytes: Buffer, at: number, others: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), others, bytes.subarray(at + others.length)]);

/** An index and its table then tell of different rows. */
const renamedInIndex: Damage = (bytes) =>
  overwritten(bytes, bytes.lastIndexOf('Common ß'), Buffer.from('Rommon'));

const PAGE = 4096;

describe('what is no sound database is refused', () => {
  const noDatabases: readonly (readonly [name: string, bytes: Buffer])[] = [
    ['text', Buffer.alloc(9000, 'this is no database, ')],
    ['noise, as of an encrypted one', randomFrom(8).bytes(16_384)],
    ['a few bytes', Buffer.from('SQLite fo')],
    ['zeros', Buffer.alloc(8192)],
  ];
  for (const [name, bytes] of noDatabases) {
    test(name, async (t) => {
      const { vault, path } = await placeOf(t);
      fs.writeFileSync(path, bytes);
      await refuses(vault, path, NOT_A_DATABASE);
    });
  }

  const damages: readonly (readonly [name: string, damage: Damage])[] = [
    ['its second half is missing', (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2 / PAGE) * PAGE)],
    ['cut inside a page', (bytes) => bytes.subarray(0, bytes.length - 1000)],
    ['only its first page is left', (bytes) => bytes.subarray(0, PAGE)],
    ['a page of zeros', (bytes) => overwritten(bytes, 3 * PAGE, Buffer.alloc(PAGE))],
    ['a page of noise', (bytes) => overwritten(bytes, 5 * PAGE, randomFrom(3).bytes(PAGE))],
    ['the schema is noise', (bytes) => overwritten(bytes, 100, randomFrom(4).bytes(PAGE - 100))],
    ['a row that its index has otherwise', renamedInIndex],
    ['free pages that are counted wrong', (bytes) => overwritten(bytes, 36, Buffer.from([0, 0, 9, 9]))],
  ];
  for (const [name, damage] of damages) {
    test(name, async (t) => {
      const { vault, path } = await placeOf(t);
      makeAwkward(path);
      damageFile(path, damage);
      await refuses(vault, path, DAMAGED);
    });
  }

  test('unless it is to be saved all the same: then its damage is stated, and it comes back as it is', async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, 'app.db');
    makeAwkward(path);
    damageFile(path, renamedInIndex);
    const artifact = await backUpSqlite(path, { allowDamaged: true });
    assert.match(artifact.warnings[0]!, /app\.db fails its integrity check: /);
    assert.match(String((artifact.facts.damage as string[])[0]), /event/);
    await restoreTo(join(folder, 'restored.db'), artifact);
    assert.deepEqual(sqliteContent(join(folder, 'restored.db')), sqliteContent(path));
    const { damage, ...silent } = artifact.facts;
    const mute = restoreTo(join(folder, 'other.db'), { ...artifact, facts: silent });
    await assert.rejects(mute, (error) => codeOf(error) === 'restore_mismatch', `${damage}`);
    assert.ok(!fs.existsSync(join(folder, 'other.db')));
  });
});

describe('what cannot be reached is refused', () => {
  test('nothing there, a folder, a pipe, a broken link', async (t) => {
    const { vault, folder, path } = await placeOf(t);
    const missing: Refusal = {
      code: 'source_missing',
      message: /app\.db does not exist$/,
      next: /check its path/,
    };
    const noFile: Refusal = { code: 'source_failed', message: /^\/.* is not a file$/ };
    await refuses(vault, path, missing);
    await refuses(vault, join(folder, 'no folder', 'app.db'), missing);
    await refuses(vault, join(folder, 'data'), noFile);
    execFileSync('mkfifo', [join(folder, 'data', 'pipe')]);
    await refuses(vault, join(folder, 'data', 'pipe'), noFile);
    fs.symlinkSync('nowhere', path);
    await refuses(vault, path, missing);
    fs.writeFileSync(join(folder, 'data', 'file'), 'x');
    await refuses(vault, join(folder, 'data', 'file', 'app.db'), missing);
  });

  test('deleted between its discovery and its opening, or while it is copied', async (t) => {
    const { vault, folder, path } = await placeOf(t);
    makeAwkward(path, { journalMode: 'wal' });
    fs.cpSync(path, join(folder, 'original.db'));
    const { progress } = vault.context;
    const phase = t.mock.method(progress, 'phase', (name: string) => {
      if (name.startsWith('copy ')) fs.rmSync(path);
    });
    await assert.rejects(
      vault.backUp(path),
      expects({ code: 'source_missing', message: /app\.db does not exist$/ }),
    );
    phase.mock.restore();

    fs.cpSync(join(folder, 'original.db'), path);
    t.mock.method(progress, 'advance', () => fs.rmSync(path, { force: true }));
    await vault.restore(await vault.backUp(path), join(folder, 'restored.db'), 'app.db');
    assert.ok(!fs.existsSync(path));
    assert.deepEqual(compareSqlite(join(folder, 'original.db'), join(folder, 'restored.db')), []);
  });
});

/** Runs `work` as somebody who may write nothing in the folder. */
async function lockedOut(folder: string, work: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid!() === 0;
  fs.chmodSync(folder, 0o555);
  if (isRoot) process.seteuid!(65_534);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid!(0);
    fs.chmodSync(folder, 0o755);
  }
}

describe('permissions', () => {
  interface Place {
    readonly vault: SqliteVault;
    readonly folder: string;
    readonly path: string;
    readonly open: string;
  }

  /** The database is in a folder where nothing can be made; the scratch folder is elsewhere. */
  async function place(t: TestContext, journalMode: 'wal' | 'delete'): Promise<Place> {
    const base = await temporaryFolder(t);
    fs.chmodSync(base, 0o755);
    const [folder, open] = [join(base, 'locked'), join(base, 'open')];
    fs.mkdirSync(folder);
    fs.mkdirSync(open);
    fs.chmodSync(open, 0o777);
    const path = join(folder, 'app.db');
    makeAwkward(path, { journalMode });
    return { vault: await sqliteVault(open), folder, path, open };
  }

  test('a database that may not be read is refused', async (t) => {
    const { vault, path, folder } = await place(t, 'delete');
    fs.chmodSync(path, 0o000);
    const refusal = {
      code: 'source_denied',
      message: /app\.db cannot be (read|opened) with these/,
      next: /owner/,
    } as const;
    await lockedOut(folder, () => refuses(vault, path, refusal));
  });

  test('a read-only database in a read-only folder is backed up, with a WAL that holds part of it too', async (t) => {
    for (const journalMode of ['delete', 'wal'] as const) {
      const { vault, path, folder, open } = await place(t, journalMode);
      const writer = new DatabaseSync(path);
      if (journalMode === 'wal') writer.exec('pragma wal_autocheckpoint = 0');
      writer.exec("insert into note values (11, 'new')");
      for (const name of fs.readdirSync(folder)) fs.chmodSync(join(folder, name), 0o444);
      const before = fs.readdirSync(folder);
      assert.equal(before.length, journalMode === 'wal' ? 3 : 1);
      await lockedOut(folder, async () => {
        await vault.restore(await vault.backUp(path), join(open, 'restored.db'), 'app.db');
      });
      assert.deepEqual(fs.readdirSync(folder), before);
      writer.close();
      assert.deepEqual(compareSqlite(path, join(open, 'restored.db')), []);
      const restored = new DatabaseSync(join(open, 'restored.db'));
      assert.equal(restored.prepare('select text from note where id = 11').get()!.text, 'new');
      restored.close();
    }
  });

  test('a resting WAL database is refused where nothing may be made beside it', async (t) => {
    const { vault, path, folder } = await place(t, 'wal');
    const refusal = {
      code: 'source_denied',
      message: /cannot be opened with these/,
      next: /its folder/,
    } as const;
    await lockedOut(folder, () => refuses(vault, path, refusal));
    assert.deepEqual(fs.readdirSync(folder), ['app.db']);
  });

  test('a journal that must be played back where nothing may be written is refused, and stays', async (t) => {
    const { vault, path, folder } = await place(t, 'delete');
    const twin = join(folder, '..', 'twin.db');
    fs.cpSync(path, twin);
    const writer = new DatabaseSync(twin);
    writer.exec('pragma cache_size = 1; begin; update big set content = zeroblob(200000)');
    for (const end of ['', '-journal']) fs.cpSync(twin + end, path + end);
    writer.close();
    fs.chmodSync(path, 0o444);
    const refusal = {
      code: 'source_denied',
      message: /cannot be opened with these/,
      next: /write access/,
    } as const;
    await lockedOut(folder, () => refuses(vault, path, refusal));
    assert.ok(fs.statSync(`${path}-journal`).size > 512);
  });
});

describe('a locked database', () => {
  /** Holds the lock in a process of its own until released. */
  async function hold(t: TestContext, path: string, sql: string) {
    const script = `const { DatabaseSync } = require('node:sqlite');
      const database = new DatabaseSync(process.argv[1]);
      database.exec(process.argv[2]);
      console.log('held');
      process.stdin.once('end', () => database.close()).resume();`;
    const child = spawn(process.execPath, ['-e', script, path, sql], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    return async () => {
      child.stdin.end();
      await once(child, 'exit');
    };
  }

  const locks = [
    ['delete', 'begin exclusive'],
    ['wal', 'pragma locking_mode = exclusive; begin immediate; insert into freed (text) values (1)'],
  ] as const;
  for (const [journalMode, sql] of locks) {
    test(`is waited for as long as told, in ${journalMode} mode, and then backed up`, async (t) => {
      const folder = await temporaryFolder(t);
      const path = join(folder, 'app.db');
      makeAwkward(path, { journalMode });
      const release = await hold(t, path, sql);
      const busy = {
        code: 'source_busy',
        message: /app\.db stayed locked for 300 ms$/,
        next: /waiting time/,
      } as const;
      await assert.rejects(backUpSqlite(path, { busyTimeoutMs: 300 }), expects(busy));
      assert.ok(!fs.existsSync(join(folder, 'scratch')));
      const waiting = backUpSqlite(path, { busyTimeoutMs: 600_000 });
      await release();
      const { bytes } = await waiting;
      fs.writeFileSync(join(folder, 'copy.db'), bytes);
      assert.deepEqual(compareSqlite(path, join(folder, 'copy.db')), []);
    });
  }

  test('is no longer waited for after an interrupt', async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, 'app.db');
    makeAwkward(path);
    const release = await hold(t, path, 'begin exclusive');
    const stop = new AbortController();
    const waiting = backUpSqlite(path, { busyTimeoutMs: 1_000_000_000 }, stop.signal);
    setTimeout(() => stop.abort(), 1000);
    await assert.rejects(waiting, (error) => codeOf(error) === 'interrupted');
    await release();
  });
});
