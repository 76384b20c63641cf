/** Restore drills that go well, how they keep away from what is live, and what is left of them: nothing. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyEvidence } from '../../src/engine/evidence/index.ts';
import type { DrillCheck } from '../../src/engine/operations/drill/drill-types.ts';
import { count } from '../support/counts.ts';
import { assertGreen, assertRed } from '../support/drill-sabotage.ts';
import { drillWorld } from '../support/drill-world.ts';
import { leftOver } from '../support/leftover-processes.ts';
import { startCluster } from '../support/postgres-cluster.ts';

const APPLICATION = fileURLToPath(new URL('../support/demo-application.ts', import.meta.url));

/** The demo application with its login, its JWKS document and its protected page. */
function demo(more: { environment?: Record<string, string> } = {}): DrillCheck {
  const http = (name: string, path: string, fields: object) => ({
    ...{ name, path, method: 'GET', headers: {}, body: null, status: 200, responseHeaders: {}, json: {} },
    ...{ contains: null, save: {}, timeoutMs: 120_000 },
    ...fields,
  });
  return {
    ...{
      kind: 'application',
      name: 'shop',
      command: `exec ${process.execPath} ${APPLICATION}`,
      folder: null,
    },
    environment: { SESSIONS_FILE: '{app}', UPLOADS: '{uploads}', KEY_FILE: '{key}', ...more.environment },
    ...{ port: null, answersAt: '/health', startTimeoutMs: 60_000, stopTimeoutMs: 5000 },
    http: [
      http('JWKS', '/.well-known/jwks.json', {
        json: { 'keys.0.kid': 'one', 'keys.length': 1, 'keys.0.d': { exists: false } },
        responseHeaders: { 'Cache-Control': 'max-age=60' },
      }),
      http('no entry', '/private', { status: 403, contains: 'not logged in' }),
      http('login', '/login', {
        ...{ method: 'POST', body: '{"email":"u7@example.org"}', save: { token: 'token' } },
        json: { name: 'user 7' },
      }),
      http('protected page by cookie', '/private', { json: { users: 200, uploads: { atLeast: 2 } } }),
      http('protected page by token', '/private', { headers: { authorization: 'Bearer {token}' } }),
    ],
  };
}

