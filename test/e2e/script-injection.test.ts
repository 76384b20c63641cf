/** Names and paths that would be scripts if anybody took them for markup: they are shown as what they are, and nothing runs. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { fileBrowser, visitor } from '../support/browser.ts';
import { httpWorld } from '../support/http-world.ts';
import { signIn } from '../support/signed-in.ts';

const browser = fileBrowser();

const RUN = 'window.executed=1';
const TAGS = [
  ...[`<img src=x onerror=${RUN}>`, `<svg onload=${RUN}>`, `<script>${RUN}<`, `<body onload=${RUN}>`],
  ...[`<iframe srcdoc="<img src=x onerror=parent.${RUN}>">`, `<a href="javascript:${RUN}">a<`],
  ...[`<input autofocus onfocus=${RUN}>`, `<details open ontoggle=${RUN}>`, `<video><source onerror=${RUN}>`],
  ...[`<math href="javascript:${RUN}">`, `<object data="javascript:${RUN}">`, `<marquee onstart=${RUN}>`],
  ...[
    `{{constructor.constructor('${RUN}')()}}`,
    `\${${RUN}}`,
    `javascript:${RUN}`,
    `data:text,<script>${RUN}<`,
  ],
  ...[`&lt;img src=x onerror=${RUN}&gt;`, `%3Cimg src=x onerror=${RUN}%3E`, `<IMG SRC=x OnErRoR=${RUN}>`],
  `\u003cimg src=x onerror=${RUN}\u003e`,
];
/** Each breaks out of another place: text, two kinds of attribute, a script, a comment. */
const PAYLOADS = ['', '">', "'>", '<-script>', '--><!-'].flatMap((out) => TAGS.map((tag) => `${out}${tag}`));

const executed = (page: Page) => page.evaluate('window.executed ?? 0');
/** Elements that only a payload has. */
const made = (page: Page) =>
  page
    .locator(
      'img[src="x"], [onload], [onerror], [onfocus], [ontoggle], iframe, marquee, [href^="javascript:"]',
    )
    .count();

test(`${PAYLOADS.length} scripts as names of tenants, files and reasons are text, and none runs`, async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const folder = join(world.folder, 'uploads');
  await mkdir(folder, { recursive: true });
  for (const name of PAYLOADS) await writeFile(join(folder, name), 'x');
  for (const [i, name] of PAYLOADS.entries()) {
    const { status, text } = await owner.post('/api/v1/tenants', { id: `t${i}`, name });
    assert.equal(status, 201, text);
  }
  const { json: run } = await owner.post('/api/v1/plans/nightly/run');
  const job = await world.ended(owner, run.job_id);
  const id = job.result.backups[0].backupId;
  await owner.send('PUT', `/api/v1/backups/${id}/hold`, { body: { reason: PAYLOADS[0] } });

  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  let asked = 0;
  page.on('dialog', (dialog) => {
    asked += 1;
    void dialog.dismiss();
  });
  const places: readonly [string, string][] = [
    ['/admin/tenants', PAYLOADS.at(-1)!],
    [`/admin/backups/${id}?artifact=uploads`, PAYLOADS[0]!],
    ['/admin/ledger', 'api.tenants'],
    ['/admin/', 'nightly'],
  ];
  for (const [place, text] of places) {
    await page.goto(place);
    await page.getByText(text, { exact: false }).first().waitFor();
    assert.deepEqual([await executed(page), await made(page), asked], [0, 0, 0], place);
  }
});

test('the same as markup is noticed, and runs where no policy forbids it (control)', async (t) => {
  const { page } = await visitor(t, browser(), (await httpWorld(t)).address);
  await page.goto('about:blank');
  await page.setContent(PAYLOADS[0]!);
  await page.waitForFunction('window.executed === 1');
  assert.ok((await made(page)) > 0);
});
