import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { button, examine, field, fileBrowser, visitor } from '../support/browser.ts';
import { type HttpWorld, httpWorld, OWNER, rowsOf } from '../support/http-world.ts';

const browser = fileBrowser();

const PIECE_BYTES = 4 * 1024 ** 2;

/** A server with a plan over its data and its own catalog; one backup of all of it, as a bundle. */
async function lostServer(world: HttpWorld): Promise<string> {
  const owner = await world.owner();
  await world.withPlan(owner);
  // Two pieces of it.
  await writeFile(join(world.folder, 'uploads', 'photo.raw'), randomBytes(PIECE_BYTES + 1000));
  const path = join(world.folder, 'home', 'catalog.db');
  await owner.post('/api/v1/sources', { name: 'holdfast', body: { kind: 'sqlite', path } });
  const body = { sources: ['app', 'uploads', 'holdfast'], destination: 'main' };
  await owner.post('/api/v1/plans', { name: 'all', body });
  const { json } = await owner.post('/api/v1/plans/all/run');
  const job = await world.ended(owner, json.job_id);
  assert.equal(job.status, 'succeeded', JSON.stringify(job.error));
  const [backup] = (await owner.get('/api/v1/backups?plan=all')).json.items;
  const file = join(world.folder, 'all.tar.gz.enc');
  await writeFile(file, (await owner.get(`/api/v1/backups/${backup.id}/download`)).bytes);
  return file;
}

test('a new server takes back what another had, from an uploaded bundle, and somebody is logged in', async (t) => {
  const lost = await httpWorld(t);
  const bundle = await lostServer(lost);
  const fresh = await httpWorld(t);
  const { page, findings } = await visitor(t, browser(), fresh.address);
  await page.goto('/');
  await begin(page, fresh.setupToken, bundle);
  await sendOverBrokenLine(page, fresh.setupToken, bundle);
  const told = findings();
  assert.ok(told.length > 0 && told.every((one) => one.includes('ERR_CONNECTION_RESET')), told.join('\n'));
  await page.getByRole('alert').getByText(/key/i).first().waitFor();
  await examine(page, 'setup-wrong-key');
  assert.match((await page.getByText(/SHA-256/).textContent())!, /all\.tar\.gz\.enc/, 'it is not sent again');
  await field(page, /^Key of the backups/).fill(lost.keyText);
  await button(page, 'Check it, all of it').click();
  await page.getByText(/^It is whole/).waitFor();

  // A page loaded anew goes on where it was.
  await page.reload();
  await page.getByRole('radio', { name: /^Restore from a backup/ }).check();
  await field(page, /^Setup token/).fill(fresh.setupToken);
  await button(page, 'Go on with it').click();
  await page.getByText(/^It is whole/).waitFor();
  const places = { 'app.db': join(fresh.folder, 'app.db'), uploads: join(fresh.folder, 'uploads') };
  await page.getByRole('radio', { name: /^Each to a place of its own/ }).check();
  await field(page, /^app\.db/).fill('app.db');
  await field(page, /^uploads/).fill(places.uploads);
  await field(page, /^Type “restore” to confirm/).fill('restore');
  await button(page, 'Restore now').click();
  await page.getByText('must be an absolute path').first().waitFor();
  await field(page, /^app\.db/).fill(places['app.db']);
  await page.getByRole('combobox', { name: /^Take plans/ }).click();
  await page.getByRole('option', { name: 'catalog.db', exact: true }).click();
  await examine(page, 'setup-place');
  await button(page, 'Restore now').click();
  await page.getByText('Taken over: 2 plans, 3 sources, 1 destinations, 0 channels, 0 tenants.').waitFor();
  await examine(page, 'setup-restored');

  await field(page, /^Name/).fill(OWNER.name);
  await field(page, /^Password/).fill(OWNER.password);
  await button(page, 'Claim this server').click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  const kit = (await page.evaluate(async () => (await fetch('/api/v1/kit')).json())) as Record<
    string,
    unknown
  >;
  assert.deepEqual(
    [kit.destinations, kit.first],
    [1, false],
    'a server with a past is not asked for a kit first',
  );
  await page.getByRole('link', { name: 'Plans', exact: true }).click();
  await page.getByRole('cell', { name: 'nightly', exact: true }).waitFor();
  assert.equal(rowsOf(places['app.db']), 3);
  assert.equal(await readFile(join(places.uploads, 'one.txt'), 'utf8'), 'one');
});

/** The line breaks amid the file, and the page is loaded anew: what arrived stays there. */
async function sendOverBrokenLine(page: Page, token: string, bundle: string): Promise<void> {
  const route = '**/api/setup/restore/uploads/*';
  const arrived: string[] = [];
  let isBroken = true;
  await page.route(route, (request) => {
    if (request.request().method() !== 'PATCH') return request.continue();
    if (isBroken && arrived.length === 1) return request.abort('connectionreset');
    arrived.push(request.request().headers()['upload-offset']!);
    return request.continue();
  });
  await button(page, 'Check it, all of it').click();
  await page.getByText(/^The server does not answer\. It goes on by itself from 4 MiB/).waitFor();
  await page.reload();
  isBroken = false;
  await begin(page, token, bundle);
  await button(page, 'Check it, all of it').click();
  await page.getByText(/SHA-256/).waitFor();
  assert.deepEqual(arrived, ['0', String(PIECE_BYTES)], 'nothing that arrived is sent again');
  await page.unroute(route);
}

async function begin(page: Page, token: string, bundle: string): Promise<void> {
  await page.getByRole('radio', { name: /^Restore from a backup/ }).check();
  await field(page, /^Setup token/).fill(token);
  await page.locator('input[type=file]').setInputFiles(bundle);
  await field(page, /^Key of the backups/).fill('not the key of this backup');
}
