import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { button, examine, field, fileBrowser, visitor } from '../support/browser.ts';
import { httpWorld } from '../support/http-world.ts';
import { signIn } from '../support/signed-in.ts';

const browser = fileBrowser();

test('checks are tried, stored, and a recovery is rehearsed with them; its evidence is kept', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json: ran } = await owner.post('/api/v1/plans/nightly/run');
  await world.ended(owner, ran.job_id);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  await page.goto('/admin/drills');
  await page.getByText('Nothing was rehearsed yet.').waitFor();
  await page.getByRole('link', { name: 'Schedule and checks of nightly' }).click();
  await addCheck(page);
  await storeOverSomebodyElse(page, owner);

  await page.getByRole('link', { name: 'Drills', exact: true }).click();
  await page.getByText('every quarter').waitFor();
  await button(page, 'Rehearse now: nightly').click();
  await page.getByRole('link', { name: 'Show the drill' }).click();
  await page.getByRole('heading', { level: 1, name: /^Drill of/ }).waitFor();
  await page.getByRole('cell', { name: 'three rows', exact: true }).waitFor();
  await page.getByRole('table', { name: 'How long each phase took' }).waitFor();
  await page.getByRole('group', { name: 'Recovery time (RTO)' }).getByRole('link').waitFor();
  await examine(page, 'drill');
  const id = new URL(page.url()).pathname.split('/').pop();
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download the signed document' }).click();
  const file = await (await downloading).path();
  const { text } = await owner.get(`/api/v1/drills/${id}/evidence.json`);
  assert.equal(await readFile(file, 'utf8'), text, 'byte for byte what was signed');
  assert.match(text, /three rows/);

  await page.getByRole('link', { name: 'Drills', exact: true }).click();
  const history = page.getByRole('table', { name: 'What was rehearsed' });
  await history.getByRole('cell', { name: 'green', exact: true }).waitFor();
  await history.getByRole('cell', { name: 'red (trial run)', exact: true }).waitFor();
  await examine(page, 'drills');

  const { json: again } = await owner.post('/api/v1/drills', { plan: 'nightly' });
  await world.ended(owner, again.job_id);
  await lookAtOverview(page);
});

/** Both drills in a strip and in the trends, and what the destination holds. */
async function lookAtOverview(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Overview', exact: true }).click();
  const strip = page.getByRole('navigation', { name: 'Last drills of nightly' });
  await strip
    .getByRole('link', { name: /: green$/ })
    .nth(1)
    .waitFor();
  for (const what of ['Recovery time (RTO)', 'Age of the data (RPO)']) {
    const trend = page.getByRole('group', { name: `nightly: ${what}` });
    await trend.getByRole('link').nth(1).waitFor();
  }
  const row = page.getByRole('table', { name: 'Storage' }).getByRole('row', { name: /^main 1 / });
  await row.waitFor();
  await examine(page, 'overview-figures');
}

/** A query that expects too much, then as much as there is. */
async function addCheck(page: Page): Promise<void> {
  await page.getByRole('combobox', { name: 'Schedule' }).click();
  await page.getByRole('option', { name: 'every month' }).click();
  await button(page, 'Add a query').click();
  const check = page.getByRole('group', { name: 'Query 1' });
  await check.getByLabel('Name of the check').fill('three rows');
  await check.getByLabel('One statement').fill('select count(*) from t');
  await check.getByLabel('Must give').fill('atLeast: 4');
  await button(page, 'Try these checks now').click();
  const tried = page.getByRole('table', { name: 'Checks' }).getByRole('row', { name: /three rows/ });
  await tried.getByText('red').waitFor();
  await check.getByLabel('Must give').fill('3');
  await button(page, 'Try these checks now').click();
  await tried.getByText('green').waitFor();
  assert.match(await field(page, /^As in holdfast.yaml/).inputValue(), /expect: 3$/m);
  await examine(page, 'drill-editor');
}

/** Two people change the plan: the second sees what the first made of it. */
async function storeOverSomebodyElse(
  page: Page,
  other: Awaited<ReturnType<Awaited<ReturnType<typeof httpWorld>>['owner']>>,
): Promise<void> {
  const { json } = await other.get('/api/v1/plans/nightly');
  const theirs = { body: { ...json.body, drill: { schedule: 'quarterly' } }, version: json.version };
  assert.equal((await other.send('PUT', '/api/v1/plans/nightly', { body: theirs })).status, 200);
  await button(page, 'Save').click();
  await page.getByText('Somebody else changed it meanwhile.', { exact: false }).waitFor();
  await button(page, 'Show their version').click();
  await page.getByText('schedule: quarterly').waitFor();
  await page.getByRole('combobox', { name: 'Schedule' }).click();
  await page.getByRole('option', { name: 'every quarter' }).click();
  await button(page, 'Overwrite it with mine').click();
  await page.getByText('Saved.').waitFor();
  const { json: stored } = await other.get('/api/v1/plans/nightly');
  assert.equal(stored.body.drill.schedule, 'quarterly');
  assert.equal(stored.body.drill.checks[0].query, 'select count(*) from t');
}
