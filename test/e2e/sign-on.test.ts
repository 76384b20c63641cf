/** The identity provider in a browser: the button, the way there and back, and what is said when nobody is let in. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { examine, fileBrowser, visitor } from '../support/browser.ts';
import { httpWorld } from '../support/http-world.ts';
import { CLIENT, startOidcProvider } from '../support/oidc-provider.ts';

const browser = fileBrowser();

test('a person comes in through the provider by one button, and a stranger is told why not', async (t) => {
  const provider = await startOidcProvider(t);
  const world = await httpWorld(t, { environment: { HOLDFAST_ALLOWED_ADDRESSES: '127.0.0.1' } });
  const owner = await world.owner();
  await writeFile(join(world.folder, 'home', 'oidc-secret'), CLIENT.secret);
  const body = {
    ...{ label: 'Example SSO', issuer: provider.issuer, client_id: CLIENT.id },
    ...{ client_secret: { file: 'oidc-secret' } },
    roles: [{ claim: 'groups', value: 'holdfast-admins', role: 'admin' }],
  };
  assert.equal((await owner.send('PUT', '/api/v1/sign-on', { body })).status, 200);
  const { page } = await visitor(t, browser(), world.address);
  provider.person = { groups: [] };
  await page.goto('/admin/');
  await page.getByRole('link', { name: 'Log in with Example SSO' }).click();
  await page.getByRole('alert').getByText('lets nobody in').waitFor();
  await examine(page, 'login-refused');
  provider.person = { auth_time: Math.floor(Date.now() / 1000) - 3600 };
  await page.getByRole('link', { name: 'Log in with Example SSO' }).click();
  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByRole('cell', { name: 'ada@example.org' }).first().waitFor();
  // What needs the password once more leads to the provider, and back to the same page.
  await page.getByRole('button', { name: 'Add a user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/^Name/).fill('bob@example.org');
  await dialog.getByLabel(/^Password/).fill('seven wet umbrellas');
  await dialog.getByRole('button', { name: 'Add a user' }).click();
  provider.person = {};
  await page.getByRole('link', { name: 'Log in with Example SSO' }).click();
  await page.waitForURL('**/admin/users');
  await page.getByRole('cell', { name: 'ada@example.org' }).first().waitFor();
});
