import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { beyondFrames, button, examine, field, fileBrowser, visitor } from '../support/browser.ts';
import type { HttpClient } from '../support/http-client.ts';
import { type HttpWorld, httpWorld } from '../support/http-world.ts';
import { type Cluster, startCluster } from '../support/postgres-cluster.ts';
import { signIn } from '../support/signed-in.ts';

const browser = fileBrowser();
let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster?.stop());

/** A database of two tenants that is backed up; both have lost rows since. */
async function shop(world: HttpWorld, owner: HttpClient): Promise<string> {
  const url = await cluster.createDatabase('shop');
  await cluster.psql(
    `create table orders (id int primary key, tenant_id text not null);
     insert into orders select i, case when i % 3 = 0 then 'acme' else 'rest' end from generate_series(1, 30) i`,
    'shop',
  );
  const body = { address: join(world.folder, 'main'), minimumFreeBytes: 0 };
  await owner.post('/api/v1/destinations', { name: 'main', body });
  await owner.post('/api/v1/sources', { name: 'shop', body: { kind: 'postgres', url } });
  await owner.post('/api/v1/plans', { name: 'nightly', body: { sources: ['shop'], destination: 'main' } });
  const { json } = await owner.post('/api/v1/plans/nightly/run');
  const job = await world.ended(owner, json.job_id);
  assert.equal(job.status, 'succeeded', JSON.stringify(job.error));
  await cluster.psql('delete from orders where id > 5', 'shop');
  return job.result.backups[0].backupId;
}

test('one tenant comes back into a database that others share: first what would change, then done', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const id = await shop(world, owner);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  await page.goto(`/admin/restore?backup=${id}`);
  await page.getByRole('radio', { name: /^One tenant/ }).check();
  await page.getByRole('combobox', { name: 'Tenant' }).fill('acme');
  await page.getByRole('radio', { name: /^Where a source is/ }).check();
  await page.getByRole('combobox', { name: 'Source' }).click();
  await page.getByRole('option', { name: 'shop', exact: true }).click();
  await page.getByText(/^Only rows of acme change/).waitFor();
  await page.getByText(/^There now: a database/).waitFor();
  await page.getByRole('button', { name: 'Find out what would change' }).click();
  const changes = page.getByRole('table', { name: 'What would change' });
  await changes.getByRole('row', { name: /orders 0 9 0 1$/ }).waitFor();
  await page.getByText('Nothing was changed yet.').waitFor();
  assert.equal(await cluster.psql('select count(*) from orders', 'shop'), '5');
  await page.getByLabel('Type “shop” to confirm').fill('shop');
  await examine(page, 'restore-tenant');
  await page.getByRole('button', { name: 'Restore now' }).click();
  await page.getByText('The rows of acme are those of the backup again.').waitFor();
  const counted = await cluster.psql(
    `select string_agg(tenant_id || n, ' ' order by tenant_id) from (select tenant_id, count(*) n from orders group by 1) t`,
    'shop',
  );
  assert.equal(counted, 'acme10 rest4', 'the others are as they were');
});

test('databases are found on a server and in a folder, and several are added at once', async (t) => {
  for (const name of ['one', 'line\nbreak', 'closed']) await cluster.createDatabase(name);
  await cluster.psql('alter database closed allow_connections false');
  const world = await httpWorld(t, { environment: { DATABASE_URL: cluster.urlOf('one') } });
  const owner = await world.owner();
  await world.withPlan(owner);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  await page.goto('/admin/sources');
  await button(page, 'Add a source').click();
  await page.getByRole('combobox', { name: 'Kind' }).click();
  await page.getByRole('option', { name: 'PostgreSQL database' }).click();
  assert.ok(await button(page, 'Find databases').isDisabled(), 'no server is named');
  await field(page, /^Variable that holds the address/).fill('NOT_SET');
  await button(page, 'Find databases').click();
  await page
    .getByText(/NOT_SET, which is not set/)
    .first()
    .waitFor();
  await field(page, /^Variable that holds the address/).fill('DATABASE_URL');
  await button(page, 'Find databases').click();
  assert.ok(await page.getByRole('checkbox', { name: 'closed' }).isDisabled());
  await page.getByText('It takes no connections.').waitFor();
  await page.getByRole('checkbox', { name: 'one', exact: true }).check();
  await page.getByRole('checkbox', { name: 'line break' }).check();
  await examine(page, 'discover');
  await page.setViewportSize({ width: 390, height: 800 });
  assert.deepEqual(await beyondFrames(page), [0, 0]);
  await button(page, 'Add the chosen: 2').click();
  await page.getByText('postgres: DATABASE_URL, line break').waitFor();
  const { json } = await owner.get('/api/v1/sources/line-break');
  assert.deepEqual([json.body.urlEnv, json.body.database], ['DATABASE_URL', 'line\nbreak']);

  await page.evaluate(`localStorage.setItem('holdfast-language', 'de')`);
  await page.reload();
  await button(page, 'Quelle hinzufügen').click();
  await field(page, /^Oder in einem Ordner suchen/).fill(world.folder);
  await field(page, /^Oder in einem Ordner suchen/).press('Enter');
  const own = page.getByRole('checkbox', { name: join(world.folder, 'app.db') });
  assert.ok(await own.isDisabled());
  await page.getByText('Ist schon die Quelle app').waitFor();
  await page.getByRole('checkbox', { name: join(world.folder, 'home', 'catalog.db') }).check();
  await examine(page, 'discover-german');
  assert.deepEqual(await beyondFrames(page), [0, 0]);
  await button(page, 'Ausgewählte hinzufügen: 1').click();
  await page.getByText('catalog', { exact: true }).waitFor();
});
