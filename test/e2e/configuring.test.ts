import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { keyIdOf } from '../../src/engine/index.ts';
import { beyondFrames, button, examine, field, fileBrowser, go, row, visitor } from '../support/browser.ts';
import type { HttpClient } from '../support/http-client.ts';
import { type HttpWorld, httpWorld, OWNER } from '../support/http-world.ts';
import { noticeReceiver } from '../support/notice-receiver.ts';
import { signIn } from '../support/signed-in.ts';

const browser = fileBrowser();

const SECRET = 'between the old stones';
const cell = (page: Page, name: string) => page.getByRole('cell', { name, exact: true });
test('notices, keys, tenants and settings, by the page', async (t) => {
  const receiver = await noticeReceiver(t);
  const world = await httpWorld(t, {
    environment: { NOTICE_SECRET: SECRET, HOLDFAST_ALLOWED_ADDRESSES: '127.0.0.1' },
  });
  const owner = await world.owner();
  await world.withPlan(owner);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  await page.goto('/admin/notices');
  await addChannel(page, receiver.url);
  assert.equal(receiver.received.length, 1);
  assert.ok(receiver.received[0]!.headers['content-type']!.includes('json'));
  await generateKey(page, keyIdOf(world.keyText)!);
  await addTenant(page);
  await changeSetting(page);
  await settingsOfBackups(page);
  await hoursOfDatabases(page, world, owner);
  // Archiving wants the password again, once it was given a while ago.
  await world.catalog.db.updateTable('sessions').set({ proven_at: 0 }).execute();
  await archiveTenant(page);
});

/** A webhook: refused without its secret, then stored, tried, and listed with what was sent. */
async function addChannel(page: Page, url: string): Promise<void> {
  await button(page, 'Add a channel').click();
  await field(page, /^Name/).fill('chat');
  await field(page, /^Address/).fill(`${url}/hook`);
  await button(page, 'Save').click();
  // The message of the server stands at the field, too.
  await page.getByText('must be the name of an environment variable', { exact: true }).waitFor();
  await field(page, /^Variable that holds the signing secret/).fill('NOTICE_SECRET');
  await page.getByRole('combobox', { name: 'Events' }).click();
  await page.getByRole('option', { name: 'Problems' }).click();
  await page.keyboard.press('Escape');
  const yaml = await field(page, /^As in holdfast.yaml/).inputValue();
  assert.match(yaml, /secret:\n {2}env: NOTICE_SECRET\n/, 'the name of the secret');
  assert.match(yaml, /events:\n {6}- problems\n/);
  await examine(page, 'channel-editor');
  await button(page, 'Save').click();
  await cell(page, 'chat').first().waitFor();
  await button(page, 'Test chat').click();
  await page.getByText(/^Sent, in/).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await row(page, 'What was sent', 'chat').getByText('delivered').waitFor();
  assert.ok(!(await page.content()).includes(SECRET), 'the page never sees the secret');
  await examine(page, 'notices');
}

/** Shown once, and gone afterwards. */
async function generateKey(page: Page, keyId: string): Promise<void> {
  await go(page, 'Keys');
  await row(page, 'Keys of main', keyId).getByText('used by the server').waitFor();
  await button(page, 'Generate a key').click();
  const key = (await page.getByTestId('key-secret').textContent())!.trim();
  assert.ok(keyIdOf(key), 'a key that the engine reads');
  await page.getByText(`Key id ${keyIdOf(key)}.`, { exact: false }).waitFor();
  await button(page, 'I have kept it').click();
  await button(page, 'Generate a key').waitFor();
  assert.ok(!(await page.content()).includes(key), 'nothing of it stays');
  await addKey(page, key);
  await examine(page, 'keys');
  await takeKit(page);
  await retireKey(page, key);
}

