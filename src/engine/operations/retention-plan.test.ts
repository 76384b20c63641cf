import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planRetention, type RetentionCandidate } from './retention-plan.ts';
import { type RetentionRules, resolveRetention } from './retention-rules.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');

function backupAt(time: string, more: Partial<RetentionCandidate> = {}): RetentionCandidate {
  const timestampMs = Date.parse(time);
  return {
    id: time,
    plan: 'app',
    tenantId: null,
    type: 'full',
    timestampMs,
    complete: true,
    status: 'succeeded',
    held: false,
    provenAtMs: null,
    ...more,
  };
}

function kept(backups: RetentionCandidate[], rules: RetentionRules): string[] {
  const plan = planRetention(backups, resolveRetention(rules), NOW);
  return plan.filter(({ action }) => action === 'keep').map(({ backup }) => backup.id);
}

function reasonsOf(backups: RetentionCandidate[], rules: RetentionRules, id: string): string[] {
  const plan = planRetention(backups, resolveRetention(rules), NOW);
  return plan.find(({ backup }) => backup.id === id)!.reasons.map(({ text }) => text);
}

test('daily keeps the last backup of each day and says which place it takes', () => {
  const backups = [
    backupAt('2026-11-20T02:00:00Z'),
    backupAt('2026-11-20T23:00:00Z'),
    backupAt('2026-11-21T03:00:00Z'),
    backupAt('2026-11-18T03:00:00Z'),
    backupAt('2026-11-17T03:00:00Z'),
  ];
  assert.deepEqual(kept(backups, { daily: 3 }), [
    '2026-11-21T03:00:00Z',
    '2026-11-20T23:00:00Z',
    '2026-11-18T03:00:00Z',
  ]);
  assert.deepEqual(reasonsOf(backups, { daily: 3 }, '2026-11-18T03:00:00Z'), ['daily 2026-11-18 (3 of 3)']);
  assert.deepEqual(reasonsOf(backups, { daily: 3 }, '2026-11-20T02:00:00Z'), ['no rule keeps it']);
});

test('weeks begin on Monday, also across a new year', () => {
  const backups = [
    backupAt('2026-11-16T00:00:00Z'),
    backupAt('2026-11-15T23:59:59Z'),
    backupAt('2025-12-29T00:00:00Z'),
    backupAt('2026-01-01T00:00:00Z'),
  ];
  assert.deepEqual(kept(backups, { weekly: 9 }), [
    '2026-11-16T00:00:00Z',
    '2026-11-15T23:59:59Z',
    '2026-01-01T00:00:00Z',
  ]);
});

test('any keep rule is enough, and limits cut what they selected', () => {
  const backups = [
    backupAt('2026-11-21T10:00:00Z'),
    backupAt('2026-11-21T09:00:00Z'),
    backupAt('2026-10-01T00:00:00Z'),
    backupAt('2026-09-01T00:00:00Z'),
  ];
  assert.equal(kept(backups, { keepLast: 2, monthly: 3 }).length, 4);
  assert.deepEqual(kept(backups, { keepLast: 2, monthly: 3, days: 60 }), [
    '2026-11-21T10:00:00Z',
    '2026-11-21T09:00:00Z',
    '2026-10-01T00:00:00Z',
  ]);
  assert.deepEqual(kept(backups, { keepLast: 2, monthly: 3, versions: 1 }), ['2026-11-21T10:00:00Z']);
});

test('a backup exactly as old as the limit stays, a millisecond more and it goes', () => {
  const border = NOW - 30 * 86_400_000;
  const backups = [
    backupAt('2026-11-21T10:00:00Z'),
    backupAt('2026-10-22T12:00:00Z'),
    backupAt('2026-10-22T11:59:59.999Z'),
  ];
  assert.equal(backups[1]!.timestampMs, border);
  assert.deepEqual(kept(backups, { days: 30 }), ['2026-11-21T10:00:00Z', '2026-10-22T12:00:00Z']);
  assert.deepEqual(reasonsOf(backups, { days: 30 }, '2026-10-22T11:59:59.999Z'), ['older than 30 days']);
});

