import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAge, formatDuration, formatSize, formatTime, printable } from './format.ts';

test('sizes keep to three digits', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KiB'],
    [1024, '1.0 KiB'],
    [10_188, '9.9 KiB'],
    [10_200, '10 KiB'],
    [1023 * 1024, '1.0 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
    [5000 * 1024 ** 5, '5000 PiB'],
  ];
  for (const [bytes, text] of cases) assert.equal(formatSize(bytes), text);
});

test('durations name two units at most', () => {
  const cases: [number, string][] = [
    [0, '0 ms'],
    [999, '999 ms'],
    [1500, '1.5 s'],
    [9_949, '9.9 s'],
    [59_400, '59 s'],
    [59_600, '1 min'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
    [273_600_000, '3 d 4 h'],
  ];
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
});

test('ages are relative to now, in both directions', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  const ages = [
    '2026-11-21T11:59:30Z',
    '2026-11-21T11:59:00Z',
    '2026-11-21T07:00:00Z',
    '2026-11-01T12:00:00Z',
  ];
  assert.deepEqual(
    ages.map((time) => formatAge(Date.parse(time), now)),
    ['just now', '1 minute ago', '5 hours ago', '20 days ago'],
  );
  assert.equal(formatAge(Date.parse('2022-11-21T12:00:00Z'), now), '4 years ago');
  assert.equal(formatAge(now + 2 * 3_600_000, now), 'in 2 hours');
  assert.equal(formatTime(now), '2026-11-21 12:00:00');
});

test('a name cannot move the cursor, forge a line or turn its direction', () => {
  assert.equal(printable('a\x1b[2Jb\nc\u202ed\u0085'), 'a\\x1b[2Jb\\x0ac\\u{202e}d\\x85');
  assert.equal(printable('Grüße 日本 🎉'), 'Grüße 日本 🎉');
});
