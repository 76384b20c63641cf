import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { type Progress, silentProgress } from '../../src/engine/base/progress.ts';
import { generateKeyText, openBundle, openEngine } from '../../src/engine/index.ts';
import { backupsAt } from '../../src/engine/operations/copy-place.ts';
import { replicate } from '../../src/engine/operations/replicate.ts';
import { compareTrees } from '../../src/engine/sources/files/index.ts';
import { compareSqlite } from '../../src/engine/sources/sqlite/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PASSPHRASE = 'hfk-not-a-raw-key but a long enough passphrase';
/** Opens at once, which a passphrase is not meant to. */
const KEY = generateKeyText();

async function place(t: TestContext) {
  const folder = await temporaryFolder(t);
  const files = join(folder, 'uploads');
  await mkdir(join(files, 'deep'), { recursive: true });
  await writeFile(join(files, 'deep/a'), 'first');
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('create table t (a integer primary key, b text); insert into t (b) values (1), (2)');
  database.close();
  const open = (
    keyTexts: readonly string[] = [KEY],
    progress: Progress = silentProgress,
    encryption: 'aes-256-gcm' | 'none' = 'aes-256-gcm',
  ) =>
    openEngine({
      address: join(folder, 'destination'),
      layout: 'bundles',
      encryption,
      keyTexts,
      signingKeyFile: join(folder, 'home/signing-key.pem'),
      stateFolder: join(folder, 'home/state'),
      progress,
      signal: new AbortController().signal,
    });
  const request = {
    sources: [
      { kind: 'sqlite', name: 'app', path: join(folder, 'app.db') },
      { kind: 'files', name: 'uploads', paths: [files], exclude: [], optional: false },
    ],
    plan: 'nightly',
    tenantId: 'acme',
    type: 'full',
  } as const;
  return { folder, files, open, request };
}

const bundlesIn = (folder: string) => globSync('destination/**/*.{enc,gz}', { cwd: folder }).sort();

test('each backup is one file at the promised path, and comes back as it was', async (t) => {
  const { folder, files, open, request } = await place(t);
  const engine = await open([PASSPHRASE]);
  const { backupId } = await engine.backup(request);
  const [bundle, ...more] = bundlesIn(folder);
  assert.match(bundle!, /^destination\/backups\/acme\/\d{4}\/\d\d\/\d\d\/full_[0-9T-]+Z\.tar\.gz\.enc$/);
  assert.deepEqual(more, []);
  const [listed] = await engine.list({ plan: null, tenantId: null, archived: false });
  assert.equal(listed?.id, backupId);
  const target = join(folder, 'restored');
  await engine.restore({ backupId: 'latest', item: null, target, replace: false });
  assert.deepEqual(compareSqlite(join(folder, 'app.db'), join(target, 'app.db')), []);
  assert.deepEqual(await compareTrees(files, join(target, 'uploads')), []);
  assert.equal((await engine.verify({ backupId: null, share: 1 })).ok, true);
});

test('a changed byte anywhere is found, also where the bundle does not open any more', async (t) => {
  const { folder, open, request } = await place(t);
  const engine = await open();
  await engine.backup(request);
  const file = join(folder, bundlesIn(folder)[0]!);
  const good = await readFile(file);
  for (const at of [3, 60, 800, Math.floor(good.length / 2), good.length - 1]) {
    const bad = Buffer.from(good);
    bad[at]! ^= 1;
    await writeFile(file, bad);
    assert.equal((await engine.verify({ backupId: null, share: 1 })).ok, false, `byte ${at}`);
  }
  await writeFile(file, good);
  assert.equal((await engine.verify({ backupId: null, share: 1 })).ok, true);
});

test('retention moves to the archive, undelete brings back; another key sees nothing', async (t) => {
  const { folder, open, request } = await place(t);
  const engine = await open();
  const first = await engine.backup(request);
  const second = await engine.backup(request);
  const rotate = (dryRun: boolean) =>
    engine.rotate({
      dryRun,
      plan: null,
      tenantId: null,
      rulesOf: () => ({ keepLast: 1, days: 1, versions: 1 }),
    });
  assert.equal((await rotate(true)).removed, 0);
  assert.equal(bundlesIn(folder).filter((name) => name.includes('/archived/')).length, 0);
  assert.equal((await rotate(false)).removed, 1);
  const ids = async (archived: boolean) =>
    (await engine.list({ plan: null, tenantId: null, archived })).map(({ id }) => id);
  assert.deepEqual([await ids(false), await ids(true)], [[second.backupId], [first.backupId]]);
  await engine.undelete(first.backupId);
  assert.deepEqual(await ids(true), []);
  const stranger = await open(['another long passphrase entirely']);
  assert.deepEqual(await stranger.list({ plan: null, tenantId: null, archived: false }), []);
  await assert.rejects(stranger.show('latest'), { code: 'id_unknown' });
});

