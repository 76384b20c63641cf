/** Dumps that other programs made become backups and are restored: what pg_dump, tar, gzip and cp leave behind. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { importPayload, listPayload, rotatePayload, showPayload } from '../../src/contracts/cli-payloads.ts';
import { failed, type Place, place, succeeded } from '../support/cli-place.ts';
import { plainDump } from '../support/plain-dump.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
  await cluster.createDatabase('app');
  await cluster.psql(
    `create table public.orders (id bigint primary key, note text);
     insert into public.orders select g, 'line' || chr(10) || 'tab' || chr(9) || repeat('ü\\', g % 7) from generate_series(1, 5000) g;
     create function public.twice(a int) returns int language sql begin atomic select 1; select case when a > 1 then a else a * 2 end; end;
     create function public.semi() returns text language plpgsql as $body$ begin return 'a;b -- ''c'; end $body$;
     create view public.few as select * from public.orders where id < 10;
     create role filler login; `,
    'app',
  );
});
after(() => cluster.stop());

const dump = (file: string, ...args: string[]) =>
  execFileSync(join(cluster.binFolder, 'pg_dump'), [
    ...args,
    `--file=${file}`,
    `--dbname=${cluster.urlOf('app')}`,
  ]);

async function imported({ holdfast }: Place, ...args: string[]) {
  const run = succeeded(await holdfast(['import', ...args, '--json']));
  return importPayload.parse(JSON.parse(run.stdout)).imported;
}

const shown = async ({ holdfast }: Place, id: string) =>
  showPayload.parse(JSON.parse(succeeded(await holdfast(['show', id, '--json'])).stdout));

/** An empty database that belongs to a role which may do nothing else. */
async function ownDatabase(name: string): Promise<string> {
  await cluster.psql(`create database ${name} owner filler template template0`);
  return cluster.urlOf(name, { user: 'filler' });
}

/** Without owners and grants, which another role's restore cannot have. */
const content = (database: string) =>
  plainDump(cluster, database)
    .replace(
      /^(ALTER [^;]* OWNER TO|GRANT|REVOKE|ALTER DEFAULT PRIVILEGES|COMMENT ON EXTENSION)[^;]*;$/gm,
      '',
    )
    .replace(/^-- (Data for )?Name: .*$/gm, '')
    .replace(/^--\n/gm, '')
    .replace(/\n+/g, '\n');

test('archives of pg_dump, compressed or not, have their tables known and restore to the same content', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  await mkdir(join(folder, 'old'));
  dump(join(folder, 'old/app-2025-11-01.dump'), '-Fc');
  dump(join(folder, 'old/app_20251102_0230.dump'), '-Fc', '-Z0');
  await writeFile(
    join(folder, 'old/app-2025-11-03.dump.gz'),
    gzipSync(await readFile(join(folder, 'old/app-2025-11-01.dump'))),
  );
  const files = ['app-2025-11-01.dump', 'app_20251102_0230.dump', 'app-2025-11-03.dump.gz'].map(
    (name) => `old/${name}`,
  );
  const done = await imported(here, '--trusted', ...files);
  assert.deepEqual(
    done.map(({ timestamp, timeFrom }) => [timestamp, timeFrom]),
    [
      ['2025-11-01T00:00:00.000Z', 'name'],
      ['2025-11-02T02:30:00.000Z', 'name'],
      ['2025-11-03T00:00:00.000Z', 'name'],
    ],
  );
  const hashes = new Set<string>();
  for (const { backupId } of done) {
    const { artifacts, type } = await shown(here, backupId);
    assert.equal(type, 'db');
    const { facts, kind, name } = artifacts[0]!;
    assert.deepEqual([name, kind], ['db.dump', 'pg-dump']);
    const tables = facts.tables as { name: string; rows: number; sha256: string }[];
    const orders = tables.find((table) => table.name === 'orders')!;
    assert.equal(orders.rows, 5000);
    hashes.add(orders.sha256);
  }
  assert.equal(hashes.size, 1, 'every way to compress holds the same rows');
  assert.ok(done[2]!.bytesStored < done[0]!.bytesStored / 3, 'a compressed dump deduplicates');
  for (const [i, { backupId }] of done.slice(1).entries()) {
    succeeded(await holdfast(['restore', backupId, '--to', cluster.urlOf(`back${i}`), '--confirm-restore']));
    assert.equal(plainDump(cluster, `back${i}`), plainDump(cluster, 'app'));
  }
  const again = await imported(here, '--trusted', ...files);
  assert.deepEqual(
    again.map(({ status, backupId }) => [status, backupId]),
    done.map(({ backupId }) => ['known', backupId]),
  );
});

