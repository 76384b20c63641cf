import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine, fileBrowser, visitor } from '../support/browser.ts';
import { httpWorld } from '../support/http-world.ts';
import { signIn } from '../support/signed-in.ts';

const browser = fileBrowser();

test('what the server says is read in German; what has no translation is marked as English', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { page, context } = await visitor(t, browser(), world.address, { locale: 'de-DE' });
  await signIn(context, world.address, owner);
  await page.goto('/admin/health');
  await page.getByText('Es gibt keine gute Sicherung.').first().waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'de');

  // A refusal of which the server says more than its code.
  await page.goto('/admin/runs/019a0000-0000-7000-8000-000000000000');
  const alert = page.getByRole('alert');
  await alert.getByText(/^Es gibt keinen Lauf 019a0000/).waitFor();
  await alert.getByText('Was zu tun ist: siehe die Liste der Läufe').waitFor();

  // Words that nobody translated.
  const said = { code: 'storage_io', message: 'the disk sighs', next: 'listen to it' };
  await page.route('**/api/v1/jobs?*', async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    for (const job of json.items) job.error = said;
    await route.fulfill({ response, json });
  });
  const { json: ran } = await owner.post('/api/v1/plans/nightly/run');
  await world.ended(owner, ran.job_id);
  await page.goto('/admin/runs');
  await page.getByText('Das Ziel konnte nicht lesen oder schreiben.').first().waitFor();
  const english = await page.locator('main span[lang=en]').allTextContents();
  assert.deepEqual([...new Set(english)], ['The disk sighs.']);
  await examine(page, 'runs-german');

  await page.getByRole('button', { name: 'EN, in English' }).click();
  await page.locator('main span[lang=en]').first().waitFor({ state: 'detached' });
  await page.getByText('The disk sighs.').first().waitFor();
});