test('a bundle unlike those before it pauses retention of its plan, and what was archived stays', async (t) => {
  const { folder, open } = await place(t);
  const warnings: string[] = [];
  const engine = await open([KEY], { ...silentProgress, warn: (message) => void warnings.push(message) });
  const dump = join(folder, 'dump');
  const source = { kind: 'command', name: 'db', command: `cat '${dump}'`, restoreCommand: null } as const;
  const make = async (bytes: number) => {
    await writeFile(dump, Buffer.alloc(bytes, 7));
    const sources = [{ ...source, artifactName: 'db.dump' }];
    return engine.backup({ sources, plan: 'nightly', tenantId: null, type: 'full' });
  };
  for (let i = 0; i < 6; i += 1) await make(200_000 + i);
  const rotate = (
    versions: number,
    more: { readonly dryRun?: boolean; readonly acceptAnomalies?: boolean } = {},
  ) => {
    const rulesOf = () => ({ days: null, versions });
    return engine.rotate({ dryRun: false, plan: null, tenantId: null, rulesOf, ...more });
  };
  assert.equal((await rotate(5)).removed, 1, 'the control: as usual, retention goes its way');
  // What was archived a year ago would go for good.
  const old = new Date(Date.now() - 366 * 86_400_000);
  const [archived] = bundlesIn(folder).filter((name) => name.includes('/archived/'));
  await utimes(join(folder, archived!), old, old);
  const attacked = await make(3000);
  for (const dryRun of [true, false]) {
    const { removed, paused } = await rotate(1, { dryRun });
    assert.deepEqual(
      [removed, ...paused.map(({ plan, backupId, kind }) => [plan, backupId, kind])],
      [0, ['nightly', attacked.backupId, 'size']],
    );
  }
  assert.match(
    warnings.join('\n'),
    /retention of nightly is paused: its size fell from 0\.20 MB to 0\.00 MB/,
  );
  assert.ok(bundlesIn(folder).includes(archived!));
  const accepted = await rotate(1, { acceptAnomalies: true });
  assert.deepEqual([accepted.paused, accepted.removed], [[], 5]);
  assert.ok(!bundlesIn(folder).includes(archived!));
  assert.deepEqual((await rotate(1)).paused, [], 'it is remembered');
});

test('a place of bundles without encryption says so everywhere, needs no key, and gives all back', async (t) => {
  const { folder, files, open, request } = await place(t);
  const plain = await open([], silentProgress, 'none');
  assert.match(plain.warnings.join(), /^NOT ENCRYPTED: whoever can read .*destination/);
  const { backupId } = await plain.backup(request);
  const [bundle, ...more] = bundlesIn(folder);
  assert.deepEqual(more, []);
  assert.match(bundle!, /full_[0-9T-]+Z\.tar\.gz$/, 'not .enc, which it is not');
  const bytes = await readFile(join(folder, bundle!));
  assert.match(bytes.subarray(12, 200).toString(), /"encryption":"none"/);
  const [listed] = await plain.list({ plan: null, tenantId: null, archived: false });
  assert.deepEqual([listed?.id, listed?.encryption], [backupId, 'none']);
  assert.equal((await plain.show('latest')).encryption, 'none');
  const checks = await plain.doctor();
  assert.equal(checks.find(({ name }) => name === 'encryption')?.status, 'warning');
  const target = join(folder, 'restored');
  await plain.restore({ backupId: 'latest', item: null, target, replace: false });
  assert.deepEqual(compareSqlite(join(folder, 'app.db'), join(target, 'app.db')), []);
  assert.deepEqual(await compareTrees(files, join(target, 'uploads')), []);
  assert.equal((await plain.verify({ backupId: null, share: 1 })).ok, true);
  const bad = Buffer.from(bytes);
  bad[bad.length >> 1]! ^= 1;
  await writeFile(join(folder, bundle!), bad);
  assert.equal((await plain.verify({ backupId: null, share: 1 })).ok, false);
});

