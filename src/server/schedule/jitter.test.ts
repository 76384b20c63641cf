import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueAtMs } from './jitter.ts';

const SLOT_MS = Date.parse('2026-03-01T03:00:00Z');

test('jitter is the same every time, differs between plans, parts and slots, and stays in its bounds', () => {
  assert.equal(dueAtMs('a', '', SLOT_MS, 0), SLOT_MS);
  const hour = 3_600_000;
  const offset = (plan: string, part: string, slotMs: number) => dueAtMs(plan, part, slotMs, hour) - slotMs;
  assert.equal(offset('a', '', SLOT_MS), offset('a', '', SLOT_MS));
  const offsets = [
    offset('a', '', SLOT_MS),
    offset('b', '', SLOT_MS),
    offset('a', 'x', SLOT_MS),
    offset('a', '', SLOT_MS + hour),
  ];
  assert.equal(new Set(offsets).size, 4);
  const many = Array.from({ length: 1000 }, (_, i) => offset(`plan-${i}`, '', SLOT_MS));
  assert.ok(many.every((ms) => ms >= 0 && ms < hour));
  // Spread evenly: every tenth of the hour gets its share.
  const tenths = Array.from(
    { length: 10 },
    (_, i) => many.filter((ms) => Math.floor((ms / hour) * 10) === i).length,
  );
  assert.ok(
    tenths.every((count) => count > 60 && count < 140),
    `${tenths}`,
  );
});