test('by default 52 versions and 365 days', () => {
  const weekly = Array.from({ length: 60 }, (_, i) =>
    backupAt(new Date(NOW - i * 7 * 86_400_000).toISOString()),
  );
  assert.equal(kept(weekly, {}).length, 52);
  assert.deepEqual(reasonsOf(weekly, {}, weekly[52]!.id), ['beyond the newest 52']);
  const monthly = Array.from({ length: 20 }, (_, i) =>
    backupAt(new Date(NOW - i * 30 * 86_400_000).toISOString()),
  );
  assert.equal(kept(monthly, {}).length, 13);
});

test('the last good, the last proven and the held stay whatever the rules say', () => {
  const backups = [
    backupAt('2020-01-04T00:00:00Z', { complete: false, status: 'incomplete' }),
    backupAt('2020-01-03T00:00:00Z'),
    backupAt('2020-01-02T00:00:00Z', { provenAtMs: NOW }),
    backupAt('2020-01-01T00:00:00Z', { provenAtMs: NOW }),
    backupAt('2019-01-01T00:00:00Z', { held: true }),
  ];
  assert.deepEqual(kept(backups, { days: 30 }), [
    '2020-01-03T00:00:00Z',
    '2020-01-02T00:00:00Z',
    '2019-01-01T00:00:00Z',
  ]);
  assert.deepEqual(reasonsOf(backups, { days: 30 }, '2020-01-02T00:00:00Z'), ['last proven backup']);
});

test('where nothing is good, the newest of what there is stays', () => {
  const junk = { complete: false, status: 'incomplete' };
  const backups = [backupAt('2020-01-02T00:00:00Z', junk), backupAt('2020-01-01T00:00:00Z', junk)];
  assert.deepEqual(kept(backups, { days: 30 }), ['2020-01-02T00:00:00Z']);
  assert.deepEqual(reasonsOf(backups, { days: 30 }, '2020-01-02T00:00:00Z'), ['last backup, none is good']);
});

test('a flood of incomplete and future-dated backups pushes no good one out', () => {
  const good = ['2026-11-19', '2026-11-18', '2026-11-17'].map((day) => backupAt(`${day}T03:00:00Z`));
  const flood = Array.from({ length: 200 }, (_, i) => [
    backupAt(new Date(NOW - i * 60_000).toISOString(), { complete: false, status: 'incomplete' }),
    backupAt(new Date(NOW + 301_000 + i * 60_000).toISOString()),
  ]).flat();
  const plan = new Set(kept([...flood, ...good], { keepLast: 3, versions: 3 }));
  for (const backup of good) assert.ok(plan.has(backup.id), `${backup.id} was pushed out`);
});

test('five minutes ahead is still the present, a millisecond more is the future', () => {
  const at = (ms: number) => backupAt(new Date(NOW + ms).toISOString());
  const backups = [at(300_001), at(300_000), at(0)];
  assert.deepEqual(kept(backups, { keepLast: 1 }), [backups[0]!.id, backups[1]!.id]);
  assert.deepEqual(reasonsOf(backups, { keepLast: 1 }, backups[0]!.id), ['dated in the future, not counted']);
});

test('plans, tenants and types do not affect each other', () => {
  const backups = [
    backupAt('2026-11-21T03:00:00Z'),
    backupAt('2026-11-20T03:00:00Z', { plan: 'other' }),
    backupAt('2026-11-19T03:00:00Z', { tenantId: 't1' }),
    backupAt('2026-11-18T03:00:00Z', { type: 'db' }),
    backupAt('2026-11-17T03:00:00Z'),
  ];
  assert.deepEqual(
    kept(backups, { keepLast: 1 }),
    backups.slice(0, 4).map(({ id }) => id),
  );
});

test('each group may have rules of its own', () => {
  const backups = ['config', 'results'].flatMap((plan) =>
    [1, 10, 40].map((days) =>
      backupAt(new Date(NOW - days * 86_400_000).toISOString(), { plan, id: `${plan} ${days}` }),
    ),
  );
  const plan = planRetention(
    backups,
    (group) => resolveRetention({ days: group.plan === 'config' ? 30 : 7 }),
    NOW,
  );
  const removed = plan.filter(({ action }) => action === 'remove').map(({ backup }) => backup.id);
  assert.deepEqual(removed.sort(), ['config 40', 'results 10', 'results 40']);
});
