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

  await text.fill('plans:\n  nightly: { sources: [nowhere] }\n');
  await button(page, 'Compare').click();
  await page
    .getByRole('alert')
    .getByText(/nowhere/)
    .first()
    .waitFor();

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
  await text.fill(added(stored, world.folder).replace('  nightly:\n', '  nightly:\n    enabled: false\n'));
  await button(page, 'Compare').click();
  await page.getByText(/Changed elsewhere by owner@example\.org/).waitFor();
  assert.equal(await button(page, 'Apply the file').count(), 0, 'not before somebody looked at it');
  await page.getByRole('table').scrollIntoViewIfNeeded();
  await examine(page, 'configuration');
  await page.getByRole('checkbox', { name: 'Overwrite plan/nightly' }).check();
  await button(page, 'Apply the file').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Apply the file' }).click();
  await page.getByText('Applied.').waitFor();
  const after = (await owner.get('/api/v1/plans/nightly')).json;
  assert.deepEqual([after.body.enabled, after.body.timeZone, after.origin], [false, undefined, 'file']);

  const downloading = page.waitForEvent('download');
  await button(page, 'Download what is stored').click();
  assert.match((await downloading).suggestedFilename(), /^holdfast\.yaml$/);
});

/** With one more destination. */
const added = (yaml: string, folder: string) =>
  yaml.replace('destinations:\n', `destinations:\n  spare:\n    address: ${join(folder, 'spare')}\n`);