async function addKey(page: Page, key: string): Promise<void> {
  await button(page, 'Add a key: main').click();
  const dialog = page.getByRole('dialog', { name: 'Add a key: main' });
  await dialog.getByLabel(/^Key or passphrase/).fill('password1234');
  await dialog.getByRole('button', { name: 'Add a key' }).click();
  await dialog
    .getByText(/little more than "password"/)
    .first()
    .waitFor();
  await dialog.getByLabel(/^Key or passphrase/).fill(key);
  await dialog.getByLabel(/^Label/).fill('in the safe');
  await dialog.getByRole('button', { name: 'Add a key' }).click();
  await row(page, 'Keys of main', keyIdOf(key)!).getByText('in the safe').waitFor();
  assert.ok(!(await page.content()).includes(key), 'nothing of it stays');
}

/** With the key, under words of its own; afterwards it tells of every key. */
async function takeKit(page: Page): Promise<void> {
  const due = page.getByText(/^No recovery kit was made/);
  await due.first().waitFor();
  await page.getByLabel('With the key').check();
  await page.getByLabel(/^Passphrase of the kit/).fill('seven grey geese over the fjord');
  const downloading = page.waitForEvent('download');
  await button(page, 'Download the recovery kit').click();
  assert.match((await downloading).suggestedFilename(), /^holdfast-recovery-kit-.*\.zip$/);
  await due.first().waitFor({ state: 'detached' });
}

/** What is typed names the key; the one that the server uses has no such button. */
async function retireKey(page: Page, key: string): Promise<void> {
  const id = keyIdOf(key)!;
  assert.equal(await page.getByRole('button', { name: /^Retire key/ }).count(), 1);
  await button(page, `Retire key ${id}`).click();
  const dialog = page.getByRole('dialog', { name: `Retire key ${id}` });
  await dialog.getByLabel(`Type “${id}” to confirm`).fill(id);
  await dialog.getByRole('button', { name: 'Retire' }).click();
  await row(page, 'Keys of main', id).waitFor({ state: 'detached' });
}

async function addTenant(page: Page): Promise<void> {
  await go(page, 'Tenants');
  await button(page, 'Add a tenant').click();
  await field(page, /^Id/).fill('not a tenant');
  await page.getByRole('dialog').getByRole('button', { name: 'Add a tenant' }).click();
  await page.getByRole('alert').waitFor();
  await field(page, /^Id/).fill('acme');
  await field(page, /^Name/).fill('Acme Ltd');
  await page.getByRole('dialog').getByRole('button', { name: 'Add a tenant' }).click();
  await cell(page, 'Acme Ltd').waitFor();
  await examine(page, 'tenants');
}

/** Of the tenant alone, and back. */
async function changeSetting(page: Page): Promise<void> {
  const name = 'Backups are kept for days';
  await page.getByRole('link', { name: 'Settings of Acme Ltd' }).click();
  const days = row(page, 'Settings', name);
  await days.getByText('default').waitFor();
  await button(page, `Change: ${name}`).click();
  await page.getByRole('dialog').getByLabel(name).fill('30');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await days.getByText('this tenant').waitFor();
  assert.match((await days.textContent())!, /30.*owner@example\.org/, 'the value, and who set it');
  await examine(page, 'settings');
  await button(page, `As inherited: ${name}`).click();
  await days.getByText('default').waitFor();
  assert.match((await days.textContent())!, /365/);
}

/** On the page of backups: for all, for one tenant, and back; what is inherited says from whom. */
async function settingsOfBackups(page: Page): Promise<void> {
  const name = 'Backups are kept for days';
  await go(page, 'Backups');
  await page.getByRole('tab', { name: 'Settings' }).click();
  const days = row(page, 'Settings', name);
  const choose = async (whose: string) => {
    await page.getByRole('combobox', { name: 'Whose settings' }).click();
    await page.getByRole('option', { name: whose, exact: true }).click();
  };
  const change = async (value: string) => {
    await button(page, `Change: ${name}`).click();
    await page.getByRole('dialog').getByLabel(name).fill(value);
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  };
  const says = async (value: string, from: string) => {
    await days.getByText(from, { exact: true }).waitFor();
    await days.getByText(value, { exact: true }).waitFor();
  };
  await says('365', 'default');
  await change('90');
  await says('90', 'all tenants');
  await choose('Acme Ltd');
  await says('90', 'all tenants');
  assert.equal(await button(page, `As inherited: ${name}`).count(), 0, 'it has none of its own to give up');
  await change('30');
  await says('30', 'this tenant');
  await choose('All tenants');
  await says('90', 'all tenants');
  await choose('Acme Ltd');
  await examine(page, 'backups-settings');
  await button(page, `As inherited: ${name}`).click();
  await says('90', 'all tenants');
}

