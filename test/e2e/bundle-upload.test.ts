import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { examine, fileBrowser, visitor } from '../support/browser.ts';
import { httpWorld } from '../support/http-world.ts';
import { signIn } from '../support/signed-in.ts';

const browser = fileBrowser();

const BYTES = 9 * 1024 ** 2;

test('a bundle of another server is sent in pieces over a line that breaks, opened by its key, and can be restored', async (t) => {
  const lost = await httpWorld(t);
  const before = await lost.owner();
  await lost.withPlan(before);
  await writeFile(join(lost.folder, 'uploads', 'photo.raw'), randomBytes(BYTES));
  const { json: ran } = await before.post('/api/v1/plans/nightly/run');
  await lost.ended(before, ran.job_id);
  const [backup] = (await before.get('/api/v1/backups')).json.items;
  const bundle = join(lost.folder, 'nightly.tar.gz.enc');
  await writeFile(bundle, (await before.get(`/api/v1/backups/${backup.id}/download`)).bytes);

  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { page, context, findings } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  await page.goto('/admin/restore');
  await page.locator('input[type=file]').setInputFiles(bundle);
  let pieces = 0;
  let broken = 0;
  await page.route('**/api/v1/uploads/*', (route) => {
    if (route.request().method() !== 'PATCH') return route.continue();
    pieces += 1;
    if (pieces !== 2) return route.continue();
    broken += 1;
    return route.abort('connectionreset');
  });
  await page.getByRole('button', { name: 'Send and check it' }).click();
  await page
    .getByText(/it needs key|no key/i)
    .first()
    .waitFor();
  assert.equal(broken, 1);
  assert.equal(pieces, 4, 'three pieces and one that was sent again, not all of them');
  await examine(page, 'bundle-upload');
  assert.match(findings().join('\n'), /^[^\n]*ERR_CONNECTION_RESET[^\n]*$/);
  await page.getByLabel(/^Its key/).fill(lost.keyText);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('radio', { name: /^The whole backup/ }).waitFor();
  assert.equal(pieces, 4, 'nothing is sent twice for another key');
  assert.ok(page.url().includes(backup.id), 'it is the backup that it was');
});
