import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobProgress } from '../jobs/port.ts';
import { engineProgress } from './engine-progress.ts';

test('bytes become a rate and a time left, reported each half second at most', () => {
  let nowMs = 0;
  const reports: Omit<JobProgress, 'atMs'>[] = [];
  const progress = engineProgress({ report: (one) => reports.push(one), warn() {} }, () => nowMs);
  progress.phase('app', { bytes: 1000 });
  for (let i = 0; i < 20; i += 1) {
    nowMs += 100;
    progress.advance({ bytes: 20, storedBytes: 5, entries: 1 });
  }
  assert.equal(reports.length, 5);
  assert.deepEqual(reports[0], {
    ...{ phase: 'app', bytesDone: 0, bytesTotal: 1000, bytesStored: 0, entriesDone: 0, entriesTotal: null },
    ...{ bytesPerSecond: null, secondsLeft: null },
  });
  assert.deepEqual(reports.at(-1), {
    ...{
      phase: 'app',
      bytesDone: 400,
      bytesTotal: 1000,
      bytesStored: 100,
      entriesDone: 20,
      entriesTotal: null,
    },
    ...{ bytesPerSecond: 200, secondsLeft: 3 },
  });
});

test('a total that is found out while a phase runs counts from then on', () => {
  let nowMs = 0;
  const reports: Omit<JobProgress, 'atMs'>[] = [];
  const progress = engineProgress({ report: (one) => reports.push(one), warn() {} }, () => nowMs);
  progress.phase('uploads', {});
  nowMs += 1000;
  progress.advance({ bytes: 100 });
  progress.estimate!({ bytes: 500 });
  assert.deepEqual(
    reports.map(({ bytesTotal, secondsLeft }) => [bytesTotal, secondsLeft]),
    [
      [null, null],
      [null, null],
      [500, 4],
    ],
  );
});

test('the rate follows the last ten seconds, and more than was estimated has no time left', () => {
  let nowMs = 0;
  const reports: Omit<JobProgress, 'atMs'>[] = [];
  const progress = engineProgress({ report: (one) => reports.push(one), warn() {} }, () => nowMs);
  progress.phase('app', { bytes: 3000 });
  const pass = (seconds: number, bytesEach: number) => {
    for (let i = 0; i < seconds; i += 1) {
      nowMs += 1000;
      progress.advance({ bytes: bytesEach });
    }
  };
  pass(30, 10);
  pass(12, 100);
  assert.equal(reports.at(-1)?.bytesPerSecond, 100);
  pass(20, 100);
  assert.deepEqual([reports.at(-1)?.bytesDone, reports.at(-1)?.secondsLeft], [3500, null]);
});
