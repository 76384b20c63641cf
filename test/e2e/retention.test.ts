import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine, fileBrowser, visitor } from '../support/browser.ts';
import { httpWorld } from '../support/http-world.ts';
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
  await page.getByRole('button', { name: 'Diese Regeln speichern' }).click();
  await page.getByText('Gespeichert.').waitFor();
  const { json: stored } = await owner.get('/api/v1/plans/nightly');
  assert.equal(stored.body.retention.keepLast, 1);
  const { json: left } = await owner.get('/api/v1/backups');
  assert.equal(left.items.length, 3, 'and takes nothing away');
});
