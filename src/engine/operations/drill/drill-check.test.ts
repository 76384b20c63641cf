import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS } from '../../base/clock.ts';
import { provenCheck } from './drill-check.ts';

const NOW = Date.parse('2026-06-01T00:00:00Z');

const drill = (result: 'green' | 'red', daysAgo: number) => ({
  drillId: `drill-${daysAgo}`,
  report: { result, finishedAt: new Date(NOW - daysAgo * DAY_MS).toISOString() },
});

test('no drill ever, none that passed, none lately, and one that failed since: each is told, with what to do', () => {
  const said = (...drills: ReturnType<typeof drill>[]) => {
    const { status, message, next } = provenCheck(drills, NOW);
    return `${status}: ${message}; ${next}`;
  };
  assert.equal(said(), 'warning: no restore was ever rehearsed; run holdfast drill');
  assert.equal(
    said(drill('red', 1), drill('red', 9)),
    'warning: none of 2 drills passed; run holdfast drill',
  );
  assert.equal(said(drill('green', 99)), 'ok: the last restore was proven 99.0 days ago; null');
  assert.equal(
    said(drill('green', 101)),
    'warning: the last restore was proven 101.0 days ago; run holdfast drill',
  );
  assert.equal(
    said(drill('red', 2), drill('green', 30)),
    'problem: the last drill failed; the last that passed is 30.0 days old; holdfast evidence show drill-2',
  );
  assert.match(said(drill('green', 2), drill('red', 30)), /^ok/);
});
