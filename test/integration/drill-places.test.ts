/** Drills of what other programs made, of exports without pg_dump, of plans whose keys lie elsewhere, and of what cannot be reached. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  drillPayload,
  evidenceListPayload,
  evidenceVerifyPayload,
} from '../../src/contracts/drill-payload.ts';
import { generateKeyText } from '../../src/engine/crypto/key-text.ts';
import { backupSources } from '../../src/engine/operations/backup.ts';
import { postgresSource } from '../../src/engine/sources/postgres/index.ts';
import { type Place, place, succeeded } from '../support/cli-place.ts';
import { flipByte, onDatabase } from '../support/drill-sabotage.ts';
import { drillWorld } from '../support/drill-world.ts';
import { startCluster } from '../support/postgres-cluster.ts';

test('dumps that other programs made are drilled as nobody, and compared with what the file held', async (t) => {
  const live = await startCluster();
  t.after(() => live.stop());
  const world = await drillWorld(t, live, 'shop');
  const dump = (...args: string[]) =>
    execFileSync(join(live.binFolder, 'pg_dump'), [...args, `--dbname=${world.databaseUrl}`], {
      maxBuffer: 1 << 28,
    });
  const load = async (name: string, bytes: Buffer) => {
    const file = join(world.folder, name);
    writeFileSync(file, bytes);
    return world.engine.importDump({
      file,
      plan: 'old',
      tenantId: null,
      time: null,
      name: null,
      trusted: false,
    });
  };
  const drill = (spoil?: string) =>
    world.drill({
      ...{ plan: 'old', sources: [], expected: [] },
      ...(spoil && { onRestored: (state) => onDatabase(Object.values(state.databases)[0]!, spoil) }),
    });
  for (const [name, bytes, file] of [
    ['old.dump', dump('--format=custom'), 'db.dump'],
    [
      'old.sql',
      dump('--format=plain', '--no-large-objects'.replace('--no-large-objects', '--no-blobs')),
      'db.sql',
    ],
  ] as const) {
    await load(name, bytes);
    const good = await drill();
    assert.equal(good.report.result, 'green', JSON.stringify(good.report, null, 1));
    assert.match(
      good.report.checks.find(({ name: check }) => check === `content of ${file}`)!.detail,
      /2250 rows/,
    );
    const bad = await drill("update users set name = 'other' where id = 3");
    assert.equal(bad.report.result, 'red');
    assert.match(
      bad.report.checks.find(({ name: check }) => check === `content of ${file}`)!.detail,
      /users: as many rows, but not the same/,
    );
  }
  assert.deepEqual(readdirSync(world.drillRoot), []);
});

interface Separate extends Place {
  readonly environment: Record<string, string>;
}

async function separate(t: TestContext): Promise<Separate> {
  const it = await place(t);
  const root = join(it.folder, 'd');
  mkdirSync(root);
  for (const folder of [it.folder, root]) chmodSync(folder, 0o711);
  writeFileSync(join(it.folder, 'encryption_key'), 'the key that opens it', { mode: 0o600 });
  writeFileSync(
    join(it.folder, 'holdfast.yaml'),
    `destinations:
  near: { address: ./near }
  far: { address: ./far }
  vault: { address: ./vault, keys: { current: { env: VAULT_KEY } } }
sources:
  app: { kind: sqlite, path: ./app.db }
  uploads: { kind: files, path: ./uploads }
  key: { kind: files, path: ./encryption_key, secret: true }
plans:
  nightly:
    sources: [app, uploads, key]
    destinations: [near, far]
    separate: { key: [vault] }
    drill:
      folder: ./d
      network: required-none
      checks:
        - { kind: command, name: together, command: 'test -s {key} && test -s {app} && test -d {uploads} && head -c 15 {app} | grep -q SQLite' }
`,
  );
  const environment = {
    VAULT_KEY: 'another passphrase, for the vault only',
    BACKUP_ENCRYPTION_KEY: generateKeyText(),
  };
  succeeded(await it.holdfast(['init'], { environment }));
  succeeded(await it.holdfast(['backup'], { environment }));
  return { ...it, environment };
}

test('databases, files and keys come together from where each lies; every copy learns that it was proven', async (t) => {
  const { holdfast, environment, folder } = await separate(t);
  const drill = async () =>
    drillPayload.parse(JSON.parse((await holdfast(['drill', '--json'], { environment })).stdout));
  const good = await drill();
  assert.equal(good.result, 'green', JSON.stringify(good, null, 1));
  assert.deepEqual(good.evidence.notStored, []);
  assert.equal(good.evidence.storedAt.length, 3);
  for (const name of ['near', 'far', 'vault']) {
    const args = ['evidence', 'list', '--json', '--destination', name];
    const [one, ...others] = evidenceListPayload.parse(
      JSON.parse(succeeded(await holdfast(args, { environment })).stdout),
    );
    assert.deepEqual([one?.drillId, others.length], [good.drillId, 0], name);
  }

  await t.test('shown and checked on a machine that has nothing else', async () => {
    succeeded(await holdfast(['evidence', 'show', 'latest', '--to', 'proof.html'], { environment }));
    assert.match(
      succeeded(await holdfast(['evidence', 'show', good.drillId.slice(0, 13)], { environment })).stdout,
      /PASSED: recovered in/,
    );
    const elsewhere = { HOLDFAST_HOME: join(folder, 'nothing') };
    const args = ['evidence', 'verify', 'proof.html', '--json', '--signer', good.evidence.fingerprint];
    const verified = evidenceVerifyPayload.parse(
      JSON.parse(succeeded(await holdfast(args, { environment: elsewhere })).stdout),
    );
    assert.deepEqual([verified.drillId, verified.signerCompared], [good.drillId, true]);
    const page = readFileSync(join(folder, 'proof.html'), 'utf8');
    writeFileSync(join(folder, 'forged.html'), page.replace('nightly', 'nightlz'));
    const forged = await holdfast(['evidence', 'verify', 'forged.html'], { environment: elsewhere });
    assert.equal(forged.status, 4);
    assert.match(forged.stderr, /was changed after it was signed/);
    const other = await holdfast(['evidence', 'verify', 'proof.html', '--signer', 'ab'.repeat(32)], {
      environment: elsewhere,
    });
    assert.equal(other.status, 4);
    assert.match(other.stderr, /not by abab/);
  });

  await t.test(
    'the next copy is drilled when one is gone; without its keys a drill is a failed one',
    async () => {
      await rename(join(folder, 'near'), join(folder, 'elsewhere'));
      const further = await drill();
      assert.deepEqual([further.result, further.destination], ['green', join(folder, 'far')]);
      assert.equal(further.evidence.notStored.length, 1);
      await rename(join(folder, 'vault'), join(folder, 'stolen'));
      const failed = await drill();
      assert.equal(failed.result, 'red');
      assert.equal(failed.failure?.code, 'repository_missing');
      assert.equal(failed.rtoMs, null);
      succeeded(await holdfast(['evidence', 'verify', failed.evidence.document], { environment }));
    },
  );
});

test('a schema with every awkward feature, its roles, and an export without pg_dump come back equal', async (t) => {
  const live = await startCluster();
  t.after(() => live.stop());
  const world = await drillWorld(t, live, 'shop');
  await live.psql('create role "awkward owner"; create role reader; create role plain login password \'pw\'');
  const url = await live.createDatabase('awkward');
  await live.psql(readFileSync(new URL('../support/awkward-schema.sql', import.meta.url), 'utf8'), 'awkward');
  const main = { kind: 'postgres', name: 'main', url, globals: true } as const;
  await world.backup([main]);
  const expected = [{ name: 'main', kind: 'postgres' as const, mayLack: false }];
  const awkward = await world.drill({ sources: [main], expected });
  assert.equal(awkward.report.result, 'green', JSON.stringify(awkward.report, null, 1));
  // Owners and grants were among what was compared.
  assert.deepEqual(
    awkward.report.limits.filter((limit) => /owners/.test(limit)),
    [],
  );

  const { copyPlace } = world.engine;
  assert.ok(copyPlace.layout === 'repository');
  const request = { sources: [], plan: 'csv', tenantId: null, type: 'db' as const };
  await backupSources(copyPlace.context, request, [
    postgresSource({ name: 'main', url: world.databaseUrl, tools: 'copy' }),
  ]);
  const drill = (spoil?: string) =>
    world.drill({
      ...{ plan: 'csv', expected },
      ...(spoil && { onRestored: (state) => onDatabase(state.databases.main!, spoil) }),
    });
  const exported = await drill();
  assert.equal(exported.report.result, 'green', JSON.stringify(exported.report, null, 1));
  const detail = ({ report }: typeof exported) =>
    report.checks.find(({ name }) => name === 'content of main')!.detail;
  assert.match(detail(exported), /2250 rows in 3 tables/);
  const changed = await drill("update users set name = 'other' where id = 3");
  assert.equal(changed.report.result, 'red');
  assert.match(detail(changed), /public\.users: as many rows, but not the same/);
});

test('a destination of bundles is drilled like any other; a damaged newest bundle is not passed over', async (t) => {
  const { folder, holdfast } = await place(t);
  writeFileSync(
    join(folder, 'holdfast.yaml'),
    `destinations: { here: { address: ./bundles, layout: bundles } }
sources: { app: { kind: sqlite, path: ./app.db } }
plans: { nightly: { sources: [app] } }
`,
  );
  const environment = { BACKUP_ENCRYPTION_KEY: generateKeyText() };
  const drill = async () =>
    drillPayload.parse(JSON.parse((await holdfast(['drill', '--json'], { environment })).stdout));
  succeeded(await holdfast(['backup'], { environment }));
  const good = await drill();
  assert.equal(good.result, 'green', JSON.stringify(good, null, 1));
  assert.deepEqual([good.destination, good.evidence.storedAt.length], [join(folder, 'bundles'), 0]);
  const known = new Set(readdirSync(join(folder, 'bundles'), { recursive: true, encoding: 'utf8' }));
  succeeded(await holdfast(['backup'], { environment }));
  const newest = readdirSync(join(folder, 'bundles'), { recursive: true, encoding: 'utf8' }).find(
    (name) => name.endsWith('.enc') && !known.has(name),
  );
  flipByte(join(folder, 'bundles', newest!), -40);
  const bad = await drill();
  assert.deepEqual([bad.result, bad.failure?.code, bad.backup], ['red', 'bundle_malformed', null]);
});