test('a dump nobody vouched for is loaded by an unprivileged role alone, archive and script alike', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  dump(join(folder, 'app.dump'), '-Fc');
  dump(join(folder, 'app.sql'), '-Fp');
  await writeFile(join(folder, 'packed.sql.gz'), gzipSync(await readFile(join(folder, 'app.sql'))));
  const done = await imported(here, 'app.dump', 'app.sql', 'packed.sql.gz');
  assert.deepEqual(
    done.map(({ artifacts }) => [artifacts[0]!.name, artifacts[0]!.kind]),
    [
      ['db.dump', 'pg-dump'],
      ['db.sql', 'pg-sql'],
      ['db.sql', 'pg-sql'],
    ],
  );
  assert.equal(done[1]!.artifacts[0]!.sha256, done[2]!.artifacts[0]!.sha256);
  assert.ok(done[2]!.bytesStored < 20_000, `the same script costs nothing again: ${done[2]!.bytesStored}`);
  for (const [i, { backupId }] of done.entries()) {
    const line = ['restore', backupId, '--confirm-restore', '--to'];
    const refused = failed(
      await holdfast([...line, cluster.urlOf(`super${i}`), '--json']),
      1,
      'target_failed',
    );
    assert.match(refused.message, /role postgres may do too much/);
    assert.equal(await cluster.psql(`select count(*) from pg_database where datname = 'super${i}'`), '0');
    succeeded(await holdfast([...line, await ownDatabase(`own${i}`)]));
    assert.equal(content(`own${i}`), content('app'));
  }
  succeeded(await holdfast(['restore', done[2]!.backupId, '--to', 'out', '--confirm-restore']));
  assert.deepEqual(await readFile(join(folder, 'out/db.sql')), await readFile(join(folder, 'app.sql')));
});

test('a script with commands to psql, or for the server only a superuser may give, runs none of them', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  const canary = join(folder, 'canary');
  const hostile = {
    'shell.sql': `create table a (b int);\n\\! touch ${canary}\n`,
    'output.sql': `\\o ${canary}\nselect 1;\n`,
    'program.sql': `copy (select 1) to program 'touch ${canary}';\n`,
    'hidden.sql': `create table a (b text);\ncopy a from stdin;\n1\n\\.\n\\! touch ${canary}\n`,
  };
  for (const [name, text] of Object.entries(hostile)) {
    await writeFile(join(folder, name), text);
    const [done] = await imported(here, name);
    const url = await ownDatabase(`hostile_${name.slice(0, -4)}`);
    const run = await holdfast(['restore', done!.backupId, '--to', url, '--confirm-restore', '--json']);
    assert.notEqual(run.status, 0, name);
    await assert.rejects(stat(canary), { code: 'ENOENT' }, name);
  }
});

test('a copied SQLite file is taken over with its WAL and checked; the copy is not touched', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  const live = new DatabaseSync(join(folder, 'live.db'));
  live.exec('pragma journal_mode = wal; create table t (x); insert into t values (1)');
  live.exec('pragma wal_checkpoint(truncate); insert into t values (2)');
  await copyFile(join(folder, 'live.db'), join(folder, 'old.db'));
  await copyFile(join(folder, 'live.db-wal'), join(folder, 'old.db-wal'));
  live.close();
  await utimes(join(folder, 'old.db'), 1_700_000_000, 1_700_000_000);
  const before = await readFile(join(folder, 'old.db'));
  const [done] = await imported(here, 'old.db', '--name', 'app.db');
  assert.deepEqual([done!.timestamp, done!.timeFrom], ['2023-11-14T22:13:20.000Z', 'file']);
  succeeded(await holdfast(['restore', done!.backupId, '--to', 'out', '--confirm-restore']));
  const back = new DatabaseSync(join(folder, 'out/app.db'), { readOnly: true });
  assert.equal(back.prepare('select count(*) n from t').get()!.n, 2);
  back.close();
  assert.deepEqual(await readFile(join(folder, 'old.db')), before);
  const broken = await readFile(join(folder, 'app.db'));
  broken.fill(0xff, 4096, 8192);
  await writeFile(join(folder, 'broken.db'), broken);
  failed(await holdfast(['import', 'broken.db', '--json']), 1, 'source_damaged');
});

test('a tarball gives its databases as what they are and the rest as files', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  const inner = join(folder, 'inner');
  await mkdir(join(inner, 'uploads', 'n'.repeat(90), 'm'.repeat(90)), { recursive: true });
  dump(join(inner, 'db.dump'), '-Fc');
  await copyFile(join(folder, 'app.db'), join(inner, 'app.db'));
  await writeFile(join(inner, 'uploads', 'ä b.txt'), 'hello');
  await writeFile(join(inner, 'uploads', 'n'.repeat(90), 'm'.repeat(90), 'deep'), 'deep');
  execFileSync('sh', ['-c', 'ln uploads/ä\\ b.txt uploads/again; ln -s ä\\ b.txt uploads/link'], {
    cwd: inner,
  });
  for (const [name, format, pack] of [
    ['gnu.tar.gz', 'gnu', gzipSync],
    ['pax.tar.zst', 'pax', zstdCompressSync],
  ] as const) {
    execFileSync('tar', [`--format=${format}`, '-cf', join(folder, 'raw.tar'), '-C', inner, '.']);
    await writeFile(join(folder, name), pack(await readFile(join(folder, 'raw.tar'))));
    const [done] = await imported(here, name, '--trusted');
    const { artifacts, type } = await shown(here, done!.backupId);
    assert.equal(type, 'full');
    assert.deepEqual(artifacts.map((one) => [one.name, one.kind]).sort(), [
      ['app.db', 'sqlite'],
      ['db.dump', 'pg-dump'],
      ['files', 'tree'],
    ]);
    const out = join(folder, `out-${name}`);
    succeeded(await holdfast(['restore', done!.backupId, 'files', '--to', out, '--confirm-restore']));
    const diff = execFileSync('sh', [
      '-c',
      `diff -r --no-dereference "${inner}/uploads" "${out}/uploads" && echo same`,
    ]);
    assert.equal(diff.toString(), 'same\n');
    assert.equal(
      (await stat(join(out, 'uploads/again'))).ino,
      (await stat(join(out, 'uploads/ä b.txt'))).ino,
    );
  }
});

