import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { configBeside } from '../support/config-beside.ts';
import { httpWorld } from '../support/http-world.ts';

const FILE = `destinations:
  main: { address: ./main }
sources:
  app: { kind: sqlite, path: ./app.db }
  orders: { kind: postgres, urlEnv: DATABASE_URL }
plans:
  nightly: { sources: [app, orders], retention: { days: 30 } }
`;

test('export, diff and apply: the file and the API never overwrite each other unseen', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const file = join(world.folder, 'holdfast.yaml');
  const command = configBeside(world);
  const config = async (...args: string[]) => {
    const { status, stdout, stderr } = await command(...args, '--json');
    return { status, stderr, json: JSON.parse(stdout) };
  };
  await writeFile(file, FILE);
  const first = await config('apply');
  assert.equal(first.status, 0, first.stderr);
  assert.deepEqual(
    first.json.changes.map(({ kind, name, change }: Record<string, string>) => `${change} ${kind}/${name}`),
    ['create destination/main', 'create source/app', 'create source/orders', 'create plan/nightly'],
  );
  assert.equal((await config('diff')).status, 0);
  assert.equal((await owner.post('/api/v1/destinations/main/test')).json.ok, true, 'its repository was made');

  // A change of the file alone goes in.
  await writeFile(file, FILE.replace('days: 30', 'days: 60'));
  const changed = await config('diff');
  assert.equal(changed.status, 1);
  assert.deepEqual(changed.json.changes[0].fields, [{ field: 'retention.days', stored: 30, file: 60 }]);
  assert.equal((await config('apply')).status, 0);
  const { json: plan } = await owner.get('/api/v1/plans/nightly');
  assert.deepEqual([plan.body.retention.days, plan.origin], [60, 'file']);

  // A change by the API is shown, and stays until somebody says otherwise.
  const body = { ...plan.body, retention: { days: 90 } };
  await owner.send('PUT', '/api/v1/plans/nightly', { body: { body, version: plan.version } });
  const refused = await config('apply');
  assert.equal(refused.status, 1);
  assert.equal(refused.json.error.code, 'document_changed');
  assert.match(
    refused.json.error.message,
    /plan\/nightly was changed elsewhere by owner@example\.org \(retention\.days\)/,
  );
  assert.equal((await owner.get('/api/v1/plans/nightly')).json.body.retention.days, 90);
  const byApi = await owner.post('/api/v1/configuration/apply', { yaml: await readFile(file, 'utf8') });
  assert.deepEqual([byApi.status, byApi.json.code], [409, 'document_changed']);

  // Taking it over into the file ends the conflict, and the file owns it again.
  await writeFile(file, FILE.replace('days: 30', 'days: 90'));
  assert.equal((await config('apply')).status, 0);
  assert.equal((await owner.get('/api/v1/plans/nightly')).json.origin, 'file');

  // Or it is overwritten by name.
  const { json: again } = await owner.get('/api/v1/plans/nightly');
  await owner.send('PUT', '/api/v1/plans/nightly', {
    body: { body: { ...again.body, enabled: false }, version: again.version },
  });
  assert.equal((await config('apply', '--overwrite', 'plan/other')).status, 1);
  assert.equal((await config('apply', '--overwrite', 'plan/nightly')).status, 0);
  assert.equal((await owner.get('/api/v1/plans/nightly')).json.body.enabled, undefined);

  // What only the API made stays; what came from the file and left it goes.
  await owner.post('/api/v1/sources', { name: 'extra', body: { kind: 'sqlite', path: '/srv/extra.db' } });
  await writeFile(
    file,
    FILE.replace(/ {2}orders: .*\n/, '')
      .replace(', orders', '')
      .replace('days: 30', 'days: 90'),
  );
  assert.equal((await config('apply')).status, 0);
  const { json: sources } = await owner.get('/api/v1/sources');
  assert.deepEqual(
    sources.items.map(({ name }: { name: string }) => name),
    ['app', 'extra'],
  );

  // What the file made and the API deleted is not made anew unseen.
  const { json: known } = await owner.get('/api/v1/plans/nightly');
  await owner.send('DELETE', `/api/v1/plans/nightly?version=${known.version}`);
  assert.equal((await config('apply')).json.error?.code, 'document_changed');
  assert.equal((await config('apply', '--overwrite', 'plan/nightly')).status, 0);

  const exported = await config('export');
  await writeFile(file, exported.json.yaml);
  assert.equal((await config('diff')).status, 0, 'what was exported is equal');
  assert.doesNotMatch(exported.json.yaml, new RegExp(world.keyText));
});

test('a file with a mistake changes nothing', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const yaml = `sources: { good: { kind: sqlite, path: /a } }\nplans:\n  p: { sources: [absent] }\n`;
  const { status, json } = await owner.post('/api/v1/configuration/apply', { yaml });
  assert.deepEqual([status, json.errors[0].line], [400, 3]);
  assert.deepEqual((await owner.get('/api/v1/sources')).json.items, []);
});
