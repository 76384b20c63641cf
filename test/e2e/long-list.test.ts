import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { newId } from '../../src/engine/index.ts';
import { fileBrowser, visitor } from '../support/browser.ts';
import { count } from '../support/counts.ts';
import { type HttpWorld, httpWorld } from '../support/http-world.ts';
import { signIn } from '../support/signed-in.ts';

const browser = fileBrowser();

const BACKUPS = 100_000;
/** As many are scrolled through; all of them with the full counts. */
const SCROLLED = count(600, BACKUPS);
/** A window of 800 pixels has room for 15 rows; up to 200 are drawn without leaving any out. */
const MOST_ROWS = 260;
const HOUR_MS = 3_600_000;

test('a list of 100,000 backups scrolls: every row comes by in its order, few stand in the page; what it took is printed', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await storeBackups(world);
  const { page, context } = await visitor(t, browser(), world.address);
  await signIn(context, world.address, owner);
  // Once before, so that what is measured is the page and not the start of a browser.
  await page.goto('/admin/backups');
  await page.getByRole('row').nth(1).waitFor();
  const began = performance.now();
  await page.goto('/admin/backups');
  await page.getByRole('row').nth(1).getByRole('link').waitFor();
  const usableMs = performance.now() - began;
  const work = await workOf(page);
  const down = await scroll(page, SCROLLED);
  const worked = await work.since();
  const heapMb = await work.heapMb();
  const back = (await page.evaluate(JUMP_BACK)) as number;
  t.diagnostic(`usable after ${usableMs.toFixed(0)} ms; ${figures(down)}; ${heapMb.toFixed(0)} MB of heap`);
  t.diagnostic(`the page's own work for 1,000 rows: ${worked(down.reached / 1000)}`);
  t.diagnostic(`back at the top after ${back.toFixed(0)} ms`);
  assert.ok(down.reached >= SCROLLED, `${down.reached} rows were reached`);
  assert.equal(down.missed, 0, 'none between them was left out');
  assert.equal(down.disorder, 0, 'each is older than the one above it');
  assert.ok(down.most <= MOST_ROWS, `${down.most} rows stood in the page at once`);
  assert.ok(down.empty <= down.frames / 2, `${down.empty} of ${down.frames} screens had no row`);
  assert.equal(await page.getByRole('row', { name: /full/ }).first().getAttribute('aria-rowindex'), '2');
});

async function storeBackups({ catalog }: HttpWorld): Promise<void> {
  const nowMs = Date.now();
  const artifacts = JSON.stringify([{ name: 'app.db', source: 'app', kind: 'sqlite', sizeBytes: 8192 }]);
  await catalog.transaction(async (trx) => {
    for (let from = 0; from < BACKUPS; from += 1000) {
      const rows = Array.from({ length: 1000 }, (_, i) => ({
        ...{ id: newId(), plan: 'nightly', plan_id: null, part: null, tenant_id: null, job_id: null },
        ...{ type: 'full' as const, status: 'succeeded' as const, artifacts, held: 0, archived_at: null },
        ...{ started_at: nowMs - (from + i) * HOUR_MS, finished_at: null, key_id: null },
        ...{ size_bytes: 8192, stored_bytes: 512 },
      }));
      await trx.insertInto('backups').values(rows).execute();
    }
  });
}

interface Scrolled {
  /** Number of the last row that was in the page. */
  readonly reached: number;
  /** Of the rows up to there, how many never were. */
  readonly missed: number;
  /** Rows that stood below one that is not newer. */
  readonly disorder: number;
  readonly ms: number;
  readonly frames: number;
  /** Frames that showed no row: only the space in their place. */
  readonly empty: number;
  /** Between two frames: half, 99 of 100, all of them took no longer. */
  readonly gapsMs: readonly [number, number, number];
  /** In which the page answered to nobody for 50 ms or more. */
  readonly longTasks: number;
  readonly longestTaskMs: number;
  readonly waitedMs: number;
  readonly most: number;
}

