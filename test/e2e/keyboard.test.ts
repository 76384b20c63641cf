import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { examine, fileBrowser, visitor } from '../support/browser.ts';
import { damagedAfterBackup, httpWorld, OWNER, rowsOf } from '../support/http-world.ts';

const browser = fileBrowser();

const MOST_TABS = 60;

/** Of an element of the page, as far as it is needed here. */
interface Matching {
  matches(selector: string): boolean;
}

/** Goes on with Tab until the element has the focus. Throws when it is never reached. */
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  await wanted.waitFor();
  for (let i = 0; i < MOST_TABS; i += 1) {
    await page.keyboard.press('Tab');
    if (await wanted.evaluate((element) => (element as unknown as Matching).matches(':focus'))) return;
  }
  throw new Error(`the keyboard does not reach ${wanted}`);
}

test('a database is put back over what became of it, by keyboard alone', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const file = await damagedAfterBackup(world, owner);

  const { page } = await visitor(t, browser(), world.address);
  const { keyboard } = page;
  await page.goto('/admin/');
  await tabTo(page, page.getByLabel(/^Name/));
  await keyboard.type(OWNER.name);
  await tabTo(page, page.getByLabel(/^Password/).first());
  await keyboard.type(OWNER.password);
  await keyboard.press('Enter');
  await tabTo(page, page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Restore' }));
  await keyboard.press('Enter');
  await tabTo(page, page.getByRole('table', { name: 'Which backup?' }).getByRole('link').first());
  await keyboard.press('Enter');
  await tabTo(page, page.getByRole('radio', { name: /^The whole backup/ }));
  await keyboard.press('ArrowDown');
  await tabTo(page, page.getByRole('radio', { name: /^Into a folder/ }));
  await keyboard.press('ArrowDown');
  await tabTo(page, page.getByLabel('Source', { exact: true }).first());
  await keyboard.press('Enter');
  const option = page.getByRole('option', { name: 'app', exact: true });
  await option.waitFor();
  while ((await option.getAttribute('data-combobox-selected')) === null) await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await page.getByText(/^What is in .*app\.db now is replaced/).waitFor();
  await examine(page, 'restore-replacing');
  await tabTo(page, page.getByLabel('Type “app” to confirm'));
  await keyboard.type('app');
  await keyboard.press('Enter');
  await page.getByText(/items were put back/).waitFor();
  assert.equal(rowsOf(file), 3);
});

test('negative control: a barrier and a refused script are found', async (t) => {
  const world = await httpWorld(t);
  const { page, findings } = await visitor(t, browser(), world.address);
  await page.goto('/admin/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.evaluate(`{
    const image = document.querySelector('main').appendChild(document.createElement('img'));
    image.src = '/admin/icon.svg?barrier';
    const style = document.head.appendChild(document.createElement('style'));
    style.textContent = 'main { color: red }';
  }`);
  await examine(page, 'negative-control');
  const found = findings();
  assert.ok(
    found.some((one) => one.includes('image-alt')),
    found.join('\n'),
  );
  assert.ok(
    found.some((one) => /Content Security Policy/.test(one)),
    found.join('\n'),
  );
  await assert.rejects(
    page.evaluate("document.querySelector('main').innerHTML = '<b>text</b>'"),
    /only styles may be written as text/,
  );
});
