/** What can be set for everybody or for one tenant. A plan's own words go before both. */
import { z } from 'zod';
import { DEFAULT_SCHEDULE } from './config-schedule.ts';

const count = (max: number) => z.int().min(1).max(max);

export const settingSchemas = {
  /** False: the schedule starts nothing. */
  'schedule.enabled': z.boolean(),
  'schedule.cron': z.string().min(1, 'must not be empty').max(100),
  'schedule.timeZone': z.string().min(1, 'must not be empty').max(100),
  'schedule.jitterSeconds': z.int().min(0).max(86_400),
  'retention.days': count(36_500),
  'retention.versions': count(100_000),
  /** A run that takes longer is reported as hanging. */
  'runs.hangingAfterMinutes': count(1440),
  /** A run that is due for longer and has not begun is reported. */
  'runs.neverStartedAfterMinutes': count(10_080),
  /** Running jobs at most, in all workers together. Global only. */
  'runs.limit': count(10_000).nullable(),
  /** The last good backup being older than this is a warning. */
  'health.warningAfterHours': count(8760),
  /** Runs and drills that are longer ago are forgotten, except what proves a plan; null keeps all. Global only. */
  'history.days': z.int().min(30).max(36_500).nullable(),
} as const satisfies Record<string, z.ZodType>;

export type SettingKey = keyof typeof settingSchemas;
export type Settings = { readonly [K in SettingKey]: z.output<(typeof settingSchemas)[K]> };

export const SETTING_KEYS = Object.keys(settingSchemas) as readonly SettingKey[];

/** What has one value for all tenants together. */
export const GLOBAL_SETTING_KEYS = ['runs.limit', 'history.days'] as const satisfies readonly SettingKey[];

export const isGlobalSetting = (key: string): boolean =>
  (GLOBAL_SETTING_KEYS as readonly string[]).includes(key);

export const SETTING_DEFAULTS: Settings = {
  'schedule.enabled': true,
  'schedule.cron': DEFAULT_SCHEDULE,
  'schedule.timeZone': 'UTC',
  'schedule.jitterSeconds': 0,
  'retention.days': 365,
  'retention.versions': 52,
  'runs.hangingAfterMinutes': 360,
  'runs.neverStartedAfterMinutes': 60,
  'runs.limit': null,
  'health.warningAfterHours': 192,
  'history.days': 730,
};
