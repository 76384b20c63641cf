import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { ensureChromium } from '../support/ensure-chromium.ts';
import { httpWorld } from '../support/http-world.ts';

test('the page of the interface shows every route and sends requests, under its own strict policy', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const { json: token } = await owner.post('/api/v1/tokens', { name: 'page', scopes: ['tenants:read'] });
  const hostile = '<img src=x onerror=document.title="executed">';
  await owner.post('/api/v1/tenants', { id: 'acme', name: hostile });
  const browser = await chromium.launch({ executablePath: ensureChromium(), args: ['--no-sandbox'] });
  t.after(() => browser.close());
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(world.address)) problems.push(`from elsewhere: ${request.url()}`);
  });
  await page.goto(`${world.address}/api/docs`);
  await page.locator('details').first().waitFor();
  assert.ok((await page.locator('details').count()) > 60);
  await page.getByLabel('Find').fill('get /api/v1/tenants');
  await page.getByLabel(/API token/).fill(token.secret);
  const route = page.locator('details:not([hidden])').first();
  await route.locator('summary').click();
  await route.getByRole('button', { name: 'Send' }).click();
  const output = route.locator('pre');
  await output.getByText('200').waitFor();
  const shown = await output.textContent();
  assert.ok(shown!.includes(JSON.stringify(hostile)), 'a name is shown as text');
  assert.deepEqual(problems, []);
  assert.equal(await page.title(), 'Holdfast API');
});
