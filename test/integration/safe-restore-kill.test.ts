/** Killed at every step of a restore over something that exists: afterwards the old one or the new one is there, whole. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { exchangeFolders } from '../../src/engine/sources/files/index.ts';
import { connectDatabase, parsePostgresAddress } from '../../src/engine/sources/postgres/index.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { type SafeWorld, safeWorld } from '../support/safe-restore-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

type Held = 'old' | 'new' | 'neither';

interface Kind {
  readonly world: SafeWorld;
  readonly steps: readonly string[];
  readonly backSteps: readonly string[];
  readonly held: () => Promise<Held>;
  /** Names beside the target, but for what a finished exchange keeps. */
  readonly leftovers: () => Promise<string[]>;
}

/** Killed before `after` the old one is in place, from then on the new one; either way the next command leaves nothing half done. */
async function killEverywhere(
  { world, steps, backSteps, held, leftovers }: Kind,
  decided: string,
): Promise<void> {
  for (const killAt of steps) {
    assert.equal(await world.child({ what: 'restore', killAt }), 'SIGKILL', killAt);
    await world.recover();
    const now = await held();
    assert.notEqual(now, 'neither', `killed at ${killAt}`);
    assert.equal(now, steps.indexOf(killAt) >= steps.indexOf(decided) ? 'new' : 'old', `killed at ${killAt}`);
    assert.deepEqual(await leftovers(), [], `killed at ${killAt}`);
    assert.equal(world.records().length, now === 'new' ? 1 : 0, `killed at ${killAt}`);
    if (now === 'new') await backTo(world, held);
  }
  for (const killAt of backSteps) {
    assert.equal(await world.child({ what: 'restore', killAt: null }), 0);
    assert.equal(await held(), 'new');
    assert.equal(await world.child({ what: 'switch-back', killAt }), 'SIGKILL', killAt);
    await world.recover();
    const now = await held();
    assert.notEqual(now, 'neither', `switching back, killed at ${killAt}`);
    const [newest] = world.records();
    assert.equal(newest!.state, now === 'old' ? 'switched-back' : 'switched', killAt);
    if (now === 'new') await backTo(world, held);
    assert.deepEqual(await leftovers(), [], `switching back, killed at ${killAt}`);
  }
}

async function backTo(world: SafeWorld, held: Kind['held']): Promise<void> {
  await world.back();
  assert.equal(await held(), 'old');
  for (const { id } of world.records()) forget(world, id);
}

/** A record of an exchange that was taken back stays for looking at; here each round starts afresh. */
function forget({ stateFolder }: SafeWorld, id: string): void {
  const file = join(stateFolder, 'switches', `${id}.json`);
  const record = JSON.parse(readFileSync(file, 'utf8')) as { state: string };
  if (record.state === 'switched-back') renameSync(file, `${file}.done`);
}

const besideIn = (folder: string, name: string) =>
  readdirSync(folder).filter((one) => one.startsWith(`.${name}.holdfast-restoring-`));

test('a folder, killed at every step', async (t) => {
  const folder = await temporaryFolder(t);
  const target = join(folder, 'uploads');
  mkdirSync(target);
  writeFileSync(join(target, 'a'), 'new');
  const source = { kind: 'files', name: 'u', paths: [target], exclude: [], optional: false } as const;
  const world = await safeWorld(folder, source, { item: 'uploads', target });
  writeFileSync(join(target, 'a'), 'old');
  const held = async (): Promise<Held> => heldIn(target);
  const kind = { world, held, leftovers: async () => besideIn(folder, 'uploads') };
  const steps = ['loading', 'switching', 'between', 'renamed'];
  await killEverywhere({ ...kind, steps, backSteps: ['going-back', 'between', 'renamed'] }, 'between');
});

const heldIn = (target: string): Held =>
  existsSync(join(target, 'a')) ? (readFileSync(join(target, 'a'), 'utf8') as Held) : 'neither';

