import { Cron } from 'croner';
import { HoldfastError } from '../../engine/index.ts';

/** When something is due: whole minutes, in the local time of a zone, daylight saving included. */
export interface CronTimes {
  /** The first time after this one, both in milliseconds UTC; null when there is none. */
  after(ms: number): number | null;
  /** The last time at or before this one; null when there is none. */
  lastUntil(ms: number): number | null;
}

/** Throws `schedule_invalid`. */
export function cronTimes(cron: string, timeZone: string): CronTimes {
  const times = parsed(cron, timeZone);
  return {
    after: (ms) => times.nextRun(new Date(ms))?.getTime() ?? null,
    // `previousRuns` goes by whole seconds and leaves out its beginning.
    lastUntil: (ms) =>
      times.previousRuns(1, new Date(Math.floor(ms / 1000) * 1000 + 1000))[0]?.getTime() ?? null,
  };
}

function parsed(cron: string, timeZone: string): Cron {
  const fields = cron.trim().split(/\s+/).length;
  if (fields !== 5 && !cron.startsWith('@')) {
    throw new HoldfastError('schedule_invalid', `"${cron}" has ${fields} fields, and five are needed`);
  }
  try {
    const times = new Cron(cron, { timezone: timeZone, mode: '5-part', paused: true });
    // The zone is looked at only when a time is asked for.
    times.nextRun(new Date(0));
    return times;
  } catch (error) {
    const why = (error as Error).message.replace(/^Cron(Pattern|Date): /, '').split(/[.,] /)[0]!;
    throw new HoldfastError(
      'schedule_invalid',
      `"${cron}" in ${timeZone}: ${why.charAt(0).toLowerCase()}${why.slice(1)}`,
      {
        cause: error,
      },
    );
  }
}

/** Throws `schedule_invalid` for a cron expression, also one that never comes, or a time zone. Null is left unchecked. */
export function checkSchedule({ cron, timeZone }: { cron: string | null; timeZone: string | null }): void {
  const times = cronTimes(cron ?? '0 0 * * *', timeZone ?? 'UTC');
  if (times.after(0) === null) throw new HoldfastError('schedule_invalid', `"${cron}" never comes`);
}
