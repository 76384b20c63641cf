import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderProfile, slowestStage } from './render-profile.ts';

const stages = {
  ...{ cut: 1000, find: 500, wait: 2500, identify: 600, digest: 400 },
  ...{ difference: 0, compress: 12_000, encrypt: 1000, store: 3000 },
};

test('every thread has its whole time accounted for, and the slowest stage is named', () => {
  const text = renderProfile({ durationMs: 8000, workers: 2, stages });
  assert.match(text, /^time of the reading thread \(8\.0 s\):\n {3}50% {4}4\.0 s {2}reading the source/);
  assert.match(text, /\n {3}75% {5}12 s {2}compressing/);
  assert.match(text, /\n {3}13% +2\.0 s {2}nothing to do\n/);
  assert.match(text, /slowest: compressing \(zstd\)\n$/);
});

test('what many threads share counts by what each of them had to do', () => {
  assert.equal(slowestStage({ durationMs: 8000, workers: 4, stages }), 'reading the source');
  assert.equal(slowestStage({ durationMs: 8000, workers: 2, stages }), 'compressing (zstd)');
});
