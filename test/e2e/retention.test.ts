import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { button, examine, fileBrowser, visitor } from '../support/browser.ts';
import { httpWorld, rowsOf } from '../support/http-world.ts';
import { signIn } from '../support/signed-in.ts';

const browser = fileBrowser();

test('rules of retention are tried on what is there, and change nothing before they are stored; in German', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  for (let i = 0; i < 3; i += 1) {
    const { json } = await owner.post('/api/v1/plans/nightly/run');
    assert.equal((await world.ended(owner, json.job_id)).status, 'succeeded');
  }
  const { page, context } = await visitor(t, browser(), world.address, { locale: 'de-DE' });
  await signIn(context, world.address, owner);
  await page.goto('/admin/plans');
  await page.getByRole('link', { name: 'Aufbewahrung von nightly' }).click();
  await page.getByText('3 bleiben, 0 kämen weg.').waitFor();
  await page.getByLabel('Die neuesten').fill('1');
  await page.getByText('1 bleiben, 2 kämen weg.').waitFor();
  const table = page.getByRole('table', { name: 'In main' });
  assert.match(
    (await table.getByRole('row').nth(1).textContent()) ?? '',
    /die letzte gute; eine der neuesten 1/,
  );
  assert.match((await table.getByRole('row').nth(3).textContent()) ?? '', /keine Regel behält sie/);
  await examine(page, 'retention');
  const { json: before } = await owner.get('/api/v1/plans/nightly');
  assert.equal(before.body.retention?.keepLast, undefined, 'looking stores nothing');
  await button(page, 'Diese Regeln speichern').click();
  await page.getByText('Gespeichert.').waitFor();
  const { json: stored } = await owner.get('/api/v1/plans/nightly');
  assert.equal(stored.body.retention.keepLast, 1);
  const { json: left } = await owner.get('/api/v1/backups');
  assert.equal(left.items.length, 3, 'and takes nothing away');
});

test('a growing table: how much would go is said first, its name is typed, and what went lies in an archive', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  await page.goto('/admin/tables');
  await page.getByText('No table has a rule yet.').waitFor();
  const file = join(world.folder, 'app.db');
  const rule = { column: 'a', unit: 'value', maxRows: 2, schedule: '0 4 * * *', keepArchivesDays: 365 };
  const body = { kind: 'sqlite', path: file, tableRetention: { t: rule } };
  const { json: source } = await owner.get('/api/v1/sources/app');
  const changed = await owner.send('PUT', '/api/v1/sources/app', { body: { body, version: source.version } });
  assert.equal(changed.status, 200, changed.text);
  await page.reload();
  const row = page.getByRole('table', { name: 'Growing tables' }).getByRole('row').nth(1);
  await row.getByText('backed up by nightly').waitFor();
  assert.match((await row.textContent())!, /backed up by nightly.*newest 2 rows.*never/);
  assert.ok(await row.locator('time').getAttribute('datetime'), 'the next run');
  await button(page, 'Dry run: app/t').click();
  await row.getByText('1 of 3 rows would be archived and deleted now.').waitFor();
  assert.equal(rowsOf(file), 3, 'looking deletes nothing');
  await button(page, 'Run now: app/t').click();
  const dialog = page.getByRole('dialog');
  const go = dialog.getByRole('button', { name: 'Archive and delete old rows' });
  assert.equal(await go.isDisabled(), true, 'not before it is confirmed');
  await dialog.getByRole('textbox').fill('t');
  await examine(page, 'tables-confirm');
  await go.click();
  await row.getByText('1 deleted').waitFor();
  assert.equal(await row.getByText('would be archived').count(), 0, 'that was before');
  assert.equal(rowsOf(file), 2);
  await examine(page, 'tables');
  await row.getByRole('link', { name: 'Show the run' }).click();
  await page.getByText('1 deleted').waitFor();
  await page.getByRole('link', { name: 'Show the archive (1)' }).click();
  await page.getByText('table-archive.app.t').first().waitFor();
});
