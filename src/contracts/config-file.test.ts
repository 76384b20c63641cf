import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigProblem, parseConfig, unsetVariables } from './config-file.ts';

const GOOD = `version: 1
destinations:
  main:
    address: \${BACKUP_DIR}/repo
    keys:
      current: { env: BACKUP_ENCRYPTION_KEY }
      old: [{ file: /etc/holdfast/old.key }]
sources:
  app: { kind: sqlite, path: data/app.db }
  orders: { kind: postgres, url: 'postgres://app:\${PGPASS}@db/orders', globals: true }
  uploads:
    kind: files
    paths: [uploads, "\${EXTRA}"]
    exclude: ['*.tmp']
  volume: { kind: command, command: tar -c /data, artifactName: volume.tar }
plans:
  nightly:
    sources: [app, orders, uploads]
    destination: main
    retention: { preset: standard, days: null }
    schedule: 0 3 * * 1
`;

function problemsOf(text: string): readonly ConfigProblem[] {
  const result = parseConfig(text);
  assert.ok('problems' in result, 'expected problems');
  return result.problems;
}

const lines = (text: string) => problemsOf(text).map((p) => `${p.line} ${p.field}: ${p.message}`);

test('a full configuration is read, with defaults', () => {
  const result = parseConfig(GOOD);
  assert.ok('config' in result, JSON.stringify(result));
  assert.equal(result.config.destinations.main!.layout, 'repository');
  assert.deepEqual(result.config.plans.nightly, {
    sources: ['app', 'orders', 'uploads'],
    destination: 'main',
    type: 'full',
    tenantId: null,
    retention: { preset: 'standard', days: null },
    schedule: '0 3 * * 1',
  });
});

test('databases with an hour of their own that is left out: 02:00, then 03:00 UTC', () => {
  const text = (databases: string) =>
    `sources: { a: { kind: sqlite, path: a }, b: { kind: sqlite, path: b }, c: { kind: sqlite, path: c } }
plans: { nightly: { sources: [a, b, c], databases: ${databases} } }`;
  const hoursOf = (databases: string) => {
    const result = parseConfig(text(databases));
    assert.ok('config' in result, JSON.stringify(result));
    return Object.entries(result.config.plans.nightly!.databases!).map(([name, { hour }]) => [name, hour]);
  };
  assert.deepEqual(hoursOf('{ b: { retentionDays: 30 }, a: {} }'), [
    ['b', 2],
    ['a', 3],
  ]);
  assert.deepEqual(hoursOf('{ a: { hour: 0 }, b: {}, c: { hour: 23 } }'), [
    ['a', 0],
    ['b', 3],
    ['c', 23],
  ]);
  assert.match(lines(text('{ a: { hour: 24 } }')).join(), /databases\.a\.hour: must be at most 23/);
});

test('an empty file is an empty configuration', () => {
  for (const text of ['', '# nothing yet\n', '{}']) assert.ok('config' in parseConfig(text), text);
});

test('unset variables are named with line and field', () => {
  const result = parseConfig(GOOD);
  assert.ok('config' in result);
  const unset = unsetVariables(result.config, result.placeOf, { PGPASS: 'x', EXTRA: '' });
  assert.deepEqual(unset, [
    {
      line: 4,
      column: 5,
      field: 'destinations.main.address',
      message: 'the environment variable BACKUP_DIR is not set',
    },
    {
      line: 13,
      column: 22,
      field: 'sources.uploads.paths.1',
      message: 'the environment variable EXTRA is not set',
    },
  ]);
});

test('an unknown field is named with its line and the name that was meant', () => {
  assert.deepEqual(lines(GOOD.replace('destination: main', 'destinatoin: main')), [
    '19 plans.nightly.destinatoin: unknown field, did you mean destination?',
  ]);
  assert.deepEqual(lines(GOOD.replace('preset:', 'dayly: 3, preset:')), [
    '20 plans.nightly.retention.dayly: unknown field, did you mean daily?',
  ]);
  assert.deepEqual(lines(GOOD.replace("exclude: ['*.tmp']", 'artifactName: x')), [
    '14 sources.uploads.artifactName: unknown field, known here: kind, path, paths, exclude, optional, secret',
  ]);
});

test('a misspelt required field is one problem, not two', () => {
  assert.deepEqual(lines('destinations:\n  main: { adress: /x }\n'), [
    '2 destinations.main.adress: unknown field, did you mean address?',
  ]);
});

