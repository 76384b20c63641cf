/**
 * Makes test/golden/repository-v1-recovery: a repository as the whole program writes it, with databases, a file tree of
 * every kind, differences, two epochs, a raw key and a passphrase, and a bundle of its newest backup. Run it once for a
 * format version and commit the result: that decoders of any later day open the old bytes is what it is for.
 */
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { generateKeyText } from '../../src/engine/index.ts';
import { describeTree } from '../../test/support/describe-tree.ts';
import { startCluster } from '../../test/support/postgres-cluster.ts';
import type { Recovery } from '../../test/support/recovery-fixture.ts';
import { makeUploads } from '../../test/support/recovery-fixture.ts';
import { runCli } from '../../test/support/run-cli.ts';

const target = resolve(dirname(fileURLToPath(import.meta.url)), '../../test/golden/repository-v1-recovery');
const work = fs.mkdtempSync(join(tmpdir(), 'holdfast-golden-'));
const cluster = await startCluster();
const keys = {
  first: generateKeyText(),
  second: generateKeyText(),
  passphrase: 'nine brown foxes keep a golden secret',
};

const holdfast = async (key: string, ...args: string[]): Promise<unknown> => {
  const environment = {
    HOLDFAST_HOME: join(work, 'home'),
    HOLDFAST_REPOSITORY: join(work, 'repository'),
    BACKUP_ENCRYPTION_KEY: key,
  };
  const run = await runCli([...args, '--json'], { folder: work, environment });
  if (run.status !== 0) throw new Error(`${args.join(' ')}: ${run.stderr}${run.stdout}`);
  return JSON.parse(run.stdout);
};

const rowText = (i: number) =>
  `row ${i} ${createHash('sha256').update(`golden ${i}`).digest('hex')} and some more text`;

function makeDatabase(): void {
  const database = new DatabaseSync(join(work, 'app.db'));
  database.exec('create table notes (id integer primary key, body text)');
  const insert = database.prepare('insert into notes (body) values (?)');
  database.exec('begin');
  for (let i = 0; i < 1500; i += 1) insert.run(rowText(i));
  database.exec('commit');
  database.close();
}

function changeEverything(round: number): void {
  const database = new DatabaseSync(join(work, 'app.db'));
  database.exec(`update notes set body = body || ' ${round}' where id % 97 = ${round}`);
  database.close();
  fs.appendFileSync(join(work, 'uploads', 'log.txt'), `round ${round}\n`);
}

const sources = (url: string) => ['./app.db', './uploads', './jwt_secret', url];

try {
  const url = await cluster.createDatabase('golden');
  await cluster.psql('create table orders (id bigint primary key, body text)', 'golden');
  const inserted = `insert into orders select i, 'order ' || i || ' ' || md5(i::text) || md5((i * 7)::text) from generate_series(1, 6000) i`;
  await cluster.psql(inserted, 'golden');
  makeDatabase();
  makeUploads(join(work, 'uploads'));
  fs.writeFileSync(join(work, 'jwt_secret'), randomBytes(32).toString('hex'), { mode: 0o600 });
  await holdfast(keys.first, 'init');
  await holdfast(keys.first, 'backup', ...sources(url));
  changeEverything(1);
  await cluster.psql(`update orders set body = body || '!' where id % 101 = 1`, 'golden');
  await holdfast(keys.first, 'backup', ...sources(url));
  for (const [name, text] of Object.entries(keys)) fs.writeFileSync(join(work, name), text, { mode: 0o600 });
  await holdfast(keys.first, 'key', 'rotate', '--key-file', join(work, 'second'), '--label', 'second');
  await holdfast(keys.second, 'key', 'add', '--key-file', join(work, 'passphrase'), '--label', 'safe');
  changeEverything(2);
  await cluster.psql(`update orders set body = body || '?' where id % 89 = 1`, 'golden');
  await holdfast(keys.second, 'backup', ...sources(url));
  await holdfast(keys.second, 'rotate', '--keep-last', '2');
  await holdfast(keys.second, 'bundle', 'export', 'latest', join(work, 'newest.tar.zst.enc'));

  const listed = (await holdfast(keys.second, 'list')) as { id: string }[];
  const archived = (await holdfast(keys.second, 'list', '--archived')) as { id: string }[];
  const backups = [];
  for (const { id } of [...listed, ...archived]) {
    const folder = join(work, `out-${id}`);
    await holdfast(keys.second, 'restore', id, '--to', folder, '--confirm-restore');
    backups.push({ id, entries: describeTree(folder) });
  }
  const recovery: Recovery = { keys, backups, newest: listed[0]!.id };
  fs.rmSync(target, { recursive: true, force: true });
  fs.mkdirSync(target, { recursive: true });
  fs.cpSync(join(work, 'repository'), join(target, 'repository'), {
    recursive: true,
    filter: (path) => !path.endsWith('/.tmp'),
  });
  fs.copyFileSync(join(work, 'newest.tar.zst.enc'), join(target, 'newest.tar.zst.enc'));
  fs.writeFileSync(join(target, 'golden.json'), `${JSON.stringify(recovery, null, 1)}\n`);
  console.log(`${backups.length} backups in ${target}`);
} finally {
  await cluster.stop();
  fs.rmSync(work, { recursive: true, force: true });
}
