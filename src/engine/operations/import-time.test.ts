import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '../base/errors.ts';
import { importTime } from './import-time.ts';

const nowMs = Date.parse('2026-11-21T12:00:00Z');
const at = (name: string, modified = '2024-05-05T05:05:05.000Z', given: string | null = null) => {
  const { timeMs, from } = importTime({ given, name, modifiedAtMs: Date.parse(modified), nowMs });
  return [new Date(timeMs).toISOString(), from];
};

test('a time in the name is found however it is written', () => {
  for (const name of [
    'app-2025-11-01T02-30-05Z.dump',
    'app_20251101_023005.sql.gz',
    '20251101023005.dump',
    'db.2025-11-01_02.30.05.tar.gz',
    'db-2025-11-01 02:30:05.sql',
    'db_20251101T023005.dump',
  ])
    assert.deepEqual(at(name), ['2025-11-01T02:30:05.000Z', 'name'], name);
  assert.deepEqual(at('app-2025-11-01-0230.dump'), ['2025-11-01T02:30:00.000Z', 'name']);
});

test('a date alone says the day, and the file says the moment when it is of that day', () => {
  assert.deepEqual(at('app-2025-11-01.dump'), ['2025-11-01T00:00:00.000Z', 'name']);
  assert.deepEqual(at('app-2025-11-01.dump', '2025-11-01T02:31:00.000Z'), [
    '2025-11-01T02:31:00.000Z',
    'file',
  ]);
  assert.deepEqual(at('app-2025-11-01.dump', '2025-11-03T02:31:00.000Z'), [
    '2025-11-01T00:00:00.000Z',
    'name',
  ]);
});

test('what is no date is none', () => {
  for (const name of [
    'app.dump',
    'app-2025-13-01.dump',
    'app-2025-02-31.dump',
    '120251101.dump',
    'v2.2025.dump',
  ])
    assert.deepEqual(at(name), ['2024-05-05T05:05:05.000Z', 'file'], name);
});

test('what is given counts, and nothing lies in the future', () => {
  assert.deepEqual(at('app-2025-11-01.dump', undefined, '2023-01-02T03:04:05+02:00'), [
    '2023-01-02T01:04:05.000Z',
    'given',
  ]);
  const isUsage = (error: unknown) => codeOf(error) === 'usage';
  assert.throws(() => at('app.dump', undefined, 'yesterday'), isUsage);
  assert.throws(() => at('app-2027-01-01.dump'), isUsage);
});
