import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanced, fractionOf, newPhase, rateOf, remainingMs } from './progress-state.ts';
import { renderBar, renderLine, renderPhaseEnd } from './render-progress.ts';

const GiB = 1024 ** 3;

const halfway = advanced(
  newPhase('orders/db.dump', { bytes: 8 * GiB }, 0),
  { bytes: 4 * GiB, storedBytes: GiB },
  8000,
);

test('what matters least goes first on a narrow terminal', () => {
  assert.deepEqual(
    [120, 80, 60, 40, 20, 8].map((width) => renderBar(halfway, 8000, width)),
    [
      'orders/db.dump  [============>           ]  50%  4.0 GiB of 8.0 GiB  512 MiB/s  8 s left  1.0 GiB new',
      'orders/db.dump  50%  4.0 GiB of 8.0 GiB  512 MiB/s  8 s left  1.0 GiB new',
      'orders/db.dump  50%  4.0 GiB of 8.0 GiB  8 s left',
      'orders/db.dump  50%  4.0 GiB of 8.0 GiB',
      'orders/db.dump  50%',
      'orders/',
    ],
  );
  for (let width = 1; width < 120; width += 1) assert.ok(renderBar(halfway, 8000, width).length < width);
});

test('without a total there is neither bar nor time left', () => {
  const state = advanced(newPhase('command', { bytes: null }, 0), { bytes: GiB }, 1000);
  assert.equal(renderBar(state, 1000, 100), 'command  1.0 GiB  1.0 GiB/s');
  assert.equal(renderLine(state, 1000), 'command: 1.0 GiB, 1.0 GiB/s, 1.0 s');
});

test('an estimate that was too low is no longer shown as a total', () => {
  const state = advanced(newPhase('dump', { bytes: GiB }, 0), { bytes: 2 * GiB }, 1000);
  assert.equal(renderLine(state, 1000), 'dump: 99%, 2.0 GiB, 2.0 GiB/s, 1.0 s');
  assert.equal(remainingMs(state, 1000), null);
});

test('entries are counted where there are no bytes', () => {
  const state = advanced(newPhase('listing', { entries: 20_000 }, 0), { entries: 1_204 }, 1000);
  assert.equal(renderLine(state, 1000), 'listing: 6%, 1,204 of 20,000 entries, 1.0 s');
  assert.equal(
    renderPhaseEnd(advanced(newPhase('listing', {}, 0), { entries: 1 }, 0), 90_000),
    'listing: done, 1 entry, 1 min 30 s',
  );
});

test('the rate follows the last ten seconds and is unknown at the start', () => {
  let state = newPhase('x', { bytes: 10_000 }, 0);
  assert.equal(rateOf(state, 100), null);
  for (let second = 1; second <= 60; second += 1)
    state = advanced(state, { bytes: second <= 30 ? 100 : 10 }, second * 1000);
  assert.equal(rateOf(state, 60_000), 10);
  assert.ok(state.samples.length <= 25, 'samples do not pile up');
  assert.equal(fractionOf(state), 0.33);
});

test('a run that stands still promises no time', () => {
  let state = newPhase('x', { bytes: 1000 }, 0);
  state = advanced(state, { bytes: 10 }, 1000);
  state = advanced(state, {}, 30_000);
  assert.equal(remainingMs(state, 35_000), null);
});
