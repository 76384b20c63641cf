import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { button, examine, field, fileBrowser, visitor } from '../support/browser.ts';
import { type HttpWorld, httpWorld, OWNER, rowsOf } from '../support/http-world.ts';

const browser = fileBrowser();

/** A database, and enough random bytes that a run takes a while. */
async function storeParts(folder: string): Promise<void> {
  const database = new DatabaseSync(join(folder, 'app.db'));
  database.exec("create table people (name); insert into people values ('ada'), ('grace'), ('edsger')");
  database.close();
  await mkdir(join(folder, 'uploads'));
  await writeFile(join(folder, 'uploads', 'photo.raw'), randomBytes(6 * 1024 ** 2));
}

test('day 0: claim, destination, sources, plan, a run that one watches, a restore; all by the page', async (t) => {
  const world = await httpWorld(t);
  await storeParts(world.folder);
  const { page } = await visitor(t, browser(), world.address);
  await claim(page, world);
  await addDestination(page, world);
  await addSources(page, world);
  await addPlan(page);
  await watchRun(page);
  await lookAtBackup(page);
  await page.getByRole('link', { name: 'Restore', exact: true }).first().click();
  await restore(page, join(world.folder, 'restored'));
  assert.equal(rowsOf(join(world.folder, 'restored', 'app.db'), 'people'), 3);

  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByText('Everything is backed up, but no restore was rehearsed yet.').waitFor();
  await page.getByRole('link', { name: /: succeeded$/ }).waitFor();
  await examine(page, 'overview');
  await lookAround(page);
});

/** Nobody owns the server yet. */
async function claim(page: Page, world: HttpWorld): Promise<void> {
  await page.goto('/');
  await page.getByRole('heading', { name: 'Nobody owns this server yet' }).waitFor();
  await examine(page, 'setup');
  await field(page, /^Setup token/).fill('hfsetup_wrong');
  await field(page, /^Name/).fill(OWNER.name);
  await field(page, /^Password/).fill(OWNER.password);
  await button(page, 'Claim this server').click();
  await page.getByRole('alert').waitFor();
  assert.equal(await field(page, /^Name/).inputValue(), OWNER.name, 'what was typed stays');
  await field(page, /^Setup token/).fill(world.setupToken);
  await button(page, 'Claim this server').click();
  await page.getByText('Nothing is backed up yet.').waitFor();
  await examine(page, 'overview-empty');
}

/** A destination slow enough that somebody can watch a run. */
async function addDestination(page: Page, world: HttpWorld): Promise<void> {
  await page.getByRole('link', { name: 'Destinations' }).click();
  await button(page, 'Add a destination').click();
  await field(page, /^Name/).fill('main');
  await field(page, /^Address/).fill(join(world.folder, 'main'));
  const yaml = field(page, /^As in holdfast.yaml/);
  assert.match(await yaml.inputValue(), /^address: .*main$/m, 'the text follows the form');
  await yaml.fill(
    `address: ${join(world.folder, 'main')}\nminimumFreeBytes: 0\nlimits:\n  uploadMiBPerSecond: 3\n`,
  );
  await examine(page, 'destination-editor');
  await button(page, 'Save').click();
  await takeKit(page);
  await page.getByRole('cell', { name: 'main', exact: true }).waitFor();
  await button(page, 'Test main').click();
  await page.getByText('Everything works.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
}

/** Nobody gets past it: neither by the keyboard, nor by another page. */
async function takeKit(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'The recovery kit comes first' });
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await page.goto('/admin/');
  await dialog.waitFor();
  assert.equal(await button(page, 'I have it').count(), 0);
  await examine(page, 'first-kit');
  const downloading = page.waitForEvent('download');
  await button(page, 'Download the recovery kit').click();
  const file = await (await downloading).path();
  assert.equal((await readFile(file)).subarray(0, 4).toString('latin1'), 'PK\x03\x04', 'a zip');
  await button(page, 'I have it').click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Destinations' }).click();
}

