/** Putting a database back: over what is there, beside what is left, and never half. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { codeOf, type ErrorCode } from '../../src/engine/base/errors.ts';
import { compareSqlite, type RestoreSqliteOptions } from '../../src/engine/sources/sqlite/index.ts';
import { makeAwkward } from '../support/awkward-sqlite.ts';
import { auditBank, makeBank, startTeller } from '../support/bank.ts';
import { backUpSqlite, restoreTo } from '../support/sqlite-runs.ts';
import { type MemoryArtifact, memoryArtifact } from '../support/stream-artifacts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Scene {
  readonly artifact: MemoryArtifact;
  readonly original: string;
  /** An empty folder. */
  readonly folder: string;
  readonly target: string;
}

async function sceneOf(t: TestContext): Promise<Scene> {
  const base = await temporaryFolder(t);
  const original = join(base, 'original.db');
  makeAwkward(original, { journalMode: 'wal' });
  const artifact = await backUpSqlite(original);
  const folder = join(base, 'folder');
  fs.mkdirSync(folder);
  return { artifact, original, folder, target: join(folder, 'app.db') };
}

const failsWith = (code: ErrorCode) => (error: unknown) => {
  assert.equal(codeOf(error), code, String(error));
  return true;
};

const filesIn = (folder: string) =>
  fs.readdirSync(folder, { withFileTypes: true }).map((entry) => {
    return [entry.name, entry.isFile() ? fs.readFileSync(join(folder, entry.name), 'base64') : null];
  });

/** The restore fails, and everything in the folder is as it was. */
async function failsUntouched(
  { artifact, folder, target }: Scene,
  code: ErrorCode,
  options: Parameters<typeof restoreTo>[2] = {},
): Promise<void> {
  const before = filesIn(folder);
  await assert.rejects(restoreTo(target, artifact, options), failsWith(code));
  assert.deepEqual(filesIn(folder), before);
}

test('a database goes into an empty place as a private file', async (t) => {
  const { artifact, original, folder, target } = await sceneOf(t);
  await restoreTo(target, artifact);
  assert.deepEqual(fs.readdirSync(folder), ['app.db']);
  assert.equal(fs.statSync(target).mode & 0o777, 0o600);
  assert.deepEqual(compareSqlite(original, target), []);
});

test('what is there stays unless its replacement is confirmed, and a journal without its database too', async (t) => {
  const scene = await sceneOf(t);
  for (const name of ['app.db', 'app.db-wal', 'app.db-shm', 'app.db-journal']) {
    fs.writeFileSync(join(scene.folder, name), 'something');
    await failsUntouched(scene, 'target_not_empty');
    fs.rmSync(join(scene.folder, name));
  }
  fs.mkdirSync(scene.target);
  await failsUntouched(scene, 'target_failed', { replace: true });
  fs.rmdirSync(scene.target);
  fs.symlinkSync('nowhere', scene.target);
  const restoring = restoreTo(scene.target, scene.artifact, { replace: true });
  await assert.rejects(restoring, failsWith('target_failed'));
  assert.deepEqual(fs.readdirSync(scene.folder), ['app.db']);
});

test('it replaces a database with its mode, also through a link, and what was no database', async (t) => {
  const { artifact, original, folder, target } = await sceneOf(t);
  makeBank(join(folder, 'real.db'), 'delete');
  fs.chmodSync(join(folder, 'real.db'), 0o640);
  fs.symlinkSync('real.db', target);
  await restoreTo(target, artifact, { replace: true });
  assert.ok(fs.lstatSync(target).isSymbolicLink());
  assert.equal(fs.statSync(join(folder, 'real.db')).mode & 0o777, 0o640);
  assert.deepEqual(compareSqlite(original, target), []);
  fs.writeFileSync(join(folder, 'real.db'), 'no database at all');
  await restoreTo(target, artifact, { replace: true });
  assert.deepEqual(compareSqlite(original, target), []);
});

test('nothing that a killed writer left is played into what replaces it', async (t) => {
  for (const mode of ['wal', 'delete']) {
    const { artifact, original, folder, target } = await sceneOf(t);
    makeBank(target, mode);
    const teller = await startTeller(target, 'long');
    await teller.after(2);
    await teller.kill();
    await restoreTo(target, artifact, { replace: true });
    assert.deepEqual(fs.readdirSync(folder), ['app.db']);
    assert.deepEqual(compareSqlite(original, target), []);
  }
});

test('control: renamed over a database with a WAL, it would be changed by it', async (t) => {
  const { artifact, original, target } = await sceneOf(t);
  const writer = new DatabaseSync(target);
  t.after(() => writer.close());
  writer.exec('pragma journal_mode = wal; create table t (a); insert into t values (1)');
  fs.writeFileSync(`${target}.new`, artifact.bytes);
  fs.renameSync(`${target}.new`, target);
  assert.notDeepEqual(differencesOf(original, target), []);
});

function differencesOf(a: string, b: string): string[] {
  try {
    return compareSqlite(a, b);
  } catch (error) {
    return [String(error)];
  }
}

test('a database at work does not give way', async (t) => {
  for (const mode of ['wal', 'delete']) {
    const { artifact, target, folder } = await sceneOf(t);
    makeBank(target, mode);
    const user = new DatabaseSync(target);
    user.exec('begin; update account set balance = balance + 0');
    await assert.rejects(restoreTo(target, artifact, { replace: true }), failsWith('target_busy'));
    user.exec('rollback');
    user.close();
    assert.deepEqual(fs.readdirSync(folder), ['app.db']);
    assert.deepEqual(auditBank(target).faults, []);
  }
});

test('wrong bytes, wrong sizes, damage and an interrupt leave everything as it was', async (t) => {
  const scene = await sceneOf(t);
  for (const isThere of [false, true]) {
    if (isThere) makeBank(scene.target, 'delete');
    const replace = isThere;
    await failsUntouched(scene, 'restore_mismatch', { replace, sha256: '00'.repeat(32) });
    await failsUntouched(scene, 'restore_mismatch', { replace, sizeBytes: scene.artifact.bytes.length + 1 });
    await failsUntouched(scene, 'interrupted', { replace, signal: AbortSignal.abort() });
    for (const stopAt of [1, scene.artifact.bytes.length]) {
      const stop = new AbortController();
      let written = 0;
      const onBytes: RestoreSqliteOptions['onBytes'] = (bytes) => {
        written += bytes;
        if (written >= stopAt) stop.abort();
      };
      await failsUntouched(scene, 'interrupted', { replace, signal: stop.signal, onBytes });
      assert.ok(written >= stopAt);
    }
    const bytes = Buffer.from(scene.artifact.bytes);
    bytes.fill(0, 4096 * 5, 4096 * 6);
    const damaged = { ...scene, artifact: artifactOf(bytes) };
    await failsUntouched(damaged, 'restore_mismatch', { replace });
  }
});

const artifactOf = (bytes: Buffer) => memoryArtifact('app.db', 'sqlite', bytes);