test('a whole application comes back, is used, proven, and gone again', async (t) => {
  const live = await startCluster({ auth: 'scram', tcp: true });
  t.after(() => live.stop());
  const world = await drillWorld(t, live, 'shop');
  const backupId = await world.backup();
  const outcome = await world.drill({ settings: { checks: [demo()], network: 'required-none' } });
  const { report } = outcome;
  assertGreen(outcome);

  await t.test('times are those of the phases; data is as old as the backup', () => {
    const phases = new Map(report.phases.map(({ name, durationMs }) => [name, durationMs]));
    assert.deepEqual(
      [...phases.keys()],
      ['open', 'prepare', 'load', 'index', 'files', 'compare', 'application', 'checks'],
    );
    const recovery = ['open', 'prepare', 'load', 'index', 'files', 'application'] as const;
    assert.equal(
      report.rtoMs,
      recovery.reduce((sum, name) => sum + phases.get(name)!, 0),
    );
    assert.equal(report.rpoMs, Date.parse(report.startedAt) - Date.parse(report.backup!.startedAt));
    assert.equal(report.checks.filter(({ kind }) => kind === 'http').length, 5);
  });

  await t.test('its evidence is here and beside the backup, private, and verifies', async () => {
    for (const file of [outcome.documentFile, outcome.pageFile]) {
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const verified = verifyEvidence(readFileSync(file), outcome.fingerprint);
      assert.deepEqual(verified.report, report);
    }
    const [stored, ...others] = await world.engine.listEvidence();
    assert.deepEqual(others, []);
    assert.deepEqual([stored!.backupId, stored!.fingerprint], [backupId, outcome.fingerprint]);
    assert.equal(stored!.document, readFileSync(outcome.documentFile, 'utf8'));
    assert.equal(stored!.page, readFileSync(outcome.pageFile, 'utf8'));
    assert.equal((await world.engine.verify({ backupId: null, share: 1 })).ok, true);
  });

  await t.test('retention knows from the destination that it was proven, and keeps it', async () => {
    for (let i = 0; i < 3; i += 1) await world.backup(world.sources.slice(1, 2));
    const rotate = () =>
      world.engine.rotate({ dryRun: true, plan: null, tenantId: null, rulesOf: () => ({ keepLast: 1 }) });
    const kept = (await rotate()).decisions.filter(({ action }) => action === 'keep');
    assert.deepEqual(
      kept.map(({ reasons }) => reasons[0]!.code),
      ['last_good', 'last_proven'],
    );
    assert.equal(kept[1]!.backup.id, backupId);
  });

  await t.test('nothing of it is left', async () => {
    assert.deepEqual(readdirSync(world.drillRoot), []);
    assert.deepEqual(await leftOver(world.drillRoot), []);
    assert.deepEqual(await leftOver(report.drillId), []);
  });

  await t.test('good ones stay green, and make a trend', async () => {
    const rounds = count(1, 99);
    for (let i = 0; i < rounds; i += 1)
      assertGreen(await world.drill({ backupId, settings: { checks: [demo()] } }));
    const last = await world.drill({ backupId });
    assert.equal(last.report.trend.length, Math.min(23, rounds + 1));
    assert.equal(last.report.trend.at(-1)!.result, 'green');
    assert.match(
      readFileSync(last.pageFile, 'utf8'),
      new RegExp(`of the last ${Math.min(24, rounds + 2)} drills passed`),
    );
  });

  await t.test('the wrong version of the application is red, and for that reason', async () => {
    const drilled = await world.drill({
      backupId,
      settings: { checks: [demo({ environment: { VERSION: '1' } })] },
    });
    const unasked = ['JWKS', 'no entry', 'login', 'protected page by cookie', 'protected page by token'];
    const red = ['shop starts', ...unasked.map((name) => `shop: ${name}`)];
    assertRed(drilled, { red, says: /version 1 does not know schema 2/ });
  });
});

