import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS } from '../base/clock.ts';
import type { PlacedBackup } from './copy-place.ts';
import { planReplication, type ReplicateFilter } from './replicate-plan.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');

/** A backup so many days old; its id tells the age, so that ids of one age are the same backup. */
function daysOld(days: number, fields: Partial<PlacedBackup> = {}): PlacedBackup {
  return {
    id: `${fields.plan ?? 'nightly'}-${days}`,
    plan: 'nightly',
    tenantId: null,
    type: 'full',
    timestampMs: NOW_MS - days * DAY_MS,
    complete: true,
    status: 'succeeded',
    held: false,
    provenAtMs: null,
    state: 'backups',
    sizeBytes: 1,
    sources: ['app'],
    digest: '',
    holdReason: null,
    at: { ref: null as never },
    ...fields,
  };
}

const idsOf = (backups: readonly PlacedBackup[]) => backups.map(({ id }) => id);
const plan = (
  source: readonly PlacedBackup[],
  target: readonly PlacedBackup[],
  filter: Partial<ReplicateFilter> = {},
) => planReplication(source, target, { rulesOf: () => ({}), ...filter }, NOW_MS);

test('what the target lacks, oldest first', () => {
  const { copy, leftOut, hold } = plan([daysOld(1), daysOld(3), daysOld(2)], [daysOld(2)]);
  assert.deepEqual([idsOf(copy), leftOut, hold], [['nightly-3', 'nightly-1'], [], []]);
});

test('what retention at the target would remove is left out, counted together with what is there', () => {
  const source = [1, 2, 3, 4].map((days) => daysOld(days));
  const { copy, leftOut } = plan(source, [daysOld(0), daysOld(1)], { rulesOf: () => ({ keepLast: 3 }) });
  assert.deepEqual(idsOf(copy), ['nightly-2']);
  assert.deepEqual(
    leftOut.map(({ backup, reason }) => [backup.id, reason]),
    [
      ['nightly-4', 'retention'],
      ['nightly-3', 'retention'],
    ],
  );
});

test('copying and then rotating by the same rules removes nothing that was copied', () => {
  const source = Array.from({ length: 40 }, (_, days) => daysOld(days));
  for (const rules of [{ keepLast: 5 }, { days: 9 }, { versions: 7 }, { daily: 4, weekly: 3 }]) {
    const first = plan(source, [], { rulesOf: () => rules });
    const second = plan(source, first.copy, { rulesOf: () => rules });
    assert.deepEqual(idsOf(second.copy), [], JSON.stringify(rules));
    assert.ok(first.copy.length > 0 && first.copy.length < source.length);
  }
});

test('what was archived there stays so, what is archived here is not copied, and a held one always comes', () => {
  const source = [
    daysOld(1, { state: 'archived' }),
    daysOld(2),
    daysOld(400, { held: true, holdReason: 'audit' }),
    daysOld(500, { held: true, holdReason: 'audit', state: 'archived' }),
  ];
  const { copy, leftOut } = plan(source, [daysOld(2, { state: 'archived' })]);
  assert.deepEqual(idsOf(copy), ['nightly-500', 'nightly-400']);
  assert.deepEqual(
    leftOut.map(({ backup, reason }) => [backup.id, reason]),
    [['nightly-2', 'archived']],
  );
});

test('a hold is placed on a copy that is there and not held', () => {
  const held = { held: true, holdReason: 'audit' };
  const source = [daysOld(1, held), daysOld(2, held), daysOld(3)];
  const { hold } = plan(source, [daysOld(1), daysOld(2, held), daysOld(3)]);
  assert.deepEqual(idsOf(hold), ['nightly-1']);
});

test('plan and tenant choose, regions refuse', () => {
  const source = [daysOld(1), daysOld(1, { plan: 'weekly' }), daysOld(2, { tenantId: 'acme' })];
  assert.deepEqual(idsOf(plan(source, [], { plan: 'weekly' }).copy), ['weekly-1']);
  assert.deepEqual(idsOf(plan(source, [], { tenantId: 'acme' }).copy), ['nightly-2']);
  const { copy, leftOut } = plan(source, [], {
    refusalOf: (name) => (name === 'weekly' ? 'is in region us' : null),
  });
  assert.deepEqual(idsOf(copy), ['nightly-2', 'nightly-1']);
  assert.deepEqual(
    leftOut.map(({ reason, text }) => [reason, text]),
    [['region', 'is in region us']],
  );
});

test('what holds a source of other places is not carried on; what holds both kinds is left out by name', () => {
  const source = [
    daysOld(3, { id: 'data', sources: ['orders', 'uploads'] }),
    daysOld(2, { id: 'keys', sources: ['keys'], held: true }),
    daysOld(1, { id: 'both', sources: ['keys', 'orders'] }),
    daysOld(0, { id: 'gone', sources: ['what the plan had once'] }),
  ];
  const { copy, leftOut, hold } = plan(source, [], { apart: ['keys', 'settings'] });
  assert.deepEqual([idsOf(copy), hold], [['data', 'gone'], []]);
  assert.deepEqual(
    leftOut.map(({ backup, reason, text }) => [backup.id, reason, text]),
    [['both', 'separate', 'holds keys, which the plan keeps apart']],
  );
  const there = plan(source, source.slice(1), { apart: ['keys'] });
  assert.deepEqual([there.leftOut, idsOf(there.copy)], [[], ['data']], 'what is there is there');
  assert.deepEqual(idsOf(plan(source, [], {}).copy), ['data', 'keys', 'both', 'gone'], 'the control');
});