test('control: between the two renames there is neither, until the next command', async (t) => {
  const folder = await temporaryFolder(t);
  const target = join(folder, 'uploads');
  for (const [name, text] of [
    ['uploads', 'old'],
    ['beside', 'new'],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'a'), text);
  }
  let between: Held | null = null;
  exchangeFolders(target, join(folder, 'beside'), join(folder, 'aside'), () => {
    between = heldIn(target);
  });
  assert.deepEqual([between, heldIn(target)], ['neither', 'new']);
});

test('a database file, killed at every step', async (t) => {
  const folder = await temporaryFolder(t);
  const target = join(folder, 'app.db');
  const fill = (text: string) => {
    const database = new DatabaseSync(target);
    database.exec(
      `pragma journal_mode = wal; create table if not exists t (x); delete from t; insert into t values ('${text}')`,
    );
    database.close();
  };
  fill('new');
  const source = { kind: 'sqlite', name: 'app.db', path: target } as const;
  const world = await safeWorld(folder, source, { item: 'app.db', target });
  fill('old');
  const held = async (): Promise<Held> => {
    // Not made when it is missing.
    if (!existsSync(target)) return 'neither';
    const database = new DatabaseSync(target, { readOnly: true });
    try {
      return (database.prepare('select x from t').get() as { x: Held }).x;
    } finally {
      database.close();
    }
  };
  const kind = { world, held, leftovers: async () => besideIn(folder, 'app.db') };
  const steps = ['loading', 'switching', 'kept', 'renamed'];
  await killEverywhere({ ...kind, steps, backSteps: ['going-back', 'kept', 'renamed'] }, 'renamed');
});

async function cluster(t: TestContext): Promise<Cluster> {
  const started = await startCluster();
  t.after(() => started.stop());
  return started;
}

async function heldBy(server: Cluster, url: string): Promise<Held> {
  const there = await server.psql(`select count(*) from pg_database where datname = 'shop' and datallowconn`);
  if (there !== '1') return 'neither';
  const client = await connectDatabase(parsePostgresAddress(url));
  const { rows } = await client.query('select x from t').finally(() => client.end());
  return rows[0].x;
}

test('a database of a server, killed at every step', async (t) => {
  const folder = await temporaryFolder(t);
  const server = await cluster(t);
  const url = await server.createDatabase('shop');
  await server.psql(`create table t (x text); insert into t values ('new')`, 'shop');
  const source = { kind: 'postgres', name: 'shop', url, globals: false } as const;
  const world = await safeWorld(folder, source, { item: 'db.dump', target: url });
  await server.psql(`update t set x = 'old'`, 'shop');
  const leftovers = async () => {
    const names = await server.psql(`select datname from pg_database where datname like 'shop\\_%'`);
    const known = world.records().flatMap(({ kept, undone }) => [kept, undone]);
    const finished = (name: string) => known.includes(name) || undoneBefore.has(name);
    const left = names.split('\n').filter((name) => name !== '' && !finished(name));
    for (const { undone, state } of world.records()) if (state === 'switched-back') undoneBefore.add(undone);
    return left;
  };
  const undoneBefore = new Set<string>();
  const held = async () => {
    for (const { undone } of world.records()) undoneBefore.add(undone);
    return heldBy(server, url);
  };
  const steps = ['create', 'created', 'fill', 'switch', 'drain', 'rename', 'commit', 'committed'];
  await killEverywhere(
    { world, held, leftovers, steps, backSteps: ['going-back', 'commit', 'committed'] },
    'committed',
  );
});

test('control: two renames of their own leave neither when it ends between them', async (t) => {
  const server = await cluster(t);
  const url = await server.createDatabase('shop');
  await server.psql(`create table t (x text); insert into t values ('old')`, 'shop');
  assert.equal(await heldBy(server, url), 'old');
  await server.psql('alter database shop rename to shop_before');
  assert.equal(await heldBy(server, url), 'neither');
});