test('what a drill starts cannot reach what is live', async (t) => {
  const live = await startCluster({ auth: 'trust', tcp: true });
  t.after(() => live.stop());
  const world = await drillWorld(t, live, 'shop');
  await world.backup();
  process.env.HOLDFAST_TEST_SECRET = 'a secret of this process';
  t.after(() => delete process.env.HOLDFAST_TEST_SECRET);
  const command = (name: string, text: string): DrillCheck => ({
    ...{ kind: 'command', name, command: text, folder: null, environment: {}, timeoutMs: 120_000 },
  });
  const sqlite = join(world.folder, 'app.db');
  const out = join(world.folder, 'uploads', 'out');
  const psql = join(live.binFolder, 'psql');
  const node = `${process.execPath} -e`;
  const checks = [
    command('inherits nothing', '! env | grep -q HOLDFAST_TEST_SECRET && ! env | grep -q PGPASSWORD'),
    command(
      'has its own database',
      `${psql} "$DATABASE_URL" -tAc 'select count(*) from users' | grep -qx 200`,
    ),
    command(
      'no TCP to the live server',
      `! ${node} "require('net').connect(${live.port}, '127.0.0.1').on('error', () => process.exit(1)).on('connect', () => process.exit(0))"`,
    ),
    command(
      'no socket of the live server',
      `! ${psql} -h ${live.socketFolder} -p ${live.port} -U postgres -tAc 'select 1' shop`,
    ),
    command('no live database file', `! head -c 15 ${sqlite.slice(0, -1)}? | grep -q SQLite`),
    command('live folders for reading only', `cat ${world.folder}/uploads/2026/empty && ! touch ${out}`),
    command('no other processes', '[ "$(ls /proc | grep -c "^[0-9]")" -lt 12 ]'),
    command(
      'no network but loopback',
      '[ "$(ls /sys/class/net 2>/dev/null | wc -l)" -ge 0 ] && ! ip route | grep -q default',
    ),
  ];
  assertGreen(await world.drill({ settings: { checks, network: 'required-none' } }));
  assert.ok(!existsSync(out));

  await t.test('negative control: with the network open, the same commands do reach it', async () => {
    const names = [
      'no TCP to the live server',
      'no socket of the live server',
      'no live database file',
      'live folders for reading only',
    ];
    const open = checks.filter(({ name }) => names.includes(name));
    const drilled = await world.drill({ settings: { checks: open, network: 'open' } });
    assertRed(drilled, { red: names, says: /exit code 1/ });
  });

  await t.test('what names live data is not even started', async () => {
    const canary = join(world.folder, 'canary');
    for (const [text, environment] of [
      [`touch ${canary}; psql ${world.databaseUrl}`, {}],
      [`touch ${canary}`, { DATABASE_URL: world.databaseUrl }],
      [`touch ${canary}; sqlite3 ${sqlite}`, {}],
    ] as const) {
      const one: DrillCheck = { ...command('it', text), environment } as DrillCheck;
      const drilled = await world.drill({ settings: { checks: [one], network: 'open' } });
      assertRed(drilled, { red: ['it'], says: /not started: its .* names the live data of (main|app)/ });
    }
    assert.ok(!existsSync(canary));
  });

  await t.test('a scratch database is not made on a server that is backed up', async () => {
    const drilled = await world.drill({ settings: { postgresServer: live.urlOf('postgres') } });
    assertRed(drilled, { red: { failure: 'drill_impossible' }, says: /one that the plan backs up/ });
  });

  await t.test('children that leave their group are ended with the application', async () => {
    const mark = `holdfast-stray-${process.pid}`;
    const stray = command(
      'stray',
      `(setsid sh -c 'exec -a ${mark} sleep 300' >/dev/null 2>&1 &) ; sleep 0.3`,
    );
    for (const network of ['none', 'open'] as const) {
      assertGreen(await world.drill({ settings: { checks: [stray], network } }));
      assert.deepEqual(await leftOver(mark), []);
    }
  });
});

test('a dump of unknown origin does nothing but fill its own database', async (t) => {
  const live = await startCluster();
  t.after(() => live.stop());
  const world = await drillWorld(t, live, 'shop');
  const canary = join(world.folder, 'canary');
  writeFileSync(canary, 'untouched');
  // The server is another user.
  chmodSync(canary, 0o666);
  const main = world.sources.slice(0, 1);
  const expected = [{ name: 'main', kind: 'postgres' as const, mayLack: false }];
  await live.psql(
    `create table trap (id int); insert into trap values (1);
     create function spring() returns void language plpgsql as $$ begin end $$;
     create function bait(int) returns int immutable language plpgsql
       as $$ begin perform public.spring(); return $1; end $$;
     create index sprung on trap (bait(id));`,
    'shop',
  );
  await world.backup(main);
  assertGreen(await world.drill({ sources: main, expected, untrusted: true }));
  // Whoever loads this makes the index, which calls the function.
  const program = `copy (select 1) to program ''echo touched > ${canary}''`;
  await live.psql(
    `create or replace function spring() returns void language plpgsql as 'begin ${program}; end'`,
    'shop',
  );
  await world.backup(main);
  const drilled = await world.drill({ sources: main, expected, untrusted: true });
  assertRed(drilled, {
    red: { failure: 'database_failed' },
    says: /pg_execute_server_program|superuser|permission/,
  });
  assert.equal(readFileSync(canary, 'utf8'), 'untouched');

  await t.test('negative control: loaded by a role that may do everything, the bait is taken', async () => {
    await world.drill({ sources: main, expected, untrusted: false });
    assert.equal(readFileSync(canary, 'utf8'), 'touched\n');
  });
});
