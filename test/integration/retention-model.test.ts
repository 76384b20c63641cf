/** Reliability test 21: retention against a naive reference, over random timelines with floods of junk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  planRetention,
  type RetentionCandidate,
  type RetentionDecision,
} from '../../src/engine/operations/retention-plan.ts';
import { type ResolvedRetention, resolveRetention } from '../../src/engine/operations/retention-rules.ts';
import { count } from '../support/counts.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';
import { removableByReference } from './retention-reference.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Around a change of daylight saving, of the year and a leap day, and an ordinary moment. */
const MOMENTS = [
  '2026-10-25T01:30:00Z',
  '2026-03-29T01:00:00Z',
  '2027-01-01T00:00:00Z',
  '2028-02-29T23:59:59.999Z',
  '2026-11-21T13:37:00Z',
].map((text) => Date.parse(text));

interface Timeline {
  readonly backups: RetentionCandidate[];
  readonly rules: ResolvedRetention;
  readonly nowMs: number;
}

function randomRules(random: SeededRandom): ResolvedRetention {
  const maybe = (chance: number, below: number) => (random.next() < chance ? 1 + random.int(below) : null);
  const keep = random.next() < 0.3 ? 0 : 0.4;
  return resolveRetention({
    days: maybe(0.5, 60),
    versions: maybe(0.5, 12),
    keepLast: maybe(keep, 6),
    hourly: maybe(keep, 12),
    daily: maybe(keep, 10),
    weekly: maybe(keep, 6),
    monthly: maybe(keep, 6),
    yearly: maybe(keep, 4),
  });
}

function randomTimeline(random: SeededRandom): Timeline {
  const nowMs = random.pick(MOMENTS) + random.int(2) * random.int(DAY);
  const stepMs = random.pick([HOUR / 4, HOUR, 6 * HOUR, DAY, 7 * DAY, 40 * DAY]);
  const flood = random.pick(['none', 'future', 'junk', 'both']);
  const junkShare = flood === 'junk' || flood === 'both' ? 0.7 : 0.1;
  const futureShare = flood === 'future' || flood === 'both' ? 0.5 : 0.05;
  const size = 1 + random.int(40);
  const backups = Array.from({ length: size }, (_, i): RetentionCandidate => {
    const junk = random.next() < junkShare;
    const future = random.next() < futureShare;
    const offset = Math.floor(random.next() * size * stepMs);
    // Now and then exactly at a border: the tolerance, the same instant twice, a whole number of days.
    const border = random.pick([null, null, null, 5 * 60_000, 5 * 60_000 + 1, 0, -random.int(60) * DAY]);
    const timestampMs = nowMs + (border ?? (future ? offset + 5 * 60_000 : -offset));
    return {
      id: `${random.int(100)}-${i}`,
      plan: random.pick(['app', 'app', 'app', 'other']),
      tenantId: random.pick([null, null, 't1']),
      type: random.pick(['full', 'full', 'db']),
      timestampMs,
      complete: !junk || random.next() < 0.3,
      status: junk ? random.pick(['incomplete', 'failed', 'interrupted']) : 'succeeded',
      held: random.next() < 0.05,
      provenAtMs: random.next() < 0.1 ? timestampMs + HOUR : null,
    };
  });
  return { backups, rules: randomRules(random), nowMs };
}

type Plan = (backups: RetentionCandidate[], rules: ResolvedRetention, nowMs: number) => RetentionDecision[];

/** The first timeline on which a planner and the reference differ; null when they never do. */
function firstDifference(plan: Plan, random: SeededRandom, timelines: number): string | null {
  for (let i = 0; i < timelines; i += 1) {
    const { backups, rules, nowMs } = randomTimeline(random);
    const decisions = plan(backups, rules, nowMs);
    const removed = decisions.filter(({ action }) => action === 'remove').map(({ backup }) => backup.id);
    const expected = removableByReference(backups, rules, nowMs);
    const same = removed.length === expected.size && removed.every((id) => expected.has(id));
    if (!same || decisions.length !== backups.length) {
      const wrong = [...new Set([...removed, ...expected])].filter(
        (id) => removed.includes(id) !== expected.has(id),
      );
      return `timeline ${i}, now ${new Date(nowMs).toISOString()}: ${wrong} of ${JSON.stringify({ rules, backups })}`;
    }
  }
  return null;
}

test('retention never differs from the reference', () => {
  assert.equal(firstDifference(planRetention, seededRandom('retention model'), count(5_000, 100_000)), null);
});

const brokenPlans: Record<string, Plan> = {
  'counts incomplete backups as good': (backups, rules, nowMs) =>
    planRetention(
      backups.map((backup) => ({ ...backup, complete: true, status: 'succeeded' })),
      rules,
      nowMs,
    ),
  'judges future-dated backups as present': (backups, rules, nowMs) =>
    planRetention(backups, rules, Math.max(nowMs, ...backups.map((b) => b.timestampMs))),
  'ignores holds': (backups, rules, nowMs) =>
    planRetention(
      backups.map((backup) => ({ ...backup, held: false })),
      rules,
      nowMs,
    ),
  'forgets what was proven': (backups, rules, nowMs) =>
    planRetention(
      backups.map((backup) => ({ ...backup, provenAtMs: null })),
      rules,
      nowMs,
    ),
  'counts days in a zone with daylight saving': (backups, rules, nowMs) =>
    planRetention(
      backups.map((b) => ({ ...b, timestampMs: b.timestampMs + 2 * HOUR })),
      rules,
      nowMs + 2 * HOUR,
    ),
  'mixes tenants': (backups, rules, nowMs) =>
    planRetention(
      backups.map((backup) => ({ ...backup, tenantId: null })),
      rules,
      nowMs,
    ),
};

for (const [name, plan] of Object.entries(brokenPlans)) {
  test(`the comparison catches a planner that ${name}`, () => {
    assert.notEqual(firstDifference(plan, seededRandom(name), 2_000), null);
  });
}

test('a group always keeps its newest good, newest proven and every held backup', () => {
  const random = seededRandom('retention floor');
  for (let i = 0; i < count(2_000, 20_000); i += 1) {
    const { backups, rules, nowMs } = randomTimeline(random);
    const kept = new Set(
      planRetention(backups, rules, nowMs)
        .filter(({ action }) => action === 'keep')
        .map(({ backup }) => backup.id),
    );
    for (const group of Map.groupBy(backups, (b) => `${b.plan} ${b.tenantId} ${b.type}`).values()) {
      assert.ok(
        group.some((backup) => kept.has(backup.id)),
        'a group was emptied',
      );
      const good = group.filter((b) => b.complete && b.status === 'succeeded');
      if (good.length > 0)
        assert.ok(
          good.some((b) => kept.has(b.id)),
          'no good backup left',
        );
      if (good.some((b) => b.provenAtMs !== null)) {
        assert.ok(
          good.some((b) => b.provenAtMs !== null && kept.has(b.id)),
          'no proven backup left',
        );
      }
      for (const backup of group)
        if (backup.held) assert.ok(kept.has(backup.id), 'a held backup was removed');
    }
  }
});
