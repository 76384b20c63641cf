import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from './config.ts';
import { destinationsOf, partsOf } from './config-destinations.ts';
import { parseConfig } from './config-file.ts';
import { isSecretSource, keysBesideData, looksSecret, renderKeysBesideData } from './key-separation.ts';

const BASE = `destinations:
  main: { address: /srv/main, region: eu }
  offsite: { address: /srv/offsite, region: us }
  vault: { address: /srv/vault }
sources:
  orders: { kind: sqlite, path: orders.db }
  keys: { kind: files, path: ./encryption_key }
  settings: { kind: files, path: ./settings }
plans:
`;

function configOf(plans: string): Config {
  const result = parseConfig(BASE + plans);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function problemsOf(plans: string): string[] {
  const result = parseConfig(BASE + plans);
  return 'problems' in result ? result.problems.map(({ field, message }) => `${field}: ${message}`) : [];
}

test('one destination and several are the same inside, each with the retention that counts for it', () => {
  const config = configOf(`  one: { sources: [orders], destination: main, retention: { days: 3 } }
  many:
    sources: [orders]
    retention: { days: 30 }
    destinations: [main, { name: offsite, retention: { keepLast: 2 } }]
`);
  assert.deepEqual(partsOf(config, config.plans.one!), [
    { sources: ['orders'], apart: [], destinations: [{ name: 'main', retention: { days: 3 } }] },
  ]);
  assert.deepEqual(destinationsOf(config, config.plans.many!), [
    { name: 'main', retention: { days: 30 } },
    { name: 'offsite', retention: { keepLast: 2 } },
  ]);
});

test('a plan that names no destination has the only one there is, and none to choose among several', () => {
  const config = configOf('  p: { sources: [orders] }');
  assert.equal(partsOf(config, config.plans.p!)[0]!.destinations, null);
  const { main } = config.destinations;
  const alone: Config = { ...config, destinations: { main: main! } };
  assert.deepEqual(destinationsOf(alone, config.plans.p!), [{ name: 'main', retention: {} }]);
});

test('sources that go elsewhere are backups of their own: one for each set of destinations', () => {
  const config = configOf(`  p:
    sources: [keys, orders, settings]
    destinations: [main, offsite]
    separate: { keys: [vault], settings: [vault] }
`);
  assert.deepEqual(
    partsOf(config, config.plans.p!).map(({ sources, destinations }) => [
      sources,
      destinations?.map(({ name }) => name),
    ]),
    [
      [['orders'], ['main', 'offsite']],
      [['keys', 'settings'], ['vault']],
    ],
  );
});

test('what cannot be meant is said with its place', () => {
  const cases: [string, string[]][] = [
    [
      '  p: { sources: [orders], destination: main, destinations: [main] }',
      ['plans.p.destinations: needs destination or destinations, not both'],
    ],
    [
      '  p: { sources: [orders], destinations: [main, main] }',
      ['plans.p.destinations.1: "main" is named twice'],
    ],
    [
      '  p: { sources: [orders], destinations: [{ name: ofsite }] }',
      ['plans.p.destinations.0: there is no destination "ofsite", did you mean offsite?'],
    ],
    [
      '  p: { sources: [orders], destinations: [{ name: main, retention: { day: 1 } }] }',
      ['plans.p.destinations.0.retention.day: unknown field, did you mean days?'],
    ],
    [
      '  p: { sources: [orders], destinations: [3] }',
      ['plans.p.destinations.0: must be a name, or a map of fields'],
    ],
    [
      '  p: { sources: [orders], destination: main, separate: { keys: [vault] } }',
      ['plans.p.separate.keys: "keys" is not among the sources of the plan'],
    ],
  ];
  for (const [plans, expected] of cases) assert.deepEqual(problemsOf(plans), expected);
});

test('a destination in another region, or in none, is refused wherever it stands', () => {
  assert.deepEqual(
    problemsOf(`  a: { sources: [orders], destinations: [main, offsite], regions: [eu] }
  b: { sources: [orders], destination: vault, regions: [eu, de-fra] }
  c: { sources: [orders, keys], destination: main, separate: { keys: [vault] }, regions: [eu] }
`),
    [
      'plans.a.destinations.1: the destination "offsite" is in region us, and only eu is allowed',
      'plans.b.destination: the destination "vault" has no region, and only eu or de-fra is allowed',
      'plans.c.separate.keys.0: the destination "vault" has no region, and only eu is allowed',
    ],
  );
  const bare = parseConfig(
    'sources: { o: { kind: sqlite, path: o.db } }\nplans: { a: { sources: [o], regions: [eu] } }',
  );
  assert.match(
    JSON.stringify(bare),
    /no destination is named, and the data folder of a machine has no region/,
  );
  assert.deepEqual(
    problemsOf('  a: { sources: [orders], destinations: [main, offsite], regions: [us, eu] }'),
    [],
  );
});

test('files that hold keys are known by their usual names, and by nothing else', () => {
  const secret = [
    '.env',
    '.envrc',
    '/srv/app/.env.prod',
    'encryption_key',
    'jwt_secret',
    'jwt-keys.json',
    'tls.pem',
    'secrets/',
  ];
  const plain = [
    'uploads',
    'environment',
    'monkey.png',
    'key-visual.png',
    'secretary.txt',
    'app.db',
    'keynote.pdf',
  ];
  assert.deepEqual(
    secret.filter((path) => !looksSecret(path)),
    [],
  );
  assert.deepEqual(plain.filter(looksSecret), []);
  const files = { kind: 'files' as const, exclude: [], optional: false };
  assert.equal(isSecretSource({ ...files, path: 'uploads', secret: true }), true);
  assert.equal(isSecretSource({ ...files, paths: ['a', '.env'] }), true);
  assert.equal(isSecretSource({ ...files, path: '.env', secret: false }), false);
});

test('keys beside the data they open are noticed across plans, and not when they lie apart', () => {
  const together = configOf(`  a: { sources: [orders], destination: main }
  b: { sources: [keys], destinations: [main, vault] }
`);
  const [found, ...more] = keysBesideData(together);
  assert.deepEqual(more, []);
  assert.deepEqual(found, { destinations: ['main'], secretSources: ['keys'], databases: ['orders'] });
  assert.match(
    renderKeysBesideData(found!),
    /^keys may hold keys and goes to the same place as orders \(main\): /,
  );
  const apart = configOf('  a: { sources: [orders, keys], destination: main, separate: { keys: [vault] } }');
  assert.deepEqual(keysBesideData(apart), []);
});

test('two destinations of one address are one place', () => {
  const config = configOf('  a: { sources: [orders, keys], destination: main, separate: { keys: [vault] } }');
  const { main, vault } = config.destinations;
  const same: Config = {
    ...config,
    destinations: { main: main!, vault: { ...vault!, address: main!.address } },
  };
  assert.deepEqual(
    keysBesideData(same).map(({ destinations }) => destinations),
    [['main', 'vault']],
  );
});
