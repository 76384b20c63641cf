import { DAY_MS, MINUTE_MS } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';

/** A date in a name, alone or with a time behind it: `app-2025-11-01.dump`, `db_20251101_0230.sql.gz`, `2025-11-01T02-30-00Z`. */
const DATED =
  /(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?:[-_.T ]?([01]\d|2[0-3])[-_.:h]?([0-5]\d)(?:[-_.:m]?([0-5]\d))?)?(?!\d)/;

/**
 * When a dump was made: what is given, else the time in its name, else the time its file was last changed. A name with a date alone says the day; the
 * file says the moment where it is of that day, give or take one for time zones. Times in names are taken as UTC. Throws `usage` for a time that is
 * none, or in the future.
 */
export function importTime(input: {
  readonly given: string | null;
  readonly name: string;
  readonly modifiedAtMs: number;
  readonly nowMs: number;
}): { readonly timeMs: number; readonly from: 'given' | 'name' | 'file' } {
  const found = input.given === null ? fromFile(input.name, input.modifiedAtMs) : fromText(input.given);
  if (found.timeMs <= input.nowMs + 5 * MINUTE_MS)
    return { ...found, timeMs: Math.min(found.timeMs, input.nowMs) };
  throw new HoldfastError(
    'usage',
    `${input.name} would be dated ${new Date(found.timeMs).toISOString()}, in the future`,
    {
      next: 'say when it was made with --time',
    },
  );
}

function fromText(given: string) {
  const timeMs = /^\d{4}-\d\d-\d\d/.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(timeMs) || timeMs < 0)
    throw new HoldfastError('usage', `${given} is not a time`, { next: 'write it as 2025-11-01T02:30:00Z' });
  return { timeMs, from: 'given' as const };
}

function fromFile(name: string, modifiedAtMs: number) {
  const match = DATED.exec(name);
  const file = { timeMs: Math.max(0, Math.floor(modifiedAtMs)), from: 'file' as const };
  if (!match) return file;
  const [, year, , month, day, hour, minute, second] = match;
  const dayMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  if (new Date(dayMs).getUTCDate() !== Number(day)) return file;
  if (hour === undefined) {
    const isNear = modifiedAtMs >= dayMs - DAY_MS / 2 && modifiedAtMs < dayMs + 1.5 * DAY_MS;
    return isNear ? file : { timeMs: dayMs, from: 'name' as const };
  }
  const timeMs = dayMs + (Number(hour) * 3600 + Number(minute) * 60 + Number(second ?? 0)) * 1000;
  return { timeMs, from: 'name' as const };
}