/** One by its field, one by its text. */
async function addSources(page: Page, world: HttpWorld): Promise<void> {
  await page.getByRole('link', { name: 'Sources' }).click();
  await button(page, 'Add a source').click();
  await field(page, /^Name/).fill('app');
  await button(page, 'Save').click();
  await page.getByRole('alert').waitFor();
  await field(page, /^Database file/).fill(join(world.folder, 'app.db'));
  await button(page, 'Save').click();
  await page.getByRole('cell', { name: 'app', exact: true }).waitFor();
  await button(page, 'Add a source').click();
  await field(page, /^Name/).fill('uploads');
  await field(page, /^As in holdfast.yaml/).fill(`kind: files\npath: ${join(world.folder, 'uploads')}\n`);
  await button(page, 'Save').click();
  await page.getByRole('cell', { name: 'uploads', exact: true }).waitFor();
}

/** Of everything there is. */
async function addPlan(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Plans', exact: true }).click();
  await button(page, 'Add a plan').click();
  await field(page, /^Name/).fill('nightly');
  for (const name of ['app', 'uploads', 'main'])
    await page.getByRole('checkbox', { name, exact: true }).check();
  await examine(page, 'plan-editor');
  await button(page, 'Save').click();
  await page.getByRole('cell', { name: 'nightly', exact: true }).waitFor();
}

/** From the overview to the end of the run. */
async function watchRun(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByText('Not everything can be recovered.').waitFor();
  await button(page, 'Back up now: nightly').click();
  await page.getByRole('heading', { name: 'Backup: nightly' }).waitFor();
  await page.getByRole('progressbar').waitFor();
  await examine(page, 'run-live');
  await page.getByText('Show the backup').waitFor();
  await examine(page, 'run');
}

/** What is in it, a hold, a download. */
async function lookAtBackup(page: Page): Promise<void> {
  await page.getByText('Show the backup').click();
  await page.getByRole('cell', { name: /^app/ }).first().waitFor();
  await button(page, 'More').click();
  await page.getByRole('menuitem', { name: 'Hold it' }).click();
  await field(page, /^Reason/).fill('before the move');
  await button(page, 'Hold it').click();
  await page.getByText('Held: retention does not touch it').waitFor();
  await examine(page, 'backup');
  const downloading = page.waitForEvent('download');
  await button(page, 'More').click();
  await page.getByRole('menuitem', { name: /tar\.gz\.enc/ }).click();
  assert.match((await downloading).suggestedFilename(), /\.tar\.gz\.enc$/);
}

/** Every list has a row now. */
async function lookAround(page: Page): Promise<void> {
  for (const [link, name] of [
    ['Backups', 'backups'],
    ['Runs', 'runs'],
    ['Plans', 'plans'],
    ['Sources', 'sources'],
    ['Destinations', 'destinations'],
  ] as const) {
    await page
      .getByRole('navigation', { name: 'Pages' })
      .getByRole('link', { name: link, exact: true })
      .click();
    await page.getByRole('heading', { level: 1, name: link }).waitFor();
    await page.getByRole('table').first().waitFor();
    await examine(page, name);
  }
}

/** From the backup's page, or from the list of backups, to the end. */
async function restore(page: Page, folder: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: 'Restore' }).waitFor();
  if (await page.getByRole('heading', { name: 'Which backup?' }).isVisible()) {
    await page.getByRole('row').nth(1).getByRole('link').click();
  }
  await page.getByText('Say first where it should go to.').waitFor();
  await field(page, /^Folder or file/).fill(folder);
  await page.getByText('It is read from the nearest good copy: main.').waitFor();
  const start = button(page, 'Restore now');
  assert.equal(await start.isDisabled(), true, 'not before it is confirmed');
  await field(page, /^Type “restore” to confirm/).fill('restore');
  await examine(page, 'restore');
  await start.click();
  await page.getByText(/items were put back/).waitFor();
  await examine(page, 'run-restore');
}
