/** Where data and keys may lie: regions, and sources that go to places of their own; with bin/holdfast.js. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  backupPayload,
  listPayload,
  replicatePayload,
  verifyPayload,
} from '../../src/contracts/cli-payloads.ts';
import { copiesPlace, THREE } from '../support/copies-place.ts';

test('data does not leave its regions: not by the configuration, not by an address, not by copying', async (t) => {
  const place = await copiesPlace(
    t,
    THREE.replace('[main, offsite, third] }', '[main, third], regions: [eu] }'),
  );
  const refused = await place.run(['config', 'check']);
  assert.equal(refused.status, 2);
  assert.match(
    refused.stderr,
    /plans\.nightly\.destinations\.0: the destination "main" has no region, and only eu is allowed/,
  );
  const config = readFileSync(join(place.folder, 'holdfast.yaml'), 'utf8');
  const labelled = config
    .replace('./main,', './main, region: eu,')
    .replace('./third,', './third, region: eu,')
    .replace('./offsite,', './offsite, region: us,');
  await writeFile(join(place.folder, 'holdfast.yaml'), labelled);
  await place.write('a', 'one');
  await place.json(['init']);
  await place.json(['backup']);
  const elsewhere = await place.run(['backup', 'nightly', '--repository', './other', '--json']);
  assert.match(elsewhere.stdout, /"code": "region_refused"/);
  assert.equal(elsewhere.status, 2);
  const away = await place.run(['backup', 'nightly', '--destination', 'offsite']);
  assert.equal(away.status, 2, away.stderr);
  const copied = replicatePayload.parse(
    await place.json(['replicate', '--from', 'main', '--to', 'offsite'], 2),
  );
  assert.deepEqual(
    copied.destinations[0]!.leftOut.map(({ reason }) => reason),
    ['region'],
  );
  assert.deepEqual(copied.destinations[0]!.copied, []);
});

test('keys go elsewhere than what they open, each under its own key; together, there is a warning', async (t) => {
  const split = `
destinations:
  data: { address: ./data, keys: { current: { env: KEY_A } } }
  vault: { address: ./vault, keys: { current: { env: KEY_B } } }
  papers: { address: ./papers, layout: bundles, keys: { current: { env: KEY_A } } }
sources:
  orders: { kind: sqlite, path: ./app/orders.db }
  keys: { kind: files, paths: [./app/encryption_key, ./app/jwt_secret], optional: true }
  settings: { kind: files, path: ./app/settings.json }
plans:
  nightly:
    sources: [orders, keys, settings]
    destination: data
    separate: { keys: [vault], settings: [papers] }
`;
  const place = await copiesPlace(t, split);
  const { DatabaseSync } = await import('node:sqlite');
  new DatabaseSync(join(place.folder, 'app/orders.db')).exec(
    'create table o (id integer); insert into o values (7)',
  );
  await place.write('encryption_key', 'very secret');
  await place.write('settings.json', '{}');
  await place.json(['init']);
  const payload = backupPayload.parse(await place.json(['backup']));
  assert.deepEqual([payload.type, payload.artifacts.map(({ name }) => name)], ['db', ['orders.db']]);
  assert.deepEqual(
    payload.parts!.map((part) =>
      'artifacts' in part ? [part.destination, part.artifacts.map(({ name }) => name)] : part,
    ),
    [
      ['vault', ['encryption_key', 'jwt_secret']],
      ['papers', ['settings.json']],
    ],
  );
  // Each backup is looked for where it should be, and nowhere else is it missing.
  for (const [backupId, at] of [
    [payload.backupId, 'data'],
    [payload.parts!.flatMap((part) => ('backupId' in part ? [part.backupId] : []))[0], 'vault'],
  ] as const) {
    const { copies } = verifyPayload.parse(await place.json(['verify', String(backupId)]));
    assert.deepEqual(
      copies!.map(({ destination, status }) => [destination, status]),
      [[at, 'good']],
    );
  }
  const shown = await place.run(['show', 'latest', '--destination', 'vault', '--json']);
  const { artifacts } = JSON.parse(shown.stdout) as {
    artifacts: { name: string; facts: { missing?: boolean } }[];
  };
  assert.deepEqual(
    artifacts.map(({ name, facts }) => [name, facts.missing ?? false]),
    [
      ['encryption_key', false],
      ['jwt_secret', true],
    ],
  );
  // The key of the data does not open the vault.
  const wrong = await place.run(['list', '--repository', './vault'], {
    BACKUP_ENCRYPTION_KEY: place.environment.KEY_A!,
  });
  assert.equal(wrong.status, 5, wrong.stderr);
  assert.doesNotMatch((await place.run(['backup'])).stderr, /may hold keys/);

  const restored = await place.run(['restore', 'latest', '--to', 'r', '--confirm-restore']);
  assert.match(
    restored.stdout,
    /restored orders\.db .*\n.*\nfrom data\n$/,
    'the latest of the plan itself, not the keys',
  );

  await place.hide('vault');
  const failed = await place.run(['backup']);
  assert.equal(failed.status, 3, failed.stderr);
  assert.match(failed.stdout, /NO BACKUP of keys: there is no repository at .*vault/);
  await place.show('vault');

  await writeFile(join(place.folder, 'holdfast.yaml'), split.replace('keys: [vault], ', ''));
  const together = await place.run(['backup']);
  assert.match(
    together.stderr,
    /warning: plan nightly: keys may hold keys and goes to the same place as orders \(data\)/,
  );
  assert.match((await place.run(['config', 'check'])).stderr, /keys may hold keys/);
});

test('each copy is rotated by its own rules, and copying does not bring back what went', async (t) => {
  const rules = THREE.replace('offsite, third]', 'offsite, { name: third, retention: { keepLast: 1 } }]');
  const place = await copiesPlace(t, rules);
  await place.json(['init']);
  const ids: unknown[] = [];
  for (const text of ['one', 'two', 'three']) {
    await place.write('a', text);
    ids.push((await place.json(['backup'])).backupId);
  }
  const at = async (...args: string[]) => {
    const listed = JSON.parse((await place.run(['list', '--json', ...args])).stdout) as {
      id: string;
      destinations: string[];
    }[];
    return Object.fromEntries(
      listed.map(({ id, destinations }) => [ids.indexOf(id), destinations.join(' ')]),
    );
  };
  const everywhere = 'main offsite third';
  assert.deepEqual(await at(), { 2: everywhere, 1: everywhere, 0: everywhere });
  const { removed } = await place.json(['rotate']);
  assert.equal(removed, 2);
  const rotated = { 2: everywhere, 1: 'main offsite', 0: 'main offsite' };
  assert.deepEqual(await at(), rotated);
  await place.json(['replicate']);
  assert.deepEqual(await at(), rotated);
  await place.json(['undelete', String(ids[0])]);
  assert.deepEqual(await at(), { ...rotated, 0: everywhere });
  await place.json(['hold', String(ids[0]), '--reason', 'audit']);
  assert.equal((await place.json(['rotate'])).removed, 0, 'held everywhere');
  await place.json(['prune']);
});

test('a destination in both lists of a plan carries neither kind on, by run, replicate or verify --heal', async (t) => {
  const place = await copiesPlace(
    t,
    `
destinations:
  data: { address: ./data, keys: { current: { env: KEY_A } } }
  shared: { address: ./shared, keys: { current: { env: KEY_A } } }
  vault: { address: ./vault, keys: { current: { env: KEY_B } } }
sources:
  uploads: { kind: files, path: ./app/logo }
  keys: { kind: files, secret: true, path: ./app/encryption_key }
plans:
  nightly:
    sources: [uploads, keys]
    destinations: [data, shared]
    separate: { keys: [vault, shared] }
`,
  );
  await place.write('logo', 'one');
  await place.write('encryption_key', 'very secret');
  await place.json(['init']);
  const made: string[] = [];
  for (let i = 0; i < 2; i += 1) {
    const { backupId, parts } = backupPayload.parse(await place.json(['backup']));
    made.push(backupId, ...parts!.flatMap((part) => ('backupId' in part ? [part.backupId] : [])));
  }
  const idsAt = async (name: string) =>
    listPayload
      .parse(await place.json(['list', '--destination', name]))
      .map(({ id }) => id)
      .sort();
  const [data1, keys1, data2, keys2] = made as [string, string, string, string];
  const asMeant = async () => {
    assert.deepEqual(await idsAt('data'), [data1, data2].sort());
    assert.deepEqual(await idsAt('shared'), [...made].sort());
    assert.deepEqual(await idsAt('vault'), [keys1, keys2].sort());
  };
  await asMeant();
  const { ok, destinations } = replicatePayload.parse(await place.json(['replicate']));
  assert.deepEqual([ok, destinations.flatMap(({ copied }) => copied)], [true, []]);
  verifyPayload.parse(await place.json(['verify', '--heal']));
  await asMeant();
  const { copies } = verifyPayload.parse(await place.json(['verify', keys1]));
  assert.deepEqual(copies!.map(({ destination, status }) => `${destination} ${status}`).sort(), [
    'shared good',
    'vault good',
  ]);
});
