/** A small application's data, a repository, and drills of it on a real PostgreSQL. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { silentProgress } from '../../src/engine/base/progress.ts';
import { generateKeyText } from '../../src/engine/crypto/key-text.ts';
import type { DrillRequest, DrillSettings } from '../../src/engine/operations/drill/drill-types.ts';
import { type Engine, openEngine } from '../../src/engine/operations/engine.ts';
import type { SourceSpec } from '../../src/engine/operations/source-spec.ts';
import type { Cluster } from './postgres-cluster.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface DrillWorld {
  readonly folder: string;
  readonly stateFolder: string;
  readonly engine: Engine;
  readonly databaseUrl: string;
  readonly sources: readonly SourceSpec[];
  /** Where drills are made, so that what they leave can be seen. */
  readonly drillRoot: string;
  backup(sources?: readonly SourceSpec[]): Promise<string>;
  drill(
    more?: Partial<Omit<DrillRequest, 'settings'>> & { settings?: Partial<DrillSettings> },
  ): ReturnType<Engine['drill']>;
}

export const SETTINGS: DrillSettings = {
  ...{
    checks: [],
    folder: null,
    postgresServer: null,
    postgresPrograms: [],
    network: 'none',
    mayBeEmpty: [],
  },
};

/** A schema with what a drill looks at: rows, a sequence, an index, a foreign key, a view, a large object. */
export const SCHEMA = `
create table users (id serial primary key, name text not null, email text unique);
create table orders (id bigint primary key generated always as identity, user_id int not null references users, total numeric(10,2));
create index orders_by_user on orders (user_id);
create table notes (body text);
create view totals as select user_id, sum(total) as total from orders group by user_id;
insert into users (name, email) select 'user ' || n, 'u' || n || '@example.org' from generate_series(1, 200) n;
insert into orders (user_id, total) select 1 + n % 200, n * 1.5 from generate_series(1, 2000) n;
insert into notes select 'note ' || n from generate_series(1, 50) n;
select lo_from_bytea(0, 'a large object');
`;

export async function drillWorld(t: TestContext, cluster: Cluster, database: string): Promise<DrillWorld> {
  const folder = await temporaryFolder(t);
  const databaseUrl = await cluster.createDatabase(database);
  await cluster.psql(SCHEMA, database);
  makeFiles(folder);
  const stateFolder = join(folder, 'state');
  const drillRoot = join(folder, 'd');
  mkdirSync(stateFolder, { mode: 0o700 });
  // The unprivileged server has to pass through.
  mkdirSync(drillRoot, { mode: 0o711 });
  const { chmodSync } = await import('node:fs');
  chmodSync(folder, 0o711);
  const engine = await openEngine({
    address: join(folder, 'repository'),
    layout: 'repository',
    keyTexts: [generateKeyText()],
    signingKeyFile: join(folder, 'signing-key.pem'),
    stateFolder,
    progress: silentProgress,
    signal: new AbortController().signal,
    create: 'always',
    minimumFreeBytes: 0,
  });
  t.after(() => engine.close());
  const sources: readonly SourceSpec[] = [
    { kind: 'postgres', name: 'main', url: databaseUrl, globals: false },
    { kind: 'sqlite', name: 'app', path: join(folder, 'app.db') },
    { kind: 'files', name: 'uploads', paths: [join(folder, 'uploads')], exclude: [], optional: false },
    { kind: 'files', name: 'key', paths: [join(folder, 'encryption_key')], exclude: [], optional: true },
  ];
  return {
    ...{ folder, stateFolder, engine, databaseUrl, sources, drillRoot },
    async backup(given = sources) {
      return (await engine.backup({ sources: given, plan: 'nightly', tenantId: null, type: 'full' }))
        .backupId;
    },
    drill({ settings, ...more } = {}) {
      return engine.drill({
        ...{ backupId: 'latest', plan: 'nightly', sources, also: [], untrusted: false },
        expected: sources.map(({ name, kind }) => ({ name, kind, mayLack: name === 'key' })),
        ...more,
        settings: { ...SETTINGS, folder: drillRoot, ...settings },
      });
    },
  };
}

function makeFiles(folder: string): void {
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec('create table sessions (id integer primary key, token text)');
  const insert = database.prepare('insert into sessions (token) values (?)');
  for (let i = 0; i < 100; i += 1) insert.run(`token ${i}`);
  database.close();
  mkdirSync(join(folder, 'uploads', '2026'), { recursive: true });
  writeFileSync(join(folder, 'uploads', 'logo.png'), Buffer.alloc(300_000, 7));
  writeFileSync(join(folder, 'uploads', '2026', 'Grüße.txt'), 'hello');
  writeFileSync(join(folder, 'uploads', '2026', 'empty'), '');
  writeFileSync(join(folder, 'encryption_key'), 'a secret of 32 bytes, more or less', { mode: 0o600 });
}
