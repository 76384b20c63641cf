import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, afterEach, before, type TestContext } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { ensureChromium } from './ensure-chromium.ts';
import { ensureWebBuild } from './web-build.ts';

/** Nothing that the page waits for takes as long, on a machine with ten other things to do: only a fault does. */
const PATIENCE_MS = 180_000;
/** Of most pages one picture is enough. */
const DARK_PICTURES = new Set(['overview', 'restore', 'backup']);
const PICTURES = resolve(import.meta.dirname, '../../docs/ui');

/** The caller closes it. */
function openBrowser(): Promise<Browser> {
  return chromium.launch({
    timeout: PATIENCE_MS,
    executablePath: ensureChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
}

/** The browser of a test file, and the page built: there from its first test on, closed after its last. */
export function fileBrowser(): () => Browser {
  let browser: Browser;
  before(async () => {
    ensureWebBuild();
    browser = await openBrowser();
  });
  // Before the servers of the test close: a page that still asks one would complain of it.
  afterEach(async () => void (await Promise.all(browser.contexts().map((one) => one.close()))));
  after(() => browser?.close());
  return () => browser;
}

export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
export const field = (page: Page, name: string | RegExp) => page.getByLabel(name).first();
export const row = (page: Page, table: string, text: string) =>
  page.getByRole('table', { name: table }).getByRole('row').filter({ hasText: text });

/** By the navigation, so that every page is reached the way people reach it. */
export async function go(page: Page, link: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: link, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: link }).waitFor();
}

/** How far the page, and the dialog on it, reach beyond their frames. */
export const beyondFrames = (page: Page) =>
  page.evaluate(
    `[document.scrollingElement, document.querySelector('[role=dialog]')].map((one) => one.scrollWidth - one.clientWidth)`,
  );

export interface Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What was found wrong so far; none of it is held against the test any more. */
  findings(): string[];
}

/** What axe found on a page so far: all of it is told at once, when its test ends. */
const barriers = new WeakMap<Page, string[]>();

type ContextOptions = NonNullable<Parameters<Browser['newContext']>[0]>;

/** A person with an empty browser. Whatever the page's policy refuses, and every error of a script, fails the test. */
export async function visitor(
  t: TestContext,
  browser: Browser,
  address: string,
  options: ContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({
    ...{ baseURL: address, locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' },
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const text = message.text();
    // A refusal that the page shows is in the console, too.
    if (message.type() === 'error' && !/status of (400|401|403|404|409|422|503)/.test(text))
      complaints.push(text);
  });
  const findings = () => {
    const found = [...complaints.splice(0), ...(barriers.get(page) ?? [])];
    barriers.delete(page);
    return found;
  };
  t.after(async () => {
    await context.close();
    assert.deepEqual(findings(), []);
  });
  return { page, context, findings };
}

/**
 * Looks at the page as people with other senses meet it, light and dark; what is found fails the test at its end. Keeps pictures when
 * they are asked for.
 */
export async function examine(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await examineIn(page, name, colorScheme);
    if (colorScheme === 'light' || DARK_PICTURES.has(name)) await picture(page, name, colorScheme);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}

/** The same in one light alone, without a picture. */
export async function examineIn(page: Page, name: string, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  const { violations } = await axe(page, colorScheme).analyze();
  for (const { id, help, nodes } of violations) {
    const where = nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ');
    barriers.set(page, [...(barriers.get(page) ?? []), `${name}, ${colorScheme}: ${id}: ${help}: ${where}`]);
  }
}

/** There are no frames of others here, for which it would open a page of its own each time. */
const axeOf = (page: Page) => new AxeBuilder({ page }).setLegacyMode();

/** Only colours differ in the dark. */
const axe = (page: Page, colorScheme: 'light' | 'dark') =>
  colorScheme === 'light' ? axeOf(page) : axeOf(page).withRules(['color-contrast', 'link-in-text-block']);

/** Written only with HOLDFAST_SCREENSHOTS=1. */
async function picture(page: Page, name: string, colorScheme: string): Promise<void> {
  if (process.env.HOLDFAST_SCREENSHOTS !== '1' || name === 'negative-control') return;
  mkdirSync(PICTURES, { recursive: true });
  const suffix = colorScheme === 'dark' ? '-dark' : '';
  await page.screenshot({ path: join(PICTURES, `${name}${suffix}.png`) });
}
