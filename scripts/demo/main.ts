/**
 * `npm run demo`: makes a real application state, backs it up twice while it is in use, verifies, damages the
 * repository and shows that this is found, restores to a new place and compares everything.
 */
import {
  appendFileSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { compareTrees } from '../../src/engine/sources/files/index.ts';
import { fingerprintDatabase, verifyPostgresEquality } from '../../src/engine/sources/postgres/index.ts';
import { compareSqlite } from '../../src/engine/sources/sqlite/index.ts';
import { findPostgresBinaries } from '../../test/support/postgres-binaries.ts';
import { type Application, makeApplication } from './application.ts';
import { holdfast, succeed } from './holdfast.ts';

const timings: { step: string; ms: number }[] = [];
const leftOut: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
const home = join(folder, 'holdfast');

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  console.log(`\n${name}`);
  const startedMs = performance.now();
  const result = await work();
  timings.push({ step: name, ms: performance.now() - startedMs });
  return result;
}

const size = (bytes: unknown) => `${(Number(bytes) / 1e6).toFixed(2)} MB`;

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`the demo expected: ${what}`);
  console.log(`  ✓ ${what}`);
}

const listed = (what: string, differences: readonly unknown[]) =>
  differences.length === 0 ? what : `${what}, but: ${JSON.stringify(differences.slice(0, 3))}`;

async function backup(application: Application): Promise<Record<string, unknown>> {
  const { database, uploads, keyFile, postgresUrl } = application;
  const sources = [database, uploads, keyFile, ...(postgresUrl ? [postgresUrl] : [])];
  const result = await succeed(home, ['backup', ...sources]);
  console.log(
    `  read ${size(result.bytesRead)}, stored ${size(result.bytesStored)} in ${result.durationMs} ms`,
  );
  return result;
}

function change(application: Application): void {
  const name = globSync(join(application.uploads, '2026/05/*.bin'))[0]!;
  appendFileSync(name, 'one more line');
  writeFileSync(join(application.uploads, '2026/05/new.txt'), 'a new upload');
}

async function showDamage(): Promise<void> {
  const [pack] = globSync(join(home, 'repository/packs/*/*'));
  const good = readFileSync(pack!);
  const bad = Buffer.from(good);
  bad[Math.floor(bad.length / 2)]! ^= 1;
  writeFileSync(pack!, bad);
  const { exitCode, json } = await holdfast(home, ['verify']);
  const [damaged] = json.damaged as { name: string }[];
  expect(
    exitCode === 4 && damaged?.name.endsWith(pack!.slice(-64)) === true,
    'one flipped bit is found, and the pack is named',
  );
  expect(
    (json.affected as unknown[]).length > 0,
    `the backups it hits are named: ${(json.affected as unknown[]).length}`,
  );
  writeFileSync(pack!, good);
  expect(
    (await holdfast(home, ['verify'])).exitCode === 0,
    'with the pack put back everything is good again',
  );
}

function checkFirst(database: string): void {
  const restored = new DatabaseSync(database, { readOnly: true });
  const sum = restored.prepare('select sum(balance) as sum, count(*) as count from accounts').get()!;
  restored.close();
  expect(
    sum.sum === 2_000_000 && sum.count === 2000,
    'the copy taken amid transfers balances to the last unit',
  );
}

async function compare(application: Application, restored: string): Promise<void> {
  const database = compareSqlite(application.database, join(restored, 'app.db'));
  expect(database.length === 0, listed('every row of every SQLite table is equal', database));
  const files = await compareTrees(application.uploads, join(restored, 'uploads'));
  expect(files.length === 0, listed('every upload is equal, with owner, mode and times', files));
  const key = readFileSync(application.keyFile).equals(readFileSync(join(restored, 'jwt_secret')));
  expect(
    key && (statSync(join(restored, 'jwt_secret')).mode & 0o777) === 0o600,
    'the key file is equal and still private',
  );
}

async function restorePostgres({ cluster, postgresUrl }: Application, id: string): Promise<void> {
  const target = cluster!.urlOf('shop_restored');
  await succeed(home, ['restore', id, 'db.dump', '--to', target, '--confirm-restore']);
  const scratchFolder = mkdtempSync(join(folder, 'scratch-'));
  const wanted = await fingerprintDatabase({ url: postgresUrl!, scratchFolder });
  const differences = await verifyPostgresEquality(wanted, { url: target, scratchFolder });
  expect(differences.length === 0, listed('every PostgreSQL table is equal, bit for bit', differences));
}

async function run(): Promise<void> {
  const withPostgres = findPostgresBinaries() !== null;
  if (!withPostgres)
    leftOut.push('PostgreSQL: no server binaries on this machine (Debian: apt-get install postgresql)');
  console.log(`the demo works in ${folder} and removes it at the end`);
  const application = await step('1 · an application in use', () => makeApplication(folder, withPostgres));
  console.log(
    `  an SQLite database with a writer at work, 400 uploads, a key${withPostgres ? ', a PostgreSQL database' : ''}`,
  );
  try {
    const first = await step('2 · first backup, while the application writes', () => backup(application));
    await application.stopWriter();
    change(application);
    const second = await step('3 · second backup, after a day', () => backup(application));
    expect(
      Number(second.bytesStored) < Number(first.bytesStored) / 5,
      'the second run added only what changed',
    );
    await step('4 · verify: every stored byte', () => succeed(home, ['verify']));
    await step('5 · damage', showDamage);
    const restored = join(folder, 'restored');
    const secondId = String(second.backupId);
    await step('6 · restore both backups to new places', async () => {
      await succeed(home, [
        'restore',
        String(first.backupId),
        'app.db',
        '--to',
        `${folder}/first.db`,
        '--confirm-restore',
      ]);
      await succeed(home, ['restore', secondId, '--to', restored, '--confirm-restore']);
    });
    await step('7 · compare', async () => {
      checkFirst(join(folder, 'first.db'));
      await compare(application, restored);
      if (withPostgres) await restorePostgres(application, secondId);
    });
  } finally {
    await application.stopWriter();
    await application.cluster?.stop();
  }
}

try {
  await run();
  console.log('\nhow long each step took');
  for (const { step: name, ms } of timings) console.log(`  ${(ms / 1000).toFixed(2).padStart(6)} s  ${name}`);
  for (const what of leftOut) console.log(`left out: ${what}`);
  console.log('\nall of it came back as it was');
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
