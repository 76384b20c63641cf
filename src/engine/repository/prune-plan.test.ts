import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../../test/support/counts.ts';
import { seededRandom } from '../../../test/support/seed.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { decidePacks, type PackUse, refuseFutureTombstones } from './prune-plan.ts';
import type { Tombstone } from './tombstones.ts';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');
const clock = { nowMs: NOW, storageNowMs: NOW, graceMs: DAY_MS };
const use = (pack: string, liveBytes: number): PackUse => ({
  pack,
  sizeBytes: 100,
  totalBytes: 1000,
  liveBytes,
});
const stone = (pack: string, ageMs: number, storageAgeMs = ageMs): [string, Tombstone] => [
  pack,
  { pack, writtenAtMs: NOW - ageMs, modifiedAtMs: NOW - storageAgeMs },
];

test('each pack meets the fate its use and its tombstone call for', () => {
  const damaged: Tombstone = { pack: 'damaged', writtenAtMs: null, modifiedAtMs: NOW - 9 * DAY_MS };
  const tombstones = new Map([
    stone('old', DAY_MS),
    stone('young', HOUR_MS),
    stone('revived', 9 * DAY_MS),
    stone('stray', HOUR_MS),
    ['damaged', damaged] as const,
  ]);
  const packs = [
    use('whole', 1000),
    use('half', 500),
    use('sparse', 499),
    use('dead', 0),
    use('old', 0),
    use('young', 0),
    use('revived', 1),
    use('damaged', 0),
  ];
  const plan = decidePacks(packs, tombstones, clock);
  const names = (list: readonly { pack: string }[]) => list.map(({ pack }) => pack);
  assert.deepEqual(names(plan.condemn), ['dead', 'damaged']);
  assert.deepEqual(names(plan.remove), ['old']);
  assert.deepEqual(plan.waiting, [{ pack: 'young', sizeBytes: 100, removableAtMs: NOW + 23 * HOUR_MS }]);
  assert.deepEqual(names(plan.revive), ['revived']);
  assert.deepEqual(names(plan.rewrite), ['sparse']);
  assert.deepEqual(plan.strayTombstones, ['damaged', 'stray']);
  assert.deepEqual(plan.packs, { count: 8, sizeBytes: 800, liveBytes: 2000 });
});

test('a tombstone is old only when both clocks say so', () => {
  const packs = [use('a', 0)];
  const removed = (ageMs: number, storageAgeMs: number) =>
    decidePacks(packs, new Map([stone('a', ageMs, storageAgeMs)]), clock).remove.length === 1;
  assert.equal(removed(DAY_MS, DAY_MS), true);
  assert.equal(removed(365 * DAY_MS, DAY_MS - 1), false);
  assert.equal(removed(DAY_MS - 1, 365 * DAY_MS), false);
});

test('tombstones from the future stop everything', () => {
  for (const [aheadMs, code] of [
    [4 * MINUTE_MS, null],
    [6 * MINUTE_MS, 'clock_skew'],
    [DAY_MS, 'clock_skew'],
  ] as const) {
    for (const entry of [stone('a', -aheadMs, 0), stone('a', 0, -aheadMs)]) {
      let thrown: unknown = null;
      try {
        refuseFutureTombstones([entry[1]], clock);
      } catch (error) {
        thrown = codeOf(error);
      }
      assert.equal(thrown, code);
    }
  }
});

test('every pack has exactly one fate and nothing that lives is condemned or removed', () => {
  const random = seededRandom('prune plan');
  for (let round = 0; round < count(300, 5000); round += 1) {
    const packs = Array.from({ length: random.int(8) }, (_, i) => use(`p${i}`, random.pick([0, 0, 10, 900])));
    const tombstones = new Map(
      packs.filter(() => random.int(2) === 0).map(({ pack }) => stone(pack, random.int(2 * DAY_MS))),
    );
    const plan = decidePacks(packs, tombstones, clock);
    const live = new Set(packs.filter(({ liveBytes }) => liveBytes > 0).map(({ pack }) => pack));
    const fates = [plan.condemn, plan.remove, plan.waiting, plan.revive, plan.rewrite].flat();
    assert.equal(new Set(fates.map(({ pack }) => pack)).size, fates.length);
    for (const { pack } of [...plan.condemn, ...plan.remove]) assert.ok(!live.has(pack));
    for (const { pack } of plan.remove) assert.ok(tombstones.get(pack)!.writtenAtMs! <= NOW - DAY_MS);
  }
});
