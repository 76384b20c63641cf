import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fakeClock } from '../../../../test/support/fake-clock.ts';
import type { Manifest } from '../../repository/manifest.ts';
import { requireServer } from '../../sources/postgres/index.ts';
import type { SourceSpec } from '../source-spec.ts';
import { checkManifests } from './check-holdings.ts';
import { isUntrusted, localeClause, majorOf } from './database-facts.ts';
import { neededBytes, requireDrillSpace } from './drill-space.ts';
import { isLiveServer, refuseProduction } from './never-production.ts';
import { phaseClock, recoveryMs } from './phase-clock.ts';

const LIVE: readonly SourceSpec[] = [
  { kind: 'postgres', name: 'main', url: 'postgres://app:secret@db.example.org:5433/shop', globals: false },
  { kind: 'postgres', name: 'near', url: 'postgres://app@localhost/near', globals: false },
  { kind: 'sqlite', name: 'app', path: '/srv/app/app.db' },
];

test('live addresses and files are told whatever they are written like', () => {
  const refused = (command: string, environment: Record<string, string> = {}) =>
    refuseProduction({ command, environment }, LIVE) !== null;
  for (const text of [
    'psql postgres://app:secret@db.example.org:5433/shop',
    "psql 'postgresql://other@DB.example.org:5433/shop?sslmode=require'",
    'DB=postgres://127.0.0.1/near run',
    'psql "postgres://x@%2Fvar%2Frun%2Fpostgresql/near"',
    'sqlite3 /srv/app/app.db',
    'cat </srv/app/app.db;',
  ]) {
    assert.ok(refused(text), text);
    assert.ok(refused('true', { ANY: text }), text);
  }
  for (const text of [
    'psql postgres://app@db.example.org:5432/shop',
    'psql postgres://app@db.example.org:5433/shop_test',
    'psql "$DATABASE_URL"',
    'sqlite3 /srv/app/app.db.old /srv/app/app.dbx',
    'postgres://%zz',
  ]) {
    assert.ok(!refused(text), text);
  }
  assert.ok(isLiveServer('postgres://root@db.example.org:5433/postgres', LIVE));
  assert.ok(isLiveServer('postgres:///scratch?host=/tmp', LIVE));
  assert.ok(!isLiveServer('postgres://root@db.example.org/postgres', LIVE));
});

test('time counts for the phase it is spent in; comparing is not recovering', () => {
  const clock = fakeClock();
  const phases = phaseClock(clock);
  const spend = (name: Parameters<typeof phases.enter>[0], ms: number) => {
    phases.enter(name);
    clock.advance(ms);
  };
  spend('open', 5);
  spend('load', 100);
  spend('index', 20);
  spend('load', 7);
  phases.leave();
  clock.advance(1000);
  spend('compare', 50);
  spend('application', 9);
  spend('checks', 3);
  phases.leave();
  const found = phases.phases();
  assert.deepEqual(
    found.map(({ name, durationMs }) => [name, durationMs]),
    [
      ['open', 5],
      ['load', 107],
      ['index', 20],
      ['compare', 50],
      ['application', 9],
      ['checks', 3],
    ],
  );
  assert.equal(recoveryMs(found), 141);
});

const artifact = (kind: string, sizeBytes: number) => ({ kind, sizeBytes, source: 'main' });
const manifestOf = (more: object) =>
  ({ artifacts: [], problems: [], complete: true, ...more }) as unknown as Manifest;

test('room is asked for before anything is written', async () => {
  const manifest = manifestOf({ artifacts: [artifact('pg-dump', 10 ** 9), artifact('tree', 10 ** 8)] });
  assert.equal(neededBytes([manifest], true), 2.5e9 + 1e8 + 5e8);
  assert.equal(neededBytes([manifest], false), 1e8 + 2e8);
  await requireDrillSpace(tmpdir(), 1);
  await assert.rejects(requireDrillSpace(tmpdir(), 2 ** 60), {
    code: 'drill_impossible',
    message: /may need \d+ MB at .* \d+ MB are free/,
  });
  await assert.rejects(requireDrillSpace('/no/such/folder', 1), { code: 'drill_impossible' });
});

test('an incomplete backup and one that lacks a source are red', () => {
  const problem = { artifact: 'uploads', path: 'a', cause: 'denied', message: 'not readable' };
  const manifest = manifestOf({ artifacts: [artifact('pg-dump', 1)], complete: false, problems: [problem] });
  const expected = [
    { name: 'main', kind: 'postgres' as const, mayLack: false },
    { name: 'key', kind: 'files' as const, mayLack: true },
    { name: 'uploads', kind: 'files' as const, mayLack: false },
  ];
  const checks = checkManifests([manifest], expected).map(({ name, status, detail }) => [
    name,
    status,
    detail,
  ]);
  assert.deepEqual(checks, [
    ['complete', 'red', 'the backup is incomplete: uploads/a: not readable'],
    ['holds uploads', 'red', 'the backup holds nothing of the source uploads'],
  ]);
});

test('a drill asks for the very version of PostgreSQL, and says what to install', async () => {
  await assert.rejects(requireServer(99), {
    code: 'tool_missing',
    message: /PostgreSQL 99 were found, only of \d+/,
    next: /postgresql-99/,
  });
  assert.equal(majorOf('15.18 (Debian 15.18-0)'), 15);
  assert.throws(() => majorOf('unknown'), { code: 'drill_impossible' });
});

test('only plain values of a locale are taken from a dump', () => {
  const clauseOf = (definition: string) =>
    localeClause({ entries: [{ kind: 'DATABASE', definition }] } as unknown as Parameters<
      typeof localeClause
    >[0]);
  assert.equal(
    clauseOf(
      "CREATE DATABASE x WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'de_DE.UTF-8';",
    ),
    "encoding 'UTF8' locale 'de_DE.UTF-8'",
  );
  assert.equal(clauseOf("CREATE DATABASE x ENCODING = 'UTF8''; drop database y; --';"), "encoding 'UTF8'");
  assert.equal(clauseOf(''), '');
});

test('what another program made is trusted only when somebody said so', () => {
  assert.ok(!isUntrusted({}));
  assert.ok(isUntrusted({ imported: {} }));
  assert.ok(isUntrusted({ imported: { trusted: 'yes' } }));
  assert.ok(!isUntrusted({ imported: { trusted: true } }));
});
