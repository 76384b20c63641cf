import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressView } from './progress-view.ts';

const MiB = 1024 * 1024;

function setup(columns: number | null) {
  let nowMs = 1_000_000;
  let written = '';
  const view = progressView({
    write: (text) => {
      written += text;
    },
    nowMs: () => nowMs,
    columns: () => columns,
  });
  return {
    view,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** What was written since the last call, with the terminal's control codes made readable. */
    take: () => {
      const text = written.replaceAll('\x1b[K', '<K>').replaceAll('\r', '<CR>');
      written = '';
      return text;
    },
  };
}

test('a total that is found out while a phase runs is shown as about', () => {
  const { view, pass, take } = setup(100);
  view.phase('uploads', {});
  view.advance({ bytes: 10 * MiB });
  view.estimate({ bytes: 100 * MiB });
  take();
  pass(1000);
  view.advance({ bytes: 10 * MiB });
  assert.equal(
    take(),
    '<CR>uploads  [====>                   ]  20%  20 MiB of about 100 MiB  20 MiB/s  4 s left<K>',
  );
  view.phase('commit', { bytes: 100 * MiB });
  assert.doesNotMatch(take().split('<CR>').at(-1)!, /about/);
});

test('a terminal shows one line that redraws itself', () => {
  const { view, pass, take } = setup(100);
  view.phase('app.sqlite', { bytes: 100 * MiB });
  assert.equal(take(), '<CR>app.sqlite  [>                       ]  0%  0 B of 100 MiB<K>');
  pass(1000);
  view.advance({ bytes: 10 * MiB, storedBytes: 2 * MiB });
  assert.equal(
    take(),
    '<CR>app.sqlite  [==>                     ]  10%  10 MiB of 100 MiB  10 MiB/s  9 s left  2.0 MiB new<K>',
  );
  pass(4000);
  view.advance({ bytes: 40 * MiB });
  assert.equal(
    take(),
    '<CR>app.sqlite  [============>           ]  50%  50 MiB of 100 MiB  10 MiB/s  5 s left  2.0 MiB new<K>',
  );
  pass(5000);
  view.advance({ bytes: 50 * MiB });
  assert.match(take(), / 99% {2}100 MiB of 100 MiB/);
  view.end(true);
  assert.equal(take(), '<CR><K>app.sqlite: done, 100 MiB, 2.0 MiB new, 10 s\n');
  view.end(true);
  assert.equal(take(), '');
});

test('a terminal is redrawn at most ten times a second', () => {
  const { view, pass, take } = setup(80);
  view.phase('files', {});
  for (let i = 0; i < 1000; i += 1) {
    pass(1);
    view.advance({ bytes: 1000, entries: 1 });
  }
  assert.equal(take().split('<CR>').length - 1, 11);
});

test('a warning stands above the bar', () => {
  const { view, pass, take } = setup(80);
  view.phase('files', { entries: 10 });
  pass(200);
  view.advance({ entries: 5 });
  take();
  view.warn('a.txt vanished');
  assert.equal(
    take(),
    '<CR><K>warning: a.txt vanished\n<CR>files  [============>           ]  50%  5 of 10 entries<K>',
  );
});

test('without a terminal a line comes every five seconds and at the end of a long phase', () => {
  const { view, pass, take } = setup(null);
  view.phase('app.sqlite', { bytes: 400 * MiB });
  for (let i = 0; i < 12; i += 1) {
    pass(1000);
    view.advance({ bytes: 20 * MiB, storedBytes: MiB });
  }
  assert.equal(
    take(),
    'app.sqlite: 25%, 100 MiB of 400 MiB, 20 MiB/s, 15 s left, 5.0 MiB new, 5.0 s\n' +
      'app.sqlite: 50%, 200 MiB of 400 MiB, 20 MiB/s, 10 s left, 10 MiB new, 10 s\n',
  );
  view.phase('short', {});
  pass(10);
  view.end(true);
  assert.equal(take(), 'app.sqlite: done, 240 MiB, 12 MiB new, 12 s\n');
});

test('a failed run never calls its phase done', () => {
  for (const columns of [80, null]) {
    const { view, pass, take } = setup(columns);
    view.phase('app.sqlite', { bytes: MiB });
    pass(2000);
    view.end(false);
    assert.doesNotMatch(take(), /done/);
  }
});
