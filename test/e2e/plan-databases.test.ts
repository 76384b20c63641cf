import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentSchemas } from '../../src/contracts/config.ts';
import {
  databasesOf,
  inheritedHour,
  newDatabase,
  numberProblem,
  withDatabase,
  withSources,
} from '../../web/src/documents/plan-databases.ts';

const plan = { sources: ['app', 'results', 'v1.db'], retention: {} };

test('databases get an hour of their own, and lose it alone or with their source', () => {
  let body: Record<string, unknown> = plan;
  for (const name of plan.sources) body = withDatabase(body, name, newDatabase(body));
  assert.deepEqual(body.databases, { app: { hour: 2 }, results: { hour: 3 }, 'v1.db': { hour: 3 } });
  assert.deepEqual(Object.keys(databasesOf(withDatabase(body, 'results', null))), ['app', 'v1.db']);
  assert.deepEqual(withSources(body, ['v1.db']), {
    ...{ sources: ['v1.db'], retention: {} },
    databases: { 'v1.db': { hour: 3 } },
  });
  assert.deepEqual(withSources(body, []), { sources: [], retention: {} });
  assert.deepEqual(databasesOf({ databases: ['app'] }), {}, 'what is no map, in a text half written');
});

test('the form names the hours that the schema gives, and refuses just the numbers that it refuses', () => {
  const empty = { ...plan, databases: { app: {}, results: {}, 'v1.db': {} } };
  const given = documentSchemas.plan.parse(empty).databases!;
  for (const name of plan.sources) assert.equal(inheritedHour(empty, name), given[name]!.hour, name);
  for (const field of ['hour', 'retentionDays'] as const) {
    for (const value of [-1, 0, 1, 2.5, 23, 24, 365, 366, '5', null, undefined]) {
      const { success } = documentSchemas.plan.safeParse({ ...plan, databases: { app: { [field]: value } } });
      assert.equal(numberProblem(field, value) === null, success, `${field}: ${value}`);
    }
  }
});
