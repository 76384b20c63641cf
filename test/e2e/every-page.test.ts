import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { examineIn, fileBrowser, visitor } from '../support/browser.ts';
import type { HttpClient } from '../support/http-client.ts';
import { type HttpWorld, httpWorld } from '../support/http-world.ts';
import { signIn } from '../support/signed-in.ts';
import { untilTrue } from '../support/until-true.ts';

const browser = fileBrowser();

const ROOT = resolve(import.meta.dirname, '../..');
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 800 };
/** Long, and without a place to break. */
const LONG = 'a-customer-with-a-name-as-long-as-names-may-become-somewhere';

/** Of every page its picture in docs/ui; a page of the router that is not here fails the test. */
const PICTURES: Readonly<Record<string, string>> = {
  ...{ '/': 'overview', '/backups': 'backups', '/backups/$id': 'backup', '/restore': 'restore' },
  ...{ '/runs': 'runs', '/runs/$id': 'run', '/plans': 'plans', '/plans/$plan/retention': 'retention' },
  ...{ '/sources': 'sources', '/destinations': 'destinations', '/drills': 'drills', '/drills/$id': 'drill' },
  ...{ '/drills/plans/$plan': 'drill-editor', '/health': 'health', '/maintenance': 'maintenance' },
  '/tables': 'tables',
  ...{ '/ledger': 'ledger', '/notices': 'notices', '/tenants': 'tenants', '/users': 'users' },
  ...{ '/tokens': 'tokens', '/account': 'account', '/settings': 'settings', '/keys': 'keys' },
  '/configuration': 'configuration',
};