/** Two databases of a plan on a phone: what is out of bounds is told at once, then each has its own hour, run and size. */
async function hoursOfDatabases(page: Page, world: HttpWorld, owner: HttpClient): Promise<void> {
  const body = { kind: 'sqlite', path: join(world.folder, 'app.db') };
  await owner.post('/api/v1/sources', { name: 'results', body });
  await page.setViewportSize({ width: 390, height: 800 });
  await page.goto('/admin/plans');
  await button(page, 'Edit nightly').click();
  await page.getByRole('checkbox', { name: 'results', exact: true }).check();
  const of = (name: string) => page.getByRole('group', { name, exact: true });
  assert.equal(await of('uploads').count(), 0, 'files are no database');
  for (const name of ['app', 'results']) await of(name).getByLabel('At an hour of its own').check();
  const hours = await Promise.all(
    ['app', 'results'].map((name) => of(name).getByLabel('Hour (UTC)').inputValue()),
  );
  assert.deepEqual(hours, ['2', '3'], 'those of the contract');
  await of('results').getByLabel('Hour (UTC)').fill('24');
  await of('results').getByText('must be at most 23', { exact: true }).waitFor();
  await of('results').getByLabel('Kept for days').fill('366');
  await of('results').getByText('must be at most 365', { exact: true }).waitFor();
  await examine(page, 'plan-databases');
  assert.deepEqual(await beyondFrames(page), [0, 0], 'nothing is wider than the phone');
  await of('results').getByLabel('Hour (UTC)').fill('5');
  await of('results').getByLabel('Kept for days').fill('30');
  const yaml = await field(page, /^As in holdfast.yaml/).inputValue();
  assert.match(yaml, /databases:\n +app:\n.*hour: 2\n(?:.*\n)* +results:\n +hour: 5\n +retentionDays: 30\n/);
  await button(page, 'Save').click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.setViewportSize({ width: 1280, height: 800 });
  const { json } = await owner.post('/api/v1/plans/nightly/run', { part: 'results' });
  assert.equal(typeof json.job_id, 'string');
  await world.ended(owner, json.job_id);
  await go(page, 'Backups');
  await row(page, 'Backups', 'nightly/results')
    .getByText(/^results 8 KiB$/)
    .waitFor();
  await row(page, 'Backups', 'nightly/results').getByRole('link').first().click();
  await page.getByText(/^results 8 KiB$/).waitFor();
  await page.getByRole('navigation').getByRole('link', { name: 'Overview', exact: true }).click();
  const plan = row(page, 'Plans', 'nightly');
  for (const [text, hour] of [
    [/^app /, /T02:00:00/],
    [/^results /, /T05:00:00/],
  ] as const)
    assert.match(
      (await plan.getByText(text).locator('time').getAttribute('datetime'))!,
      hour,
      'its next run',
    );
}

async function archiveTenant(page: Page): Promise<void> {
  await go(page, 'Tenants');
  await button(page, 'Archive Acme Ltd').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Archive', exact: true }).click();
  const proof = page.getByRole('dialog', { name: 'Confirm that it is you' });
  await proof.getByLabel(/^Password/).fill(OWNER.password);
  await proof.getByRole('button', { name: 'Confirm' }).click();
  await row(page, 'Tenants', 'acme').getByText('archived').waitFor();
}
