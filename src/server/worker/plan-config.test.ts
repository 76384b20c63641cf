import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../../contracts/config.ts';
import { destinationsOf } from '../../contracts/config-destinations.ts';
import { enginePlan, enginePlansOf, splitPlan, withParts } from './plan-config.ts';

const config = configSchema.parse({
  destinations: { main: { address: '/a' }, far: { address: '/b' } },
  sources: {
    config: { kind: 'sqlite', path: 'c.db' },
    results: { kind: 'sqlite', path: 'r.db' },
    files: { kind: 'files', path: 'f' },
  },
  plans: {
    whole: {
      sources: ['config', 'results', 'files'],
      destinations: ['main', { name: 'far', retention: { days: 90 } }],
      separate: { config: ['far'] },
      retention: { keepLast: 5 },
      databases: { config: { hour: 2, retentionDays: 30 }, results: { hour: 3 } },
    },
  },
});

test('a part is a plan of its own: its source, its days, its destinations', () => {
  const { plans } = withParts(config);
  assert.deepEqual(Object.keys(plans), ['whole', 'whole/config', 'whole/results']);
  const retentionOf = (name: string) =>
    destinationsOf(config, plans[name]!).map((one) => [one.name, one.retention]);
  assert.deepEqual(retentionOf('whole/config'), [['far', { days: 30, versions: null }]]);
  // Without days of its own it keeps what the plan says for each destination.
  assert.deepEqual(retentionOf('whole/results'), [
    ['main', { keepLast: 5 }],
    ['far', { days: 90 }],
  ]);
  assert.deepEqual(plans['whole/results']?.sources, ['results']);
  assert.equal(plans.whole, config.plans.whole);
});

test('names of parts are taken apart as they were put together', () => {
  for (const [plan, part] of [
    ['whole', 'config'],
    ['a.b-c', null],
  ] as const) {
    assert.deepEqual(splitPlan(enginePlan(plan, part)), { plan, part });
  }
  assert.deepEqual(splitPlan(null), { plan: null, part: null });
  assert.deepEqual(enginePlansOf('whole', config.plans.whole!), ['whole', 'whole/config', 'whole/results']);
});
