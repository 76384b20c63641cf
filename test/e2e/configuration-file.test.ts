import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { button, examine, field, fileBrowser, visitor } from '../support/browser.ts';
import { httpWorld, OWNER } from '../support/http-world.ts';
import { signIn } from '../support/signed-in.ts';
import { untilTrue } from '../support/until-true.ts';

const browser = fileBrowser();

test('a file is compared with what the server works with, and applied; what was changed elsewhere is never overwritten unseen', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  await page.goto('/admin/configuration');
  const text = field(page, /^holdfast\.yaml/);

  await text.fill(
    'settings:\n  retention.dayz: 3\nplans:\n  nightly: { sources: [nowhere], retention: 5 }\n',
  );
  await button(page, 'Compare').click();
  const mistakes = page.getByRole('alert');
  await mistakes.getByText(/line 2, column 3: settings\.retention\.dayz: .*retention\.days/).waitFor();
  await mistakes.getByText(/plans\.nightly\.retention/).waitFor();

  // What is stored, and a change of it from a file.
  await button(page, 'Begin with what is stored').click();
  await untilTrue(async () => (await text.inputValue()).includes('nightly:'));
  const stored = await text.inputValue();
  await button(page, 'Compare').click();
  await page.getByText('equal; belongs to the file from now on').first().waitFor();
  const file = join(world.folder, 'holdfast.yaml');
  await writeFile(file, added(stored, world.folder));
  const choosing = page.waitForEvent('filechooser');
  await button(page, 'Open a file').click();
  await (await choosing).setFiles(file);
  await untilTrue(async () => (await text.inputValue()).includes('spare:'));
  await button(page, 'Compare').click();
  await page.getByRole('row', { name: /destination\/spare is added/ }).waitFor();
  await page.getByRole('row', { name: /tenant\/acme is added/ }).waitFor();
  await page
    .getByRole('row', { name: /setting\/acme\/retention\.days is added value: − absent \+ 30/ })
    .waitFor();

  await world.catalog.db.updateTable('sessions').set({ proven_at: 0 }).execute();
  await button(page, 'Apply the file').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Apply the file' }).click();
  const proof = page.getByRole('dialog', { name: 'Confirm that it is you' });
  await proof.getByLabel(/^Password/).fill(OWNER.password);
  await proof.getByRole('button', { name: 'Confirm' }).click();
  await page.getByText('Applied.').waitFor();
  const spare = (await owner.get('/api/v1/destinations/spare')).json;
  assert.equal(spare.origin, 'file');
  assert.equal(
    (await owner.post('/api/v1/destinations/spare/test')).json.ok,
    true,
    'its repository was made',
  );

  // Somebody changes the plan by the API, and the file another part of it.
  const { body, version } = (await owner.get('/api/v1/plans/nightly')).json;
  await owner.send('PUT', '/api/v1/plans/nightly', {
    body: { body: { ...body, timeZone: 'Europe/Berlin' }, version },
  });
  const settings = { 'retention.days': 7 };
  await owner.send('PATCH', '/api/v1/settings', { body: { tenant_id: 'acme', settings } });
  await text.fill(added(stored, world.folder).replace('  nightly:\n', '  nightly:\n    enabled: false\n'));
  await button(page, 'Compare').click();
  await page.getByRole('row', { name: /plan\/nightly .* Changed elsewhere by owner@example\.org/ }).waitFor();
  await page.getByRole('row', { name: /− 7 \+ 30 Changed elsewhere by owner@example\.org/ }).waitFor();
  assert.equal(await button(page, 'Apply the file').count(), 0, 'not before somebody looked at it');
  await page.getByRole('table').scrollIntoViewIfNeeded();
  await examine(page, 'configuration');
  await page.getByRole('checkbox', { name: 'Overwrite plan/nightly' }).check();
  assert.equal(await button(page, 'Apply the file').count(), 0, 'nor before all of it was looked at');
  await page.getByRole('checkbox', { name: 'Overwrite setting/acme/retention.days' }).check();
  await button(page, 'Apply the file').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Apply the file' }).click();
  await page.getByText('Applied.').waitFor();
  const after = (await owner.get('/api/v1/plans/nightly')).json;
  assert.deepEqual([after.body.enabled, after.body.timeZone, after.origin], [false, undefined, 'file']);

  const { json: acme } = await owner.get('/api/v1/settings?tenant_id=acme');
  assert.deepEqual(
    [acme.settings['retention.days'].value, acme.settings['retention.days'].origin],
    [30, 'file'],
  );

  // A tenant that leaves the file is archived.
  await text.fill(added(stored, world.folder).replace(/tenants:\n {2}acme:.*\n/, ''));
  await button(page, 'Compare').click();
  await page.getByRole('row', { name: /tenant\/acme is archived; its backups stay/ }).waitFor();

  const downloading = page.waitForEvent('download');
  await button(page, 'Download what is stored').click();
  assert.match((await downloading).suggestedFilename(), /^holdfast\.yaml$/);
});

/** With one more destination, and a tenant with a setting. */
const added = (yaml: string, folder: string) =>
  yaml
    .replace('destinations:\n', `destinations:\n  spare:\n    address: ${join(folder, 'spare')}\n`)
    .replace('tenants: {}\n', 'tenants:\n  acme: { settings: { retention.days: 30 } }\n');