test('a place of encrypted bundles takes none that is not, under whatever name, and says so', async (t) => {
  const { folder, open, request } = await place(t);
  const plain = await open([], silentProgress, 'none');
  await plain.backup(request);
  const [bundle] = bundlesIn(folder);
  const warnings: string[] = [];
  const engine = await open([KEY], { ...silentProgress, warn: (message) => void warnings.push(message) });
  assert.deepEqual(engine.warnings, []);
  const refusals = async () => {
    warnings.length = 0;
    assert.deepEqual(await engine.list({ plan: null, tenantId: null, archived: false }), []);
    await assert.rejects(
      engine.restore({ backupId: 'latest', item: null, target: join(folder, 'to'), replace: false }),
      { code: 'id_unknown' },
    );
    assert.equal((await engine.verify({ backupId: null, share: 1 })).ok, false);
    return warnings.join();
  };
  assert.match(await refusals(), /\.tar\.gz is not a backup of yours: it is not encrypted/);
  await rename(join(folder, bundle!), join(folder, `${bundle}.enc`));
  assert.match(await refusals(), /\.tar\.gz\.enc is not a backup of yours: the bundle is not encrypted/);
  await assert.rejects(open([], silentProgress), { code: 'key_missing' });

  // The other way round both are read: what was encrypted before stays readable.
  await rm(join(folder, `${bundle}.enc`));
  const { backupId } = await engine.backup(request);
  const both = await open([KEY], silentProgress, 'none');
  const [before] = await both.list({ plan: null, tenantId: null, archived: false });
  assert.deepEqual([before?.id, before?.encryption], [backupId, 'aes-256-gcm']);
  assert.equal((await both.verify({ backupId: null, share: 1 })).ok, true);
});

test('one that is swapped for a bundle without encryption after it was listed is named, and the others are copied', async (t) => {
  const { folder, open, request } = await place(t);
  const engine = await open();
  const made = [await engine.backup(request), await engine.backup(request)];
  const [first] = bundlesIn(folder);
  const plain = await open([], silentProgress, 'none');
  await plain.backup(request);
  const written = bundlesIn(folder).find((name) => name.endsWith('.gz'))!;
  const bytes = await readFile(join(folder, written));
  await rm(join(folder, written));
  const good = await readFile(join(folder, first!));
  for (const encryption of ['aes-256-gcm', 'none'] as const) {
    await writeFile(join(folder, first!), good);
    const { copyPlace: from } = await open([KEY], silentProgress, encryption);
    const backups = (await backupsAt(from)).sort((a, b) => a.timestampMs - b.timestampMs);
    await writeFile(join(folder, first!), bytes);
    const target = await openEngine({
      ...{ address: join(folder, `copy ${encryption}`), layout: 'repository', keyTexts: [KEY] },
      ...{ create: 'always', signingKeyFile: join(folder, 'home/signing-key.pem') },
      ...{ stateFolder: join(folder, 'home/state'), progress: silentProgress },
      signal: new AbortController().signal,
    });
    t.after(() => target.close());
    const common = { hold: [], source: backups, target: [], readsAll: false };
    const { copied, failures } = await replicate({ from, to: target.copyPlace, backups, ...common });
    assert.deepEqual(
      failures.map(({ backupId, code }) => [backupId, code]),
      [[made[0]!.backupId, 'bundle_not_encrypted']],
    );
    assert.deepEqual(
      copied.map(({ id }) => id),
      [made[1]!.backupId],
    );
  }
});

test('a repository is never without encryption; a bundle exported so is opened and imported only when asked for', async (t) => {
  const { folder, request } = await place(t);
  const options = {
    address: join(folder, 'repository'),
    layout: 'repository',
    keyTexts: [KEY],
    create: 'always',
    ...{ signingKeyFile: join(folder, 'home/signing-key.pem'), stateFolder: join(folder, 'home/state') },
    ...{ progress: silentProgress, signal: new AbortController().signal },
  } as const;
  await assert.rejects(openEngine({ ...options, encryption: 'none' }), {
    code: 'usage',
    message: /repository/,
  });
  const engine = await openEngine(options);
  t.after(() => engine.close());
  const { backupId } = await engine.backup(request);
  const file = join(folder, 'app.tar.zst');
  await engine.exportBundle({ id: backupId, file, compression: 'zstd', encryption: 'none' });
  const opening = { ...options, file, folder: join(folder, 'opened'), keyTexts: [] };
  await assert.rejects(openBundle(opening), { code: 'bundle_not_encrypted' });
  const opened = await openBundle({ ...opening, acceptsUnencrypted: true });
  assert.deepEqual([opened.backupId, opened.encryption], [backupId, 'none']);
  assert.deepEqual(compareSqlite(join(folder, 'app.db'), join(folder, 'opened', 'app.db')), []);
  const other = await openEngine({ ...options, address: join(folder, 'other') });
  t.after(() => other.close());
  await assert.rejects(other.importBundle(file), { code: 'bundle_not_encrypted' });
  assert.deepEqual(await other.list({ plan: null, tenantId: null, archived: false }), []);
  await other.importBundle(file, undefined, { acceptsUnencrypted: true });
  assert.equal((await other.show(backupId)).encryption, 'aes-256-gcm');
});
