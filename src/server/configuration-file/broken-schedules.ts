import type { Config } from '../../contracts/config.ts';
import type { BrokenReference } from '../../contracts/config-references.ts';
import { asHoldfastError } from '../../engine/index.ts';
import { checkSchedule } from '../schedule/cron.ts';

/** Cron expressions and time zones among the settings of a file that nothing can be planned by. Those of plans are found when they are written. */
export function brokenSchedules({ settings, tenants }: Config): BrokenReference[] {
  const scopes: [readonly string[], Config['settings']][] = [
    [['settings'], settings],
    ...Object.entries(tenants).map(([id, one]): [string[], Config['settings']] => [
      ['tenants', id, 'settings'],
      one.settings,
    ]),
  ];
  return scopes.flatMap(([at, values]) => [
    ...broken([...at, 'schedule.cron'], { cron: values['schedule.cron'] ?? null, timeZone: null }),
    ...broken([...at, 'schedule.timeZone'], { cron: null, timeZone: values['schedule.timeZone'] ?? null }),
  ]);
}

function broken(path: readonly string[], schedule: Parameters<typeof checkSchedule>[0]): BrokenReference[] {
  try {
    checkSchedule(schedule);
    return [];
  } catch (error) {
    return [{ path, message: asHoldfastError(error).message }];
  }
}