const figures = (of: Scrolled) =>
  [
    `${of.reached} rows in ${(of.ms / 1000).toFixed(1)} s, ${(of.waitedMs / 1000).toFixed(1)} s of it at the end of what was fetched`,
    `${of.frames} frames, between them ${of.gapsMs.map((ms) => ms.toFixed(0)).join(' / ')} ms (half / 99 % / longest), ${of.empty} without a row`,
    `${of.longTasks} tasks of 50 ms or more, the longest ${of.longestTaskMs.toFixed(0)} ms`,
    `at most ${of.most} rows in the page`,
  ].join('; ');

/** Down by a screen a frame, as the key for it does that somebody keeps pressed. */
async function scroll(page: Page, goal: number): Promise<Scrolled> {
  return (await page.evaluate(`(async (goal) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries())).observe({ type: 'longtask' });
    const seen = new Uint8Array(goal + 100000);
    const gaps = [];
    let [reached, frames, most, empty, disorder, waitedMs] = [0, 0, 0, 0, 0, 0];
    const began = performance.now();
    let before = began;
    while (reached < goal) {
      window.scrollBy(0, window.innerHeight);
      const isAtEnd = window.scrollY + window.innerHeight >= document.scrollingElement.scrollHeight - 1;
      // The scroll is told in the first frame, and rows are drawn by the second.
      await frame();
      const now = await frame();
      gaps.push(now - before);
      if (isAtEnd) waitedMs += now - before;
      before = now;
      frames += 1;
      const rows = [...document.querySelectorAll('tbody tr:not([data-space])')];
      most = Math.max(most, rows.length);
      let [isSeen, last] = [false, ''];
      for (const [i, row] of rows.entries()) {
        const number = Number(row.getAttribute('aria-rowindex') ?? i + 2) - 1;
        seen[number] = 1;
        reached = Math.max(reached, number);
        const time = row.querySelector('time').dateTime;
        if (last !== '' && time >= last) disorder += 1;
        last = time;
        const { top, bottom } = row.getBoundingClientRect();
        isSeen ||= bottom > 0 && top < window.innerHeight;
      }
      if (!isSeen) empty += 1;
      if (frames > goal * 20) break;
    }
    const ms = performance.now() - began;
    let missed = 0;
    for (let number = 1; number <= reached; number++) if (!seen[number]) missed += 1;
    gaps.sort((a, b) => a - b);
    const gapsMs = [0.5, 0.99, 1].map((share) => gaps[Math.ceil(gaps.length * share) - 1]);
    const longestTaskMs = Math.max(0, ...tasks.map(({ duration }) => duration));
    return { reached, missed, disorder, ms, frames, empty, gapsMs, longTasks: tasks.length, longestTaskMs, waitedMs, most };
  })(${goal})`)) as Scrolled;
}

/** To the top at once; gives how long it took until the first row was there. */
const JUMP_BACK = `(async () => {
  const began = performance.now();
  window.scrollTo(0, 0);
  const first = () => document.querySelector('tbody tr:not([data-space])');
  while ((first()?.getAttribute('aria-rowindex') ?? '2') !== '2') await new Promise((resolve) => requestAnimationFrame(resolve));
  return performance.now() - began;
})()`;

/** What the page itself computes, in time of its processor: other programs on the machine do not count. */
async function workOf(page: Page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const metrics = async () =>
    new Map((await session.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]));
  const before = await metrics();
  return {
    async since() {
      const after = await metrics();
      const ms = (name: string) => (after.get(name)! - before.get(name)!) * 1000;
      return (share: number) =>
        ['ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration', 'TaskDuration']
          .map((name) => `${name.replace('Duration', '').toLowerCase()} ${(ms(name) / share).toFixed(0)} ms`)
          .join(', ');
    },
    async heapMb() {
      await session.send('HeapProfiler.collectGarbage');
      return (await session.send('Runtime.getHeapUsage')).usedSize / 1e6;
    },
  };
}
