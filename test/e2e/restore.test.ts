import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { button, examine, field, fileBrowser, visitor } from '../support/browser.ts';
import { damagedAfterBackup, type HttpWorld, httpWorld, OWNER, rowsOf } from '../support/http-world.ts';

const browser = fileBrowser();

async function logIn(page: Page): Promise<void> {
  await field(page, /^Name/).fill(OWNER.name);
  await field(page, /^Password/).fill(OWNER.password);
  await button(page, 'Log in').click();
}

test('a database is exchanged with a way back, though the session ends and the server goes away meanwhile', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const file = await damagedAfterBackup(world, owner);

  const { page, findings } = await visitor(t, browser(), world.address);
  await page.goto('/admin/restore');
  await logIn(page);
  await page.getByRole('table', { name: 'Which backup?' }).getByRole('link').first().click();
  await page.getByRole('radio', { name: 'One table' }).check();
  await page.getByRole('combobox', { name: 'Table' }).click();
  await page.getByRole('option', { name: 'app.db/t', exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('radio', { name: 'One part of it' }).check();
  await page.getByRole('radio', { name: /^Where a source is/ }).check();
  await page.getByRole('combobox', { name: 'Source' }).click();
  await page.getByRole('option', { name: 'app', exact: true }).click();
  await page.getByText(/^app\.db \(8 KiB; tables: 1, rows: 3\) goes to /).waitFor();
  await page.getByText(/^There now: /).waitFor();
  await page.getByText(/app\.db now is replaced by what was there on/).waitFor();
  await field(page, /^Type “app” to confirm/).fill('app');
  await examine(page, 'restore-safe');
  await world.catalog.db.deleteFrom('sessions').execute();
  const release = await keepRunning(page);
  await button(page, 'Restore now').click();
  const again = page.getByRole('dialog', { name: 'Log in' });
  await again.getByLabel(/^Password/).fill(OWNER.password);
  await again.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Restore: nightly' }).waitFor();
  assert.deepEqual(findings(), [], 'refusals apart, nothing is told');
  await goneForAWhile(world, page);
  release();
  await page.getByText(/items were put back/).waitFor();
  await page.getByText('What was there was backed up first:').waitFor();
  assert.equal(rowsOf(file), 3);
  findings();

  await page.getByRole('link', { name: 'Ways back' }).click();
  await button(page, /^Switch back: /).click();
  await field(page, /^Type “back” to confirm/).fill('back');
  await examine(page, 'restore-back');
  await button(page, 'Switch back').click();
  await page.getByText(/^Done: .*app\.db\.$/).waitFor();
  assert.equal(rowsOf(file), 1, 'what was there before');
});

/** As far as the page knows, a job runs until it is released: however fast this machine is, the server goes away amid it. */
async function keepRunning(page: Page): Promise<() => void> {
  let isHeld = true;
  const open = { status: 'running', finished_at: null, result: null, error: null };
  await page.route(/\/api\/v1\/jobs\/[^/]+$/, async (route) => {
    if (!isHeld) return route.continue();
    const response = await route.fetch().catch(() => null);
    if (!response) return route.abort('connectionrefused');
    return route.fulfill({ response, json: { ...(await response.json()), ...open } });
  });
  return () => {
    isHeld = false;
  };
}

/** No connection is left, and none is taken, until the page has said so. */
async function goneForAWhile(world: HttpWorld, page: Page): Promise<void> {
  const { server } = world.app;
  const { port } = server.address() as AddressInfo;
  server.close();
  server.closeAllConnections();
  await page.getByText('The server does not answer.').first().waitFor();
  server.listen(port, '127.0.0.1');
  await page.getByText('The server does not answer.').first().waitFor({ state: 'detached' });
}

test('one file comes beside, or to this computer; nothing there is touched', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  await writeFile(join(world.folder, 'uploads', 'photo.raw'), randomBytes(1000));
  const { json: ran } = await owner.post('/api/v1/plans/nightly/run');
  await world.ended(owner, ran.job_id);
  const original = await readFile(join(world.folder, 'uploads', 'photo.raw'));
  const [backup] = (await owner.get('/api/v1/backups')).json.items;
  const { page } = await visitor(t, browser(), world.address, { viewport: { width: 390, height: 800 } });
  await page.goto(`/admin/restore?backup=${backup.id}&item=${encodeURIComponent('uploads/photo.raw')}`);
  await logIn(page);
  await page.getByRole('radio', { name: /^To this computer/ }).check();
  const downloading = page.waitForEvent('download');
  await button(page, 'Download').click();
  assert.deepEqual(await readFile(await (await downloading).path()), original);
  await page.getByRole('radio', { name: /^Beside what is there/ }).check();
  await field(page, /^Folder or file/).fill(join(world.folder, 'photo.raw'));
  await page.getByText('Nothing is there now.').waitFor();
  await field(page, /^Type “restore” to confirm/).fill('restore');
  await examine(page, 'restore-phone');
  await button(page, 'Restore now').click();
  await page.getByText(/items were put back/).waitFor();
  const [, place = ''] = /→ (\S+photo\.raw\S*)/.exec((await page.locator('main').textContent()) ?? '') ?? [];
  assert.match(place, /_restored_/);
  const wide = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
  assert.equal(wide, false, 'nothing sticks out');
});
