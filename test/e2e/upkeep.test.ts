import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { button, examine, fileBrowser, go, row, visitor } from '../support/browser.ts';
import type { HttpClient } from '../support/http-client.ts';
import { httpWorld } from '../support/http-world.ts';
import { signIn } from '../support/signed-in.ts';
import { untilTrue } from '../support/until-true.ts';

const browser = fileBrowser();

test('health says what is missing and what to do; maintenance shows what came of each step', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  await page.goto('/admin/health');
  const plan = row(page, 'Plans of Global', 'nightly');
  await plan.getByText('warning', { exact: true }).waitFor();
  assert.match((await plan.textContent())!, /never.*A warning comes after/, 'age and limit');
  await plan.getByRole('button', { name: 'Back up now: nightly' }).click();
  await page.getByText('Show the backup').waitFor();
  await page.goto('/admin/health');
  await plan.getByText('healthy', { exact: true }).waitFor();
  await plan.getByText('Rehearse a restore').waitFor();
  const at = await plan.locator('time').first().getAttribute('title');
  assert.match(at!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/, 'UTC shows when one points at it');
  await examine(page, 'health');

  await go(page, 'Maintenance');
  await button(page, 'Test all destinations').click();
  await row(page, 'Destinations', 'main').getByText('Everything works.').waitFor();
  await button(page, 'Verify main').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Verify', exact: true }).click();
  await row(page, 'Destinations', 'main').getByText('Verification: succeeded').waitFor();
  await button(page, 'Rotate nightly').click();
  await page.getByText('Applies the retention of nightly').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate', exact: true }).click();
  await row(page, 'Plans', 'nightly').getByText('Rotation: succeeded').waitFor();
  await button(page, 'Prune main').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Prune', exact: true }).click();
  await row(page, 'Destinations', 'main').getByText('Prune: succeeded').waitFor();
  await examine(page, 'maintenance');
  await cancelRun(page, owner);
});

/** A run that never ends by itself is cancelled where it was asked for. */
async function cancelRun(page: Page, owner: HttpClient): Promise<void> {
  const endless = { kind: 'command', command: 'exec sleep 100000', artifactName: 'volume.tar' };
  await owner.post('/api/v1/sources', { name: 'endless', body: endless });
  const body = { sources: ['endless'], destination: 'main' };
  await owner.post('/api/v1/plans', { name: 'endless', body });
  const { json: ran } = await owner.post('/api/v1/plans/endless/run');
  const stateOf = async () => (await owner.get(`/api/v1/jobs/${ran.job_id}`)).json.status;
  await untilTrue(async () => (await stateOf()) === 'running');
  await go(page, 'Backups');
  await page.getByRole('tab', { name: 'Requests' }).click();
  const request = row(page, 'Requests', 'endless');
  await request.getByText('running').waitFor();
  await button(page, 'Cancel the run of endless').click();
  await request.getByText('interrupted').waitFor();
  assert.equal(await stateOf(), 'interrupted');
  await page.getByRole('columnheader', { name: 'Action' }).waitFor({ state: 'detached' });
  await examine(page, 'requests');
}

test('the ledger is listed, filtered and proven in the browser; a changed entry is found', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  await page.goto('/admin/ledger');
  await page.getByRole('table', { name: 'Signing keys' }).getByText('signs', { exact: true }).waitFor();
  await button(page, 'Check every entry').click();
  await page.getByText(/^Every one of \d+ entries is proven/).waitFor();
  await page.getByText('for the first time').waitFor();
  await examine(page, 'ledger');
  const entries = page.getByRole('table', { name: 'Entries' });
  await page.getByRole('textbox', { name: 'Operation' }).fill('ledger');
  // The head of the table, and what was asked for.
  await entries.getByRole('row').nth(2).waitFor({ state: 'detached' });
  await entries.getByText('ledger.begin').waitFor();
  await button(page, 'Show entry 1').click();
  await page.getByRole('dialog').getByText('"previous_hash": "0000').waitFor();
  await page.keyboard.press('Escape');

  await page.route('**/api/v1/ledger?*', async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    for (const entry of json.items) if (entry.seq === 2) entry.actor_name = 'somebody else';
    await route.fulfill({ response, json });
  });
  await button(page, 'Check every entry').click();
  await page.getByText('Entry 2 of “What was done” was changed').waitFor();
});
