import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drillSettings } from './config-drill.ts';
import { parseConfig } from './config-file.ts';

const configOf = (drill: string) => `
sources: { main: { kind: postgres, urlEnv: DATABASE_URL }, app: { kind: sqlite, path: ./a.db } }
plans:
  nightly:
    sources: [main, app]
    drill: ${drill}
`;

function settings(drill: string) {
  const result = parseConfig(configOf(drill));
  assert.ok('config' in result, JSON.stringify(result));
  return drillSettings(result.config.plans.nightly!.drill, null);
}

test('a plan says in few words how it is proven', () => {
  const { checks, ...rest } = settings(`
      schedule: quarterly
      checks:
        - { kind: sql, source: main, query: select 1, expect: 1 }
        - { kind: sql, source: app, query: select 2, expect: { above: 1 }, name: two, timeoutSeconds: 0.5 }
        - kind: application
          command: node server.js
          http: [{ path: /jwks, json: { keys.0.kid: one, n: { exists: true } }, header: { x-a: b } }]
        - { kind: command, command: 'true' }`);
  assert.deepEqual(rest, {
    folder: null,
    postgresServer: null,
    postgresPrograms: [],
    network: 'none',
    mayBeEmpty: [],
  });
  assert.deepEqual(
    checks.map(({ kind, name }) => [kind, name]),
    [
      ['sql', 'sql 1'],
      ['sql', 'two'],
      ['application', 'application'],
      ['command', 'command 4'],
    ],
  );
  assert.deepEqual(checks[1], {
    kind: 'sql',
    name: 'two',
    source: 'app',
    query: 'select 2',
    expect: { above: 1 },
    timeoutMs: 500,
  });
  assert.deepEqual((checks[2] as { http: unknown }).http, [
    {
      ...{
        name: 'GET /jwks',
        path: '/jwks',
        method: 'GET',
        headers: {},
        body: null,
        status: 200,
        save: {},
        timeoutMs: 10_000,
      },
      ...{
        responseHeaders: { 'x-a': 'b' },
        json: { 'keys.0.kid': 'one', n: { exists: true } },
        contains: null,
      },
    },
  ]);
});

test('mistakes are named where they are', () => {
  for (const [drill, field, message] of [
    [
      '{ checks: [{ kind: sql, source: uploads, query: select 1, expect: 1 }] }',
      'plans.nightly.drill.checks.0.source',
      /no source "uploads"/,
    ],
    ['{ mayBeEmpty: [min] }', 'plans.nightly.drill.mayBeEmpty.0', /did you mean main/],
    ['{ checks: [{ kind: http, path: / }] }', 'plans.nightly.drill.checks.0.kind', /./],
    ['{ checks: [{ kind: sql, query: select 1 }] }', 'plans.nightly.drill.checks.0.expect', /missing/],
    [
      '{ checks: [{ kind: application, command: x, http: [{ path: jwks }] }] }',
      'plans.nightly.drill.checks.0.http.0.path',
      /must begin with \//,
    ],
    ['{ network: off }', 'plans.nightly.drill.network', /none or required-none or open/],
  ] as const) {
    const result = parseConfig(configOf(drill));
    assert.ok('problems' in result, drill);
    assert.equal(result.problems[0]!.field, field, JSON.stringify(result.problems));
    assert.match(result.problems[0]!.message, message);
  }
});

test('a check may be given any variable but those that open backups', () => {
  const problemsOf = (value: string) => {
    const result = parseConfig(
      configOf(`
      checks:
        - { kind: command, command: 'true', environment: { V: '${value}' } }
        - { kind: application, command: a, http: [{ path: /, headers: { x: '${value}' }, body: '${value}' }] }`),
    );
    return 'problems' in result ? result.problems.map(({ message }) => message) : [];
  };
  assert.deepEqual(problemsOf('${SMOKE_TOKEN}'), []);
  for (const name of ['BACKUP_ENCRYPTION_KEY', 'SUPABASE_SERVICE_ROLE_KEY', 'VAULT_TOKEN']) {
    assert.deepEqual(
      problemsOf(`x\${${name}}`),
      Array.from({ length: 3 }, () => 'must not hold a key or login of a destination'),
      name,
    );
  }
});