test('what is cut, damaged, hostile or unknown becomes no backup; the others of the same run do', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  dump(join(folder, 'good.dump'), '-Fc');
  const whole = await readFile(join(folder, 'good.dump'));
  dump(join(folder, 'good.sql'), '-Fp');
  const sql = await readFile(join(folder, 'good.sql'));
  const changed = Buffer.from(whole);
  changed.fill(0x55, whole.length - 300, whole.length - 250);
  const tarOf = (...args: string[]) => execFileSync('tar', ['-cPf', '-', ...args], { cwd: folder });
  const bad: Record<string, Buffer> = {
    'cut.dump': whole.subarray(0, whole.length - 100),
    'head.dump': whole.subarray(0, 500),
    'changed.dump': changed,
    'cut.sql': sql.subarray(0, sql.length - 200),
    'cut.sql.gz': gzipSync(sql).subarray(0, 2000),
    'absolute.tar': tarOf(join(folder, 'app.db')),
    'dots.tar': tarOf('uploads/../app.db'),
    'cut.tar': tarOf('uploads').subarray(0, 3000),
    'bomb.sql.gz': gzipSync(Buffer.alloc(400 * 2 ** 20, ' ')),
    'text.txt': Buffer.from('a letter'),
    'packed.dump.bz2': Buffer.from('BZh91AY&SY'),
  };
  for (const [name, bytes] of Object.entries(bad)) await writeFile(join(folder, name), bytes);
  const run = await holdfast(['import', ...Object.keys(bad), 'good.dump', 'missing.dump', '--json']);
  assert.equal(run.status, 3, run.stderr);
  const { imported: done, failed: refused } = importPayload.parse(JSON.parse(run.stdout));
  assert.deepEqual(
    done.map(({ file }) => file),
    [join(folder, 'good.dump')],
  );
  assert.deepEqual(
    refused.map(({ file, error }) => [file.slice(folder.length + 1), error.code]),
    [
      ['cut.dump', 'source_damaged'],
      ['head.dump', 'source_damaged'],
      ['changed.dump', 'source_damaged'],
      ['cut.sql', 'source_damaged'],
      ['cut.sql.gz', 'source_damaged'],
      ['absolute.tar', 'path_unsafe'],
      ['dots.tar', 'path_unsafe'],
      ['cut.tar', 'source_damaged'],
      ['bomb.sql.gz', 'limit_exceeded'],
      ['text.txt', 'usage'],
      ['packed.dump.bz2', 'usage'],
      ['missing.dump', 'source_missing'],
    ],
  );
  for (const { file, error } of refused) assert.ok(error.message.includes(file), error.message);
});

test('imported backups are kept without rules, follow those of a plan, and are never the last good one', async (t) => {
  const here = await place(t);
  const { folder, holdfast } = here;
  dump(join(folder, 'a.dump'), '-Fc');
  dump(join(folder, 'b.dump'), '-Fc', '-Z0');
  const [loose] = await imported(here, 'a.dump', '--time', '2020-01-01');
  const rotate = async () =>
    rotatePayload.parse(JSON.parse(succeeded(await holdfast(['rotate', '--dry-run', '--json'])).stdout))
      .backups;
  assert.deepEqual(
    (await rotate()).map(({ id, action }) => [id, action]),
    [[loose!.backupId, 'keep']],
  );
  succeeded(await holdfast(['backup', './app.db', '--type', 'db', '--json']));
  const [own] = listPayload.parse(JSON.parse(succeeded(await holdfast(['list', '--json'])).stdout));
  assert.equal(own!.status, 'succeeded');
  await imported(here, 'b.dump', '--plan', own!.plan!, '--time', new Date().toISOString());
  const reasons = new Map((await rotate()).map(({ id, reasons: all }) => [id, all.map(({ code }) => code)]));
  assert.ok(reasons.get(own!.id)!.includes('last_good'), 'a newer import does not take its place');
  const listed = listPayload.parse(JSON.parse(succeeded(await holdfast(['list', '--json'])).stdout));
  assert.deepEqual(
    listed.map(({ status }) => status),
    ['imported', 'succeeded', 'imported'],
  );
  failed(await holdfast(['import', 'a.dump', '--time', '2099-01-01', '--json']), 2, 'usage');
});
