import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fakeCli, fakeIo } from '../../test/support/fake-io.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { choosePlan } from './choose-plan.ts';
import { adHocPlan } from './commands/backup.ts';

const CONFIG = `sources:
  app: { kind: sqlite, path: data/app.db }
  orders: { kind: postgres, url: "postgres://app:\${PW}@db/orders", globals: true }
  invoices: { kind: postgres, urlEnv: INVOICES_URL }
  uploads: { kind: files, paths: [up, "\${EXTRA}"], exclude: ['*.tmp'] }
  volume: { kind: command, command: dump, artifactName: v.tar }
plans:
  nightly: { sources: [app, orders, uploads, volume] }
  tenant: { sources: [invoices], tenantId: t1 }
`;

const SHARED = `sources:
  shared: { kind: postgres, url: "postgres://app@db/orders" }
  all-rows: { kind: postgres, url: "postgres://app@db/orders", tenant: {} }
  of-t1: { kind: postgres, url: "postgres://app@db/orders", tenant: { id: t1 } }
  uploads: { kind: files, path: up }
plans:
  global: { sources: [shared] }
  unfiltered: { sources: [all-rows] }
  export: { sources: [of-t1] }
  mixed: { sources: [of-t1, uploads] }
  other: { sources: [of-t1], tenantId: t2 }
  own: { sources: [shared, uploads], tenantId: t1 }
`;

async function setup(t: TestContext, environment: Record<string, string> = {}) {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'conf'));
  await writeFile(join(folder, 'conf', 'holdfast.yaml'), CONFIG);
  await writeFile(join(folder, 'nightly'), 'a file of that name');
  await writeFile(join(folder, 'x.txt'), '');
  const io = fakeIo({ folder, environment: { HOLDFAST_CONFIG: 'conf/holdfast.yaml', ...environment } });
  return { cli: fakeCli(io), io, folder };
}

test('a plan becomes its sources, paths relative to the configuration, variables filled in', async (t) => {
  const { cli, folder } = await setup(t, { PW: 'a/b', EXTRA: '/extra' });
  const chosen = await choosePlan(cli, ['nightly'], {});
  assert.equal(chosen.name, 'nightly');
  assert.deepEqual(chosen.sources, [
    { kind: 'sqlite', name: 'app', path: join(folder, 'conf/data/app.db') },
    { kind: 'postgres', name: 'orders', url: 'postgres://app:a%2Fb@db/orders', globals: true },
    {
      kind: 'files',
      name: 'uploads',
      paths: [join(folder, 'conf/up'), '/extra'],
      exclude: ['*.tmp'],
      optional: false,
    },
    { kind: 'command', name: 'volume', command: 'dump', artifactName: 'v.tar', restoreCommand: null },
  ]);
});

test('a type takes the fitting sources and says what it leaves out', async (t) => {
  const { cli, io } = await setup(t, { PW: 'x', EXTRA: '/extra' });
  const databases = await choosePlan(cli, ['nightly'], { type: 'db' });
  assert.deepEqual(
    databases.sources.map(({ name }) => name),
    ['app', 'orders'],
  );
  assert.equal(io.written.stderr, 'type db leaves out uploads, volume\n');
  await assert.rejects(choosePlan(cli, ['./x.txt'], { type: 'db' }), { code: 'usage', message: /x\.txt/ });
});

test('without arguments the only plan is meant, of the tenant if one is named', async (t) => {
  const { cli } = await setup(t, { INVOICES_URL: 'postgres://db/invoices' });
  await assert.rejects(choosePlan(cli, [], {}), { code: 'usage', message: /nightly, tenant/ });
  const chosen = await choosePlan(cli, [], { tenantId: 't1' });
  assert.deepEqual(
    [chosen.name, chosen.sources[0]],
    ['tenant', { kind: 'postgres', name: 'invoices', url: 'postgres://db/invoices', globals: false }],
  );
});

test('a plan stands alone; ./name means the file; a misspelt plan is recognised', async (t) => {
  const { cli } = await setup(t);
  await assert.rejects(choosePlan(cli, ['nightly', 'x.txt'], {}), { code: 'usage', next: /\.\/nightly/ });
  assert.equal((await choosePlan(cli, ['./nightly'], {})).name, null);
  await assert.rejects(choosePlan(cli, ['nigthly'], {}), {
    code: 'source_missing',
    next: /the plan nightly/,
  });
  await assert.rejects(choosePlan(cli, ['nightly'], {}), { code: 'config_invalid', message: /PW/ });
});

test('named sources always make the same plan, whatever their order and passwords', () => {
  const sqlite = { kind: 'sqlite', name: 'app.db', path: '/srv/app.db' } as const;
  const postgres = (url: string) => ({ kind: 'postgres', name: 'orders', url, globals: false }) as const;
  const plan = adHocPlan([sqlite, postgres('postgres://app:one@db/orders')], 'web1');
  assert.match(plan, /^app\.db\+orders@[0-9a-f]{6}$/);
  assert.equal(adHocPlan([postgres('postgres://app:two@db/orders'), sqlite], 'web1'), plan);
  assert.equal(adHocPlan([sqlite, postgres('postgres://app@db/orders')], 'web1'), plan);
  assert.notEqual(adHocPlan([sqlite, postgres('postgres://app@db2/orders')], 'web1'), plan);
  assert.notEqual(
    adHocPlan([{ ...sqlite, path: '/other/app.db' }, postgres('postgres://app@db/orders')], 'web1'),
    plan,
  );
  assert.notEqual(adHocPlan([sqlite, postgres('postgres://app@db/orders')], 'web2'), plan);
});

test('a tenant without a plan is named, not taken for nothing at all', async (t) => {
  const { cli } = await setup(t, { INVOICES_URL: 'postgres://db/invoices' });
  await assert.rejects(choosePlan(cli, [], { tenantId: 't9' }), {
    code: 'usage',
    message: 'no plan belongs to the tenant t9',
    next: 'name what to back up for it; the plans are: nightly, tenant',
  });
});

test('a plan is taken under the name of a tenant only when it is all of that tenant', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'holdfast.yaml'), SHARED);
  await writeFile(join(folder, 'x.txt'), '');
  const cli = fakeCli(fakeIo({ folder }));
  const chosen = (name: string, tenantId: string, type?: 'db') =>
    choosePlan(cli, [name], { tenantId, ...(type ? { type } : {}) });
  const refused = (name: string, tenantId: string, message: RegExp) =>
    assert.rejects(chosen(name, tenantId), { code: 'usage', message });
  await refused('global', 't1', /^plan global belongs to no tenant, .*: shared$/);
  await refused('unfiltered', 't1', /: all-rows$/);
  await refused('mixed', 't1', /: uploads$/);
  await refused('export', 't2', /: of-t1$/);
  await refused('other', 't1', /^plan other belongs to the tenant t2, not to t1$/);
  for (const [name, type] of [['export'], ['own'], ['mixed', 'db']] as const) {
    assert.equal((await chosen(name, 't1', type)).name, name);
  }
  // What is named on the command line, one by one, is whose the operator says.
  assert.equal((await chosen('./x.txt', 't1')).name, null);
});
