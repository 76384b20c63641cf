import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { main } from '../../src/cli/main.ts';
import { configBeside } from '../support/config-beside.ts';
import { fakeIo } from '../support/fake-io.ts';
import { httpWorld } from '../support/http-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FILE = `settings:
  retention.days: 90
  history.days: null
tenants:
  acme:
    name: Acme Ltd
    settings: { schedule.cron: 0 2 * * * }
sources:
  app: { kind: sqlite, path: ./app.db }
plans:
  nightly: { sources: [app], tenantId: acme }
`;

test('settings and tenants of a file and of the API never overwrite each other unseen', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const file = join(world.folder, 'holdfast.yaml');
  const config = configBeside(world);
  await writeFile(file, FILE);
  const applied = await config('apply');
  assert.equal(applied.status, 0, applied.stderr);
  const settings = async (tenant = '') => (await owner.get(`/api/v1/settings${tenant}`)).json.settings;
  const { 'retention.days': days, 'history.days': history } = await settings();
  assert.deepEqual([days.value, days.from, days.origin], [90, 'global', 'file']);
  assert.deepEqual([history.value, history.from], [null, 'global']);

  // By the API: one setting changed, and the tenant archived.
  await owner.send('PATCH', '/api/v1/settings', { body: { settings: { 'retention.days': 60 } } });
  await owner.send('DELETE', '/api/v1/tenants/acme', {});
  const diff = await config('diff');
  assert.equal(diff.status, 1);
  assert.equal(
    diff.stdout,
    '~ tenant acme  CONFLICT: changed elsewhere by owner@example.org\n' +
      '    archived: true → false\n' +
      '~ setting retention.days  CONFLICT: changed elsewhere by owner@example.org\n' +
      '    value: 60 → 90\n' +
      '2 conflicts\n',
  );
  const yaml = FILE;
  const refused = await owner.post('/api/v1/configuration/apply', { yaml, overwrite: ['tenant/acme'] });
  assert.deepEqual([refused.status, refused.json.code], [409, 'document_changed']);
  assert.match(refused.json.detail, /^setting\/retention\.days was changed elsewhere by owner@example\.org/);
  const { json: shown } = await owner.post('/api/v1/configuration/diff', { yaml });
  assert.deepEqual(shown.changes[1], {
    ...{ kind: 'setting', name: 'retention.days', change: 'replace', version: null, conflict: true },
    ...{ changed_by: 'owner@example.org', fields: [{ field: 'value', stored: 60, file: 90 }] },
  });
  const overwrite = ['tenant/acme', 'setting/retention.days'];
  const done = await owner.post('/api/v1/configuration/apply', { yaml, overwrite });
  assert.deepEqual([done.status, done.json.applied], [200, true], done.text);
  assert.equal((await settings())['retention.days'].value, 90);
  assert.equal((await owner.get('/api/v1/tenants')).json.items[0].archived_at, null);

  // Left out: the setting goes back, the tenant is archived.
  await writeFile(
    file,
    'sources:\n  app: { kind: sqlite, path: ./app.db }\nplans:\n  nightly: { sources: [app], tenantId: acme }\n',
  );
  const left = await config('apply');
  assert.match(left.stdout, /^- tenant acme \(is archived, its backups stay\)$/m);
  assert.match(left.stdout, /^- setting acme\/schedule\.cron$/m);
  assert.equal((await settings())['retention.days'].from, 'default');
  assert.notEqual((await owner.get('/api/v1/tenants')).json.items[0].archived_at, null);

  // Whatever changed something is in the ledger, by whatever way.
  const { json: ledger } = await owner.get('/api/v1/ledger?limit=50');
  const entries = ledger.items.map(
    ({ action, detail }: { action: string; detail: { changes?: string[] } }) => [
      action,
      detail.changes?.join(', '),
    ],
  );
  const actions = entries.map(([action]: string[]) => action);
  for (const one of ['api.settings.change', 'api.tenants.delete', 'api.configuration.apply']) {
    assert.ok(actions.includes(one), `${one} of ${actions}`);
  }
  const byFile = entries.filter(([action]: string[]) => action === 'config.apply');
  assert.equal(byFile.length, 2, 'neither diff nor a refused file');
  assert.match(byFile[0][1], /^delete tenant\/acme, delete setting\/history\.days, /);
});

test('mistakes among settings and tenants are named with line and column, and change nothing', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const cases: [string, string, number, number, RegExp][] = [
    ['settings:\n  retention.dayz: 1\n', 'settings.retention.dayz', 2, 3, /did you mean retention\.days/],
    ['settings:\n  retention.days: 0\n', 'settings.retention.days', 2, 3, /at least 1/],
    ['settings: { schedule.cron: 99 * * * * }\n', 'settings.schedule.cron', 1, 13, /99/],
    ['settings:\n  schedule.timeZone: Nowhere\n', 'settings.schedule.timeZone', 2, 3, /Nowhere/],
    [
      'tenants:\n  a:\n    settings:\n      schedule.cron: 0 0 31 2 *\n',
      'tenants.a.settings.schedule.cron',
      ...([4, 7, /never comes/] as const),
    ],
    [
      'tenants:\n  a: { settings: { runs.limit: 1 } }\n',
      'tenants.a.settings.runs.limit',
      2,
      20,
      /unknown field/,
    ],
    ['tenants:\n  a b: {}\n', 'tenants.a b', 2, 3, /not a valid tenant id/],
    ['settings:\n  retention.days: 1\n  retention.days: 2\n', '', 3, 3, /unique/],
  ];
  const folder = await temporaryFolder(t);
  for (const [yaml, field, line, column, message] of cases) {
    for (const way of ['diff', 'apply']) {
      const { status, json } = await owner.post(`/api/v1/configuration/${way}`, { yaml: `${yaml}` });
      const [found] = json.errors ?? [];
      assert.deepEqual([status, json.code, found?.field], [400, 'config_invalid', field], yaml);
      assert.deepEqual([found.line, found.column], [line, column], yaml);
      assert.match(found.message, message);
    }
    await writeFile(join(folder, 'holdfast.yaml'), yaml);
    for (const command of ['check', 'diff']) {
      const io = fakeIo({ folder, environment: { HOLDFAST_HOME: folder } });
      assert.equal(await main(['config', command], io), 2, yaml);
      assert.ok(io.written.stderr.includes(` line ${line}, column ${column}: `), io.written.stderr);
    }
  }
  const { settings } = (await owner.get('/api/v1/settings')).json;
  const set = Object.values(settings as Record<string, { from: string }>).filter(
    ({ from }) => from !== 'default',
  );
  assert.deepEqual([set, (await owner.get('/api/v1/tenants')).json.items], [[], []]);
});

test('what of a file is the server’s is said by config check, and the rest counts without it', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'holdfast.yaml'), FILE);
  const io = fakeIo({ folder, environment: { HOLDFAST_HOME: folder } });
  assert.equal(await main(['config', 'check'], io), 0);
  assert.match(io.written.stderr, /settings and tenants are the server's, holdfast config apply/);
  assert.match(io.written.stdout, /is valid: 0 destinations, 1 source, 1 plan, 1 tenant/);
  await writeFile(join(folder, 'holdfast.yaml'), 'settings: { retention.days: 5 }\n');
  const quiet = fakeIo({ folder, environment: { HOLDFAST_HOME: folder } });
  assert.equal(await main(['config', 'check'], quiet), 0);
  assert.doesNotMatch(quiet.written.stderr, /server/);
});

test('null is a value of the settings that have none of it, and inherit goes back', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const send = async (body: object) => (await owner.send('PATCH', '/api/v1/settings', { body })).json;
  const shown = (
    { settings }: { settings: Record<string, { value: unknown; from: string }> },
    key: string,
  ) => [settings[key]?.value, settings[key]?.from];
  const kept = await send({ settings: { 'history.days': null, 'retention.days': 30 } });
  assert.deepEqual(shown(kept, 'history.days'), [null, 'global'], 'all of it is kept');
  const back = await send({ settings: { 'retention.days': null }, inherit: ['history.days'] });
  assert.deepEqual(
    [shown(back, 'history.days'), shown(back, 'retention.days')],
    [
      [730, 'default'],
      [365, 'default'],
    ],
  );
  assert.equal((await send({ inherit: ['history.dayz'] })).code, 'config_invalid');
  await owner.post('/api/v1/tenants', { id: 'acme', name: 'Acme' });
  const own = await send({ tenant_id: 'acme', settings: { 'runs.limit': 2 } });
  assert.deepEqual(
    [own.status, own.code, own.detail],
    [400, 'config_invalid', 'runs.limit is a setting of the server, and no tenant has its own'],
  );
  assert.equal((await send({ settings: { 'runs.limit': 2 } })).settings['runs.limit'].value, 2);
});

test('a token applies of a file what its scopes allow, and all of it or nothing', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const READS = ['plans:read', 'settings:read', 'tenants:read', 'notices:read'];
  const ask = async (scopes: readonly string[], way: string, yaml: string) => {
    const { json: token } = await owner.post('/api/v1/tokens', { name: scopes.join(' '), scopes });
    const client = world.client();
    client.headers.authorization = `Bearer ${token.secret}`;
    const { status, json } = await client.post(`/api/v1/configuration/${way}`, { yaml });
    return [status, json.code === undefined ? null : json.detail];
  };
  for (const missing of READS.slice(1)) {
    const answer = await ask(
      READS.filter((one) => one !== missing),
      'diff',
      FILE,
    );
    assert.deepEqual(answer, [403, `this needs the permission ${missing}`]);
  }
  assert.deepEqual(await ask(READS, 'diff', FILE), [200, null]);
  assert.deepEqual(await ask([...READS, 'plans:write', 'settings:write'], 'apply', FILE), [
    403,
    'this needs the permission tenants:write',
  ]);
  assert.deepEqual((await owner.get('/api/v1/sources')).json.items, []);
  const sources = 'sources: { app: { kind: sqlite, path: ./app.db } }\n';
  assert.deepEqual(await ask([...READS, 'plans:write'], 'apply', sources), [200, null]);
  const all = [...READS, 'plans:write', 'settings:write', 'tenants:write'];
  assert.deepEqual(await ask(all, 'apply', FILE), [200, null]);
});
