import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { button, examine, field, fileBrowser, visitor } from '../support/browser.ts';
import type { HttpClient } from '../support/http-client.ts';
import { type HttpWorld, httpWorld } from '../support/http-world.ts';
import { signIn } from '../support/signed-in.ts';

const browser = fileBrowser();

/** Two backups; between them a row and a file came. */
async function twoBackups(world: HttpWorld, owner: HttpClient): Promise<void> {
  await world.withPlan(owner);
  await mkdir(join(world.folder, 'uploads', '2026'));
  await writeFile(join(world.folder, 'uploads', '2026', 'report.txt'), 'all is well');
  const run = async () => {
    const { json } = await owner.post('/api/v1/plans/nightly/run');
    assert.equal((await world.ended(owner, json.job_id)).status, 'succeeded');
  };
  await run();
  const database = new DatabaseSync(join(world.folder, 'app.db'));
  database.exec('insert into t values (4)');
  database.close();
  await writeFile(join(world.folder, 'uploads', 'two.txt'), 'two');
  await run();
}

test('a backup is looked into, compared, held, released, archived and brought back', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await twoBackups(world, owner);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  await page.goto('/admin/backups');
  await page.getByRole('table', { name: 'Backups' }).getByRole('link').first().click();
  await lookInside(page);
  await compare(page);
  await examine(page, 'backup-content');
  await holdAndArchive(page);
});

/** Tables with their rows, folders, one file. */
async function lookInside(page: Page): Promise<void> {
  const tables = page.getByRole('table', { name: 'Tables', exact: true });
  await tables.getByRole('cell', { name: '4', exact: true }).waitFor();
  await button(page, 'Open 2026').click();
  await page.getByRole('navigation', { name: 'Where you are' }).getByText('2026').waitFor();
  const downloading = page.waitForEvent('download');
  await button(page, 'Download report.txt').click();
  const file = await downloading;
  assert.equal(file.suggestedFilename(), 'report.txt');
  assert.equal(await readFile(await file.path(), 'utf8'), 'all is well');
  await button(page, 'uploads').click();
  await page.getByRole('textbox', { name: 'Find by name' }).fill('REPORT');
  await button(page, 'Find').click();
  const found = page.getByRole('table', { name: 'Found below uploads' });
  await found.getByText('2026/report.txt').waitFor();
  assert.equal(await found.getByRole('row').count(), 2, 'its head and what was looked for');
}

async function compare(page: Page): Promise<void> {
  await button(page, 'Compare').click();
  await page.getByText('t: 3 rows then, 4 now').waitFor();
  await button(page, 'Show changed files of uploads').click();
  await page.getByText(/^1 added, 0 removed/).waitFor();
  const paths = page.getByRole('table', { name: 'Changed files of uploads' });
  await paths.getByRole('row', { name: /two\.txt added/ }).waitFor();
}

async function holdAndArchive(page: Page): Promise<void> {
  const more = async (item: string) => {
    await button(page, 'More').click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  await more('Hold it');
  await field(page, /^Reason/).fill('the audit looks at it');
  await button(page, 'Hold it').click();
  await page.getByText('Held: the audit looks at it').waitFor();
  await more('Release the hold');
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/the audit looks at it/).waitFor();
  assert.equal(await button(page, 'Release the hold').isDisabled(), true, 'not before it is confirmed');
  await dialog.getByLabel('Type “release” to confirm').fill('release');
  await button(page, 'Release the hold').click();
  await dialog.waitFor({ state: 'detached' });
  const ledger = page.getByRole('table', { name: 'In the ledger' });
  await ledger
    .getByRole('row', { name: /owner@example\.org .*hold/ })
    .first()
    .waitFor();
  await more('Move to the archive');
  await dialog.getByLabel('Type “archive” to confirm').fill('archive');
  await examine(page, 'backup-archive');
  await button(page, 'Move to the archive').click();
  await dialog.waitFor({ state: 'detached' });

  await page.getByRole('link', { name: 'Backups', exact: true }).click();
  await page.getByText('In the archive').click();
  await button(page, /^More: backup of/).click();
  await page.getByRole('menuitem', { name: 'Bring back from the archive' }).click();
  await page.getByText('The archive is empty.').waitFor();
}
