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
const HOUR_MS = 3_600_000;

test('a list of 100,000 backups scrolls, with few rows in the page; what it took is printed', async (t) => {
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
  const { seen, ms, frames, worstMs, most } = await scroll(page);
  t.diagnostic(
    `usable after ${usableMs.toFixed(0)} ms; ${seen} rows in ${(ms / 1000).toFixed(1)} s, ${frames} frames, the longest ${worstMs.toFixed(0)} ms; at most ${most} rows in the page`,
  );
  assert.ok(seen >= SCROLLED, `${seen} rows were reached`);
  assert.ok(most <= 400, `${most} rows stood in the page at once`);
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
  readonly seen: number;
  readonly ms: number;
  readonly frames: number;
  readonly worstMs: number;
  readonly most: number;
}

/** Down by half a screen a frame, as somebody does who holds a key. */
async function scroll(page: Page): Promise<Scrolled> {
  return (await page.evaluate(`(async (goal) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const last = () => Number([...document.querySelectorAll('tr[aria-rowindex]')].at(-1)?.getAttribute('aria-rowindex') ?? 0);
    const began = performance.now();
    let [seen, frames, worstMs, most, before] = [0, 0, 0, 0, began];
    while (seen < goal) {
      window.scrollBy(0, window.innerHeight / 2);
      const now = await frame();
      worstMs = Math.max(worstMs, now - before);
      before = now;
      frames += 1;
      most = Math.max(most, document.querySelectorAll('tbody tr').length);
      seen = Math.max(seen, last() - 1);
      if (frames > goal * 20) break;
    }
    return { seen, ms: performance.now() - began, frames, worstMs, most };
  })(${SCROLLED})`)) as Scrolled;
}
