import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { totpCode, totpStep } from '../../src/server/access/totp.ts';
import { button, examine, field, fileBrowser, visitor } from '../support/browser.ts';
import { type HttpWorld, httpWorld, OWNER, person } from '../support/http-world.ts';

const browser = fileBrowser();

async function logIn(page: Page, name: string, password: string): Promise<void> {
  await field(page, /^Name/).fill(name);
  await field(page, /^Password/).fill(password);
  await button(page, 'Log in').click();
}

/** Ends every session, as the server does by itself after a while. */
const endSessions = (world: HttpWorld) => world.catalog.db.deleteFrom('sessions').execute();

test('a token is shown once and works; a second factor is asked for at the next login', async (t) => {
  const world = await httpWorld(t);
  await world.owner();
  const { page } = await visitor(t, browser(), world.address);
  await page.goto('/admin/tokens');
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await examine(page, 'login');
  await logIn(page, OWNER.name, 'not the password');
  await page.getByRole('alert').waitFor();
  await logIn(page, OWNER.name, OWNER.password);
  await button(page, 'Create a token').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/^Name/).fill('monitoring');
  await dialog.getByRole('checkbox', { name: 'health:read' }).check();
  await examine(page, 'token-create');
  await dialog.getByRole('button', { name: 'Create a token' }).click();
  const secret = (await page.getByTestId('token-secret').textContent())!.trim();
  const client = world.client();
  client.headers.authorization = `Bearer ${secret}`;
  assert.equal((await client.get('/functions/v1/backup-trigger/health')).status, 200);
  assert.equal((await client.get('/api/v1/backups')).status, 403, 'only what was ticked');
  await dialog.getByText('Close', { exact: true }).click();
  await page.getByRole('cell', { name: 'monitoring', exact: true }).waitFor();
  assert.ok(!(await page.content()).includes(secret), 'nothing of it stays');
  await examine(page, 'tokens');
  await button(page, 'Revoke monitoring').click();
  await page.getByText('revoked').waitFor();
  assert.equal((await client.get('/functions/v1/backup-trigger/health')).status, 401);

  await page.getByRole('link', { name: 'My account' }).click();
  await button(page, 'Set up a second factor').click();
  const key = (await page.getByTestId('factor-secret').textContent())!.trim();
  await page.getByRole('img', { name: /^The key as a picture/ }).waitFor();
  await examine(page, 'second-factor');
  const step = totpStep(Date.now());
  await field(page, /^Code that the app shows/).fill(totpCode(key, step));
  await button(page, 'Confirm the code').click();
  const [recovery = ''] = (await page.getByTestId('recovery-codes').textContent())!.trim().split('\n');
  await page.reload();
  await page.getByText('A code is asked for at every login.').waitFor();
  assert.equal(await page.getByTestId('recovery-codes').count(), 0, 'shown once');
  await examine(page, 'account');
  await button(page, 'Log out').click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await logIn(page, OWNER.name, OWNER.password);
  await page.getByText(/second factor/).waitFor();
  await field(page, /^Code/).fill(recovery);
  await button(page, 'Log in').click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
});

test('a session that ends while somebody types is taken up above the page, and nothing typed is lost', async (t) => {
  const world = await httpWorld(t);
  await world.withPlan(await world.owner());
  const { page } = await visitor(t, browser(), world.address);
  await page.goto('/admin/sources');
  await logIn(page, OWNER.name, OWNER.password);
  await button(page, 'Add a source').click();
  await field(page, /^Name/).fill('second');
  await field(page, /^Database file/).fill('/srv/second.sqlite');
  await endSessions(world);
  await button(page, 'Save').click();
  await page.getByText('nothing you typed is lost').waitFor();
  await examine(page, 'login-again');
  await page
    .getByRole('dialog', { name: 'Log in' })
    .getByLabel(/^Password/)
    .fill(OWNER.password);
  await button(page, 'Log in').click();
  await page.getByRole('cell', { name: 'second', exact: true }).waitFor();
  await page.getByText('sqlite: /srv/second.sqlite').waitFor();

  const stored = (
    await world.catalog.db.selectFrom('documents').selectAll().where('name', '=', 'second').execute()
  )[0]!;
  await button(page, 'Edit second').click();
  await field(page, /^Database file/).fill('/srv/mine.sqlite');
  const other = world.client();
  await other.post('/api/v1/session', OWNER);
  const theirs = { body: { kind: 'sqlite', path: '/srv/theirs.sqlite' }, version: stored.version };
  assert.equal((await other.send('PUT', '/api/v1/sources/second', { body: theirs })).status, 200);
  await button(page, 'Save').click();
  await page.getByText('Somebody else changed it meanwhile.', { exact: false }).waitFor();
  await button(page, 'Show their version').click();
  await page.getByText('/srv/theirs.sqlite').waitFor();
  await examine(page, 'conflict');
  await button(page, 'Overwrite it with mine').click();
  await page.getByText('sqlite: /srv/mine.sqlite').waitFor();
});

