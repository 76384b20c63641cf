/** A small but real application's state: a database in use, uploads, a key, and a PostgreSQL database where it can. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { type Cluster, startCluster } from '../../test/support/postgres-cluster.ts';

export interface Application {
  readonly database: string;
  readonly uploads: string;
  readonly keyFile: string;
  /** Null where no server is installed. */
  readonly cluster: Cluster | null;
  readonly postgresUrl: string | null;
  stopWriter(): Promise<void>;
}

const ACCOUNTS = 2000;
const UPLOADS = 400;

export async function makeApplication(folder: string, withPostgres: boolean): Promise<Application> {
  const database = join(folder, 'app.db');
  makeDatabase(database);
  const uploads = join(folder, 'uploads');
  makeUploads(uploads);
  const keyFile = join(folder, 'jwt_secret');
  writeFileSync(keyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
  const cluster = withPostgres ? await startCluster() : null;
  const postgresUrl = cluster ? await makePostgres(cluster) : null;
  const writer = spawn(process.execPath, [fileURLToPath(new URL('writer.ts', import.meta.url)), database], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(writer.stdout!, 'data');
  return { database, uploads, keyFile, cluster, postgresUrl, stopWriter: () => stop(writer) };
}

function makeDatabase(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('pragma journal_mode = wal');
  database.exec(
    'create table accounts (id integer primary key, owner text not null, balance integer not null)',
  );
  database.exec(
    'create table transfers (id integer primary key, source integer, target integer, amount integer)',
  );
  const insert = database.prepare('insert into accounts (owner, balance) values (?, 1000)');
  database.exec('begin');
  for (let i = 0; i < ACCOUNTS; i += 1) insert.run(`owner ${i} ${randomBytes(40).toString('hex')}`);
  database.exec('commit');
  database.close();
}

function makeUploads(folder: string): void {
  for (let i = 0; i < UPLOADS; i += 1) {
    const month = join(folder, '2026', String(1 + (i % 12)).padStart(2, '0'));
    mkdirSync(month, { recursive: true });
    writeFileSync(join(month, `picture-${i}.bin`), randomBytes(2000 + 150 * i));
  }
  symlinkSync('2026/01/picture-0.bin', join(folder, 'latest'));
}

async function makePostgres(cluster: Cluster): Promise<string> {
  const url = await cluster.createDatabase('shop');
  await cluster.psql(
    `create table customers (id int generated always as identity primary key, name text not null, tags text[]);
     create table orders (id int primary key, customer int references customers, placed timestamptz, lines jsonb);
     insert into customers (name, tags) select 'customer ' || i, array['a', 'b' || i] from generate_series(1, 3000) i;
     insert into orders select i, 1 + i % 3000, now() - i * interval '1 minute', jsonb_build_object('sum', i, 'note', md5(i::text))
       from generate_series(1, 60000) i;
     create index on orders (customer);`,
    'shop',
  );
  return url;
}

async function stop(writer: ChildProcess): Promise<void> {
  if (writer.exitCode !== null) return;
  writer.kill('SIGTERM');
  await once(writer, 'exit');
}