/** As the router has them. */
function routes(): string[] {
  const source = readFileSync(join(ROOT, 'web/src/router.tsx'), 'utf8');
  const found = [...source.matchAll(/\bat\('([^']+)'\)/g)].map(([, path]) => path!);
  assert.equal(found.length, source.match(/= createRoute\(/g)!.length, 'each route is written with at()');
  return found;
}

/** Something of everything, with names that fill a line. */
async function fullWorld(world: HttpWorld, owner: HttpClient): Promise<Record<string, string>> {
  await world.withPlan(owner);
  await owner.post('/api/v1/tenants', { id: LONG, name: LONG });
  const body = { sources: ['app'], destination: 'main', tenantId: LONG };
  await owner.post('/api/v1/plans', { name: LONG, body });
  const channel = { kind: 'webhook', url: `https://example.org/${LONG}` };
  await owner.post('/api/v1/channels', { name: LONG, body: channel });
  await owner.post('/api/v1/tokens', { name: LONG, scopes: ['backups:read'] });
  const runs = [];
  for (const plan of ['nightly', LONG]) {
    runs.push(await world.ended(owner, (await owner.post(`/api/v1/plans/${plan}/run`)).json.job_id));
  }
  const rule = { column: 'a', unit: 'value', maxRows: 2, destination: 'main' };
  const growing = { kind: 'sqlite', path: join(world.folder, 'app.db'), tableRetention: { t: rule } };
  await owner.post('/api/v1/sources', { name: LONG, body: growing });
  const thinned = await owner.post('/api/v1/table-retention', { source: LONG, table: 't' });
  assert.equal((await world.ended(owner, thinned.json.job_id)).status, 'succeeded');
  const asked = await owner.post('/api/v1/drills', { plan: 'nightly' });
  const drill = await world.ended(owner, asked.json.job_id);
  assert.equal(drill.status, 'succeeded', JSON.stringify(drill.error));
  const [backup] = (await owner.get(`/api/v1/backups?plan=${LONG}`)).json.items;
  return {
    ...{ '/backups/$id': `/backups/${backup.id}`, '/runs/$id': `/runs/${runs[1].id}` },
    ...{
      '/plans/$plan/retention': `/plans/${LONG}/retention`,
      '/drills/plans/$plan': `/drills/plans/${LONG}`,
    },
    '/drills/$id': `/drills/${drill.result.drillId}`,
  };
}

const LOADED = `document.querySelector('h1') !== null && document.querySelector('main [role=status] .mantine-Loader-root') === null`;

/** What moves although the viewer asked for little motion. The mark of waiting says that something goes on. */
const MOVING = `document.getAnimations()
  .filter((one) => one.playState === 'running' && !one.effect.target.closest('.mantine-Loader-root'))
  .map((one) => one.effect.target.outerHTML.slice(0, 120))`;

/** What cannot be reached without moving the page sideways, or not at all. */
const BEYOND = `(() => {
  const width = window.innerWidth;
  const isScrolled = (element) => {
    for (let one = element.parentElement; one; one = one.parentElement)
      if (/auto|scroll/.test(getComputedStyle(one).overflowX) && one !== document.body) return true;
    return false;
  };
  const page = document.scrollingElement.scrollWidth > width ? ['the page: ' + document.scrollingElement.scrollWidth] : [];
  const out = [...document.querySelectorAll('main button, main a, main input, main [role=combobox], [role=dialog] button')]
    .filter((one) => one.checkVisibility())
    .filter((one) => !one.closest('.skip') && !isScrolled(one))
    .filter((one) => {
      const { left, right, width: own } = one.getBoundingClientRect();
      return own > 0 && (left < -1 || right > width + 1);
    });
  return [...page, ...out.map((one) => one.outerHTML.slice(0, 160))];
})()`;

/** Of every time on the page. */
const TIMES = `[...document.querySelectorAll('time')].map(({ dateTime, title, textContent: text }) => ({ dateTime, title, text }))`;

interface Shown {
  readonly dateTime: string;
  readonly title: string;
  readonly text: string;
}

/** In the zone of the viewer, which is Berlin's here, or as an age; UTC when one points at it. */
async function wrongTimes(page: Page): Promise<string[]> {
  const times = (await page.evaluate(TIMES)) as Shown[];
  const isAge = (text: string) => /\bago$|^in \d|^now$|yesterday|tomorrow|this minute/.test(text);
  return times
    .filter(({ dateTime, title, text }) => {
      const clock = new Date(dateTime).toLocaleTimeString('en-GB', {
        ...{ timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' },
      });
      const isUtc = title === `${dateTime.slice(0, 19).replace('T', ' ')} UTC`;
      return !isUtc || !(isAge(text) || text.includes(clock));
    })
    .map((one) => JSON.stringify(one));
}

const beyond = (page: Page) => page.evaluate(BEYOND) as Promise<string[]>;

async function speak(page: Page, language: 'de' | 'en'): Promise<void> {
  const label = language === 'de' ? 'DE, auf Deutsch' : 'EN, in English';
  // On a phone the way to it is folded away.
  await page.locator(`[aria-label="${label}"]`).first().dispatchEvent('click');
  await page.locator(`html[lang=${language}]`).waitFor();
}

/** Opens the form of a page that has one. */
async function addSomething(page: Page): Promise<boolean> {
  const add = page.locator('main').getByRole('button', { name: /^(Add|Create) / });
  if ((await add.count()) === 0) return false;
  await add.first().click();
  await page.getByRole('dialog').waitFor();
  return true;
}

test('every page of the router: no barrier light and dark, nothing beyond the edge of a phone, in both languages', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  const paths = await fullWorld(world, owner);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  const wrong: string[] = [];
  for (const route of routes()) {
    assert.ok(PICTURES[route], `${route} has a picture`);
    assert.ok(existsSync(join(ROOT, 'docs/ui', `${PICTURES[route]}.png`)), `docs/ui/${PICTURES[route]}.png`);
    const path = paths[route] ?? route;
    assert.ok(!path.includes('$'), `${route} is visited with something to show`);
    await page.setViewportSize(DESK);
    await page.goto(`/admin${path}`);
    await untilTrue(() => page.evaluate(LOADED));
    await examineIn(page, route, 'light');
    wrong.push(...(await wrongTimes(page)).map((one) => `${route}, time: ${one}`));
    assert.deepEqual(await page.evaluate(MOVING), [], `${route} keeps still for who asked for that`);
    await page.setViewportSize(PHONE);
    const look = async (how: string) =>
      wrong.push(...(await beyond(page)).map((one) => `${route}, ${how}: ${one}`));
    await look('light, English');
    await speak(page, 'de');
    await look('light, German');
    await examineIn(page, `${route}, phone, German`, 'dark');
    await look('dark, German');
    await speak(page, 'en');
    await look('dark, English');
    if (!route.includes('$') && (await addSomething(page))) {
      await look('its form');
    }
  }
  assert.deepEqual(wrong, []);

  await page.evaluate(`{
    const wide = document.querySelector('main').appendChild(document.createElement('button'));
    wide.textContent = 'x'.repeat(100);
    const time = document.querySelector('main').appendChild(document.createElement('time'));
    time.dateTime = '2026-01-01T10:00:00.000Z';
    time.textContent = '10:00';
    time.animate([{ opacity: 0 }, { opacity: 1 }], 600000);
  }`);
  assert.equal((await wrongTimes(page)).length, 1);
  assert.equal(((await page.evaluate(MOVING)) as string[]).length, 1);
  assert.equal((await beyond(page)).length, 2, 'the negative control: the page, and the button');
});