test('somebody of one tenant sees only what belongs to it; on a phone, in German, by keyboard', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  for (const id of ['acme', 'rival']) {
    await owner.post('/api/v1/tenants', { id, name: id });
    const body = { sources: ['app'], destination: 'main', tenantId: id };
    await owner.post('/api/v1/plans', { name: `${id}-daily`, body });
    const { json } = await owner.post(`/api/v1/plans/${id}-daily/run`);
    await world.ended(owner, json.job_id);
  }
  await person(world, owner, 'ann@example.org', null, { acme: 'operator' });
  const { page } = await visitor(t, browser(), world.address, {
    locale: 'de-DE',
    viewport: { width: 390, height: 800 },
  });
  await page.goto('/admin/');
  await page.getByLabel(/^Name/).focus();
  await page.keyboard.type('ann@example.org');
  await page.keyboard.press('Tab');
  await page.keyboard.type('a long walk by the sea');
  await page.keyboard.press('Enter');
  await page.getByText('acme-daily').first().waitFor();
  await page
    .getByRole('link', { name: /: gelungen$/ })
    .first()
    .waitFor();
  await examine(page, 'overview-phone');
  const everyday = ['', 'backups', 'runs', 'plans', 'sources', 'destinations', 'tokens'];
  for (const path of [...everyday, 'health', 'maintenance', 'ledger', 'notices', 'tenants', 'settings']) {
    await page.goto(`/admin/${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByRole('status', { name: 'Lädt' }).first().waitFor({ state: 'detached' });
    const text = (await page.locator('main').textContent()) ?? '';
    assert.doesNotMatch(text, /rival|nightly/, `/${path}`);
    if (/^(backups|runs|plans|health|maintenance|tenants)$/.test(path))
      assert.match(text, /acme/, `/${path}`);
  }
  await button(page, 'Menü').press('Enter');
  assert.equal(await page.getByRole('link', { name: 'Nutzer' }).count(), 0, 'not even the way to it');
});

test('users and their rights', async (t) => {
  const world = await httpWorld(t);
  await world.owner();
  const { page } = await visitor(t, browser(), world.address);
  await page.goto('/admin/users');
  await logIn(page, OWNER.name, OWNER.password);
  await button(page, 'Add a user').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/^Name/).fill('ops@example.org');
  await dialog
    .getByLabel(/^Password/)
    .first()
    .fill('short');
  await dialog.getByRole('button', { name: 'Add a user' }).click();
  await page.getByRole('alert').waitFor();
  await dialog
    .getByLabel(/^Password/)
    .first()
    .fill('a long walk by the sea');
  await examine(page, 'user-create');
  await dialog.getByRole('button', { name: 'Add a user' }).click();
  await page.getByRole('cell', { name: 'ops@example.org', exact: true }).waitFor();
  await button(page, 'Change ops@example.org').click();
  await page.getByRole('menuitem', { name: 'Make operator' }).click();
  await page.getByRole('cell', { name: 'operator', exact: true }).waitFor();
  await examine(page, 'users');
  // The server wants the password again for what is dangerous, once it was given a while ago.
  await world.catalog.db.updateTable('sessions').set({ proven_at: 0 }).execute();
  await button(page, 'Change ops@example.org').click();
  await page.getByRole('menuitem', { name: 'Disable' }).click();
  await page.getByText('This is a dangerous action').waitFor();
  await examine(page, 'proof');
  await page
    .getByRole('dialog')
    .getByLabel(/^Password/)
    .fill(OWNER.password);
  await button(page, 'Confirm').click();
  await page.getByText('disabled').waitFor();
});
