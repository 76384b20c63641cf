import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSchedule, cronTimes } from './cron.ts';

const ms = (text: string) => Date.parse(text);
const iso = (value: number | null) => (value === null ? null : new Date(value).toISOString());

test('weekly on Monday at 03:00 UTC comes once a week, strictly after', () => {
  const times = cronTimes('0 3 * * 1', 'UTC');
  assert.equal(iso(times.after(ms('2026-11-21T10:00:00Z'))), '2026-11-23T03:00:00.000Z');
  assert.equal(iso(times.after(ms('2026-11-23T03:00:00Z'))), '2026-11-30T03:00:00.000Z');
  assert.equal(iso(times.lastUntil(ms('2026-11-23T03:00:00Z'))), '2026-11-23T03:00:00.000Z');
  assert.equal(iso(times.lastUntil(ms('2026-11-23T02:59:59.999Z'))), '2026-11-16T03:00:00.000Z');
});

test('a daily run in local time comes once a day through both changes of the clock', () => {
  const times = cronTimes('30 2 * * *', 'Europe/Berlin');
  const days = (from: string, count: number) => {
    const found: (string | null)[] = [];
    let at: number | null = ms(from);
    for (let i = 0; i < count && at !== null; i += 1) {
      at = times.after(at);
      found.push(iso(at));
    }
    return found;
  };
  // 02:30 does not exist on the 29th: it runs when the clock has moved on.
  assert.deepEqual(days('2026-03-28T00:00:00Z', 3), [
    '2026-03-28T01:30:00.000Z',
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ]);
  // 02:30 comes twice on the 25th: it runs once.
  assert.deepEqual(days('2026-10-24T12:00:00Z', 2), ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']);
});

test('what is no schedule is refused with what is wrong', () => {
  const refused = (cron: string, timeZone: string | null, message: RegExp) =>
    assert.throws(() => checkSchedule({ cron, timeZone }), { code: 'schedule_invalid', message });
  refused('61 * * * *', null, /"61 \* \* \* \*" in UTC: invalid value for minute: 61/);
  refused('* * * *', null, /has 4 fields, and five are needed/);
  refused('0 0 3 * * 1', null, /has 6 fields/);
  refused('0 3 31 2 *', null, /never comes/);
  refused('0 3 * * 1', 'Mars/Olympus', /Mars\/Olympus/);
  checkSchedule({ cron: '0 3 * * 1', timeZone: 'America/New_York' });
  checkSchedule({ cron: null, timeZone: null });
});
