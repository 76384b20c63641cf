/** Reliability 43: of attacks at least 95 % are noticed, of 200 normal runs at most one is called one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../../test/support/counts.ts';
import { type SeededRandom, seededRandom } from '../../../test/support/seed.ts';
import { type BackupMeasure, findAnomalies } from './anomaly.ts';

const DAY_MS = 86_400_000;

/** Between the two, evenly on a logarithmic scale. */
const between = (random: SeededRandom, low: number, high: number) => low * (high / low) ** random.next();

/** A plan as plans are: it grows, it breathes, on some days there is a migration or a clean-up of a part. */
function normalPlan(random: SeededRandom, backups: number): BackupMeasure[] {
  const growth = 1 + random.next() * 0.01;
  const noise = random.next() * 0.04;
  const share = between(random, 0.002, 0.25);
  let size = between(random, 1e6, 1e11);
  const tables = new Map(['users', 'orders', 'log'].map((name) => [name, between(random, 200, 1e7)]));
  return Array.from({ length: backups }, (_, i) => {
    size *= growth * (1 + (random.next() - 0.5) * noise);
    const isBusy = random.next() < 0.05;
    const rows = new Map<string, number>();
    for (const [name, before] of tables) {
      const now = before * growth * (1 + (random.next() - 0.5) * noise) * (isBusy ? 0.9 : 1);
      tables.set(name, now);
      rows.set(name, Math.round(now));
    }
    const changedShare = i === 0 ? 1 : Math.min(0.9, share * (0.5 + random.next()) * (isBusy ? 1.3 : 1));
    return {
      id: `b${i}`,
      timestampMs: i * DAY_MS,
      sizeBytes: Math.round(size * (isBusy ? 0.95 : 1)),
      rows,
      changedShare,
    };
  });
}

type Attack = (last: BackupMeasure, random: SeededRandom) => Partial<BackupMeasure>;

const ATTACKS: readonly Attack[] = [
  // Everything encrypted in place.
  (_, random) => ({ changedShare: 0.9 + random.next() * 0.1 }),
  // Encrypted, and the database cannot be opened any more: no rows.
  ({ sizeBytes }) => ({ changedShare: 0.99, rows: new Map(), sizeBytes }),
  // Most of the files are gone.
  ({ sizeBytes }, random) => ({ sizeBytes: Math.round(sizeBytes * (0.05 + random.next() * 0.3)) }),
  // One table was emptied.
  ({ rows }) => ({ rows: new Map([...rows, ['users', 0]]) }),
  // Rows of all tables were deleted, not all of them.
  ({ rows }, random) => ({
    rows: new Map([...rows].map(([name, n]) => [name, Math.round(n * random.next() * 0.25)])),
  }),
  // Filled with rubbish.
  ({ sizeBytes }, random) => ({
    sizeBytes: Math.round(sizeBytes * (4 + random.next() * 20)),
    changedShare: 0.8,
  }),
];

test('attacks are noticed', () => {
  const random = seededRandom('attacks');
  const attacks = count(300, 3000);
  let noticed = 0;
  for (let i = 0; i < attacks; i += 1) {
    const history = normalPlan(random, 8 + Math.floor(random.next() * 30));
    const last = history.at(-1)!;
    const attacked = {
      ...last,
      ...ATTACKS[i % ATTACKS.length]!(last, random),
      id: 'attacked',
      timestampMs: last.timestampMs + DAY_MS,
    };
    const found = findAnomalies([...history, attacked]);
    if (found.some(({ backupId }) => backupId === 'attacked')) noticed += 1;
  }
  assert.ok(noticed >= attacks * 0.95, `${noticed} of ${attacks}`);
});

test('plans that are as always are not', () => {
  const random = seededRandom('normal');
  const runs = count(2000, 20_000);
  let alarms = 0;
  for (let done = 0; done < runs; done += 40) alarms += findAnomalies(normalPlan(random, 40)).length;
  assert.ok(alarms <= runs / 200, `${alarms} alarms in ${runs} runs`);
});

test('an attack does not become the custom; what a person accepts does', () => {
  const random = seededRandom('custom');
  const history = normalPlan(random, 12);
  const last = history.at(-1)!;
  const after = Array.from({ length: 30 }, (_, i) => ({
    ...last,
    ...{ id: `after${i}`, timestampMs: (20 + i) * DAY_MS, sizeBytes: Math.round(last.sizeBytes / 10) },
  }));
  const all = [...history, ...after];
  assert.equal(new Set(findAnomalies(all).map(({ backupId }) => backupId)).size, 30);
  assert.deepEqual(findAnomalies(all, after.at(-1)!.timestampMs), []);
  const later = {
    ...last,
    id: 'later',
    timestampMs: 90 * DAY_MS,
    sizeBytes: Math.round(last.sizeBytes / 100),
  };
  assert.deepEqual(
    findAnomalies([...all, later], after.at(-1)!.timestampMs).map(({ backupId }) => backupId),
    ['later'],
  );
});

test('a restless plan sets its own measure', () => {
  const sizes = [1, 4, 2, 8, 1, 6, 3, 9, 2, 7].map((n) => n * 1e6);
  const restless = sizes.map((sizeBytes, i) => ({
    id: `${i}`,
    timestampMs: i * DAY_MS,
    sizeBytes,
    rows: new Map(),
    changedShare: null,
  }));
  assert.deepEqual(findAnomalies(restless), []);
});