test('what is missing, of the wrong type or out of range says so in words', () => {
  const text = `sources:
  a: { kind: sqlite }
  b: { kind: sqllite, path: x }
  c: { kind: files }
  "d d": { kind: sqlite, path: x }
destinations: [x]
plans:
  p: { sources: [], type: all, retention: { days: 0, daily: 1.5 } }
`;
  assert.deepEqual(lines(text), [
    '2 sources.a.path: is missing',
    '3 sources.b.kind: must be sqlite or postgres or files or command; did you mean sqlite?',
    '4 sources.c.path: needs either path or paths',
    '5 sources.d d: must be 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit',
    '6 destinations: must be a map of names',
    '8 plans.p.sources: must name at least one source',
    '8 plans.p.type: must be db or storage or full',
    '8 plans.p.retention.days: must be at least 1',
    '8 plans.p.retention.daily: must be a whole number',
  ]);
});

test('a plan cannot name what is not there', () => {
  const text = GOOD.replace('[app, orders, uploads]', '[app, order]').replace(
    'destination: main',
    'destination: off',
  );
  assert.deepEqual(lines(text), [
    '18 plans.nightly.sources.1: there is no source "order", did you mean orders?',
    '19 plans.nightly.destination: there is no destination "off", known: main',
  ]);
});

test('a secret in the file is refused without being repeated', () => {
  for (const text of [
    GOOD.replace('{ env: BACKUP_ENCRYPTION_KEY }', 'hfk1-s3cret'),
    GOOD.replace('{ env: BACKUP_ENCRYPTION_KEY }', '{ key: hfk1-s3cret }'),
    GOOD.replace('app:${PGPASS}@', 'app:s3cret@'),
    GOOD.replace('app:${PGPASS}@db/orders', 'db/orders?user=app&password=s3cret'),
    GOOD.replace('env: BACKUP_ENCRYPTION_KEY', 'env: "hfk1-s3cret"'),
  ]) {
    const problems = problemsOf(text);
    assert.ok(problems.length > 0);
    assert.doesNotMatch(JSON.stringify(problems), /s3cret/);
  }
});

test('broken YAML is one problem with its line', () => {
  assert.equal(lines('plans:\n  a: [\n')[0]!.split(' ')[0], '3');
  assert.match(lines('a: 1\na: 2\n')[0]!, /^2 : map keys must be unique/);
});

test('settings and tenants are read; what is unknown or out of range there is named with line and column', () => {
  const read = parseConfig(`settings: { retention.days: 90, history.days: null, schedule.enabled: false }
tenants:
  acme: { name: Acme Ltd, settings: { retention.days: 30 } }
  bravo: { archived: true }
`);
  assert.ok('config' in read, JSON.stringify(read));
  assert.deepEqual(read.config.settings, {
    'retention.days': 90,
    'history.days': null,
    'schedule.enabled': false,
  });
  assert.deepEqual(read.config.tenants, {
    acme: { name: 'Acme Ltd', settings: { 'retention.days': 30 } },
    bravo: { archived: true, settings: {} },
  });
  const wrong = `settings:
  retention.dayz: 90
  retention.versions: 0
  schedule.enabled: 'no'
tenants:
  acme:
    title: Acme
    settings: { history.days: 90, runs.limit: 2 }
  a/b: {}
  global: {}
  empty:
`;
  const known = 'schedule.enabled, schedule.cron, schedule.timeZone, schedule.jitterSeconds';
  const places = problemsOf(wrong).map((p) => `${p.line}:${p.column} ${p.field}: ${p.message}`);
  assert.deepEqual(
    places.map((place) => place.replace(new RegExp(`known here: ${known}.*`), 'known here: …')),
    [
      '2:3 settings.retention.dayz: unknown field, did you mean retention.days?',
      '3:3 settings.retention.versions: must be at least 1',
      '4:3 settings.schedule.enabled: must be a boolean',
      '7:5 tenants.acme.title: unknown field, known here: name, archived, sources, destinations, channels, settings',
      '8:17 tenants.acme.settings.history.days: unknown field, known here: …',
      '8:35 tenants.acme.settings.runs.limit: unknown field, known here: …',
      '9:3 tenants.a/b: is not a valid tenant id',
      '10:3 tenants.global: is not a valid tenant id',
      '11:3 tenants.empty: must be a map of fields',
    ],
  );
});

test('what a tenant has alone exists, and is no other tenant’s', () => {
  const text = GOOD.replace(
    'plans:',
    'tenants:\n  acme: { sources: [app, order], channels: [x] }\n  bravo: { sources: [app], destinations: [main] }\nplans:',
  );
  assert.deepEqual(lines(text), [
    '17 tenants.acme.sources.1: there is no source "order", did you mean orders?',
    '17 tenants.acme.channels.0: there is no channel "x", known: none',
    '18 tenants.bravo.sources.0: the source "app" is named by acme already',
  ]);
});
