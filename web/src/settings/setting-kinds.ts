import type { SettingKey } from '../../../src/contracts/settings.ts';

export type { SettingKey } from '../../../src/contracts/settings.ts';

export interface SettingKind {
  readonly input: 'switch' | 'text' | 'number';
  /** Has one value, for all tenants together. */
  readonly isGlobal?: boolean;
  /** May be left empty. */
  readonly isOptional?: boolean;
  readonly min?: number;
}

/** How each is edited, in the order in which the page lists them. */
export const SETTING_KINDS: Readonly<Record<SettingKey, SettingKind>> = {
  'schedule.enabled': { input: 'switch' },
  'schedule.cron': { input: 'text' },
  'schedule.timeZone': { input: 'text' },
  'schedule.jitterSeconds': { input: 'number', min: 0 },
  'retention.days': { input: 'number', min: 1 },
  'retention.versions': { input: 'number', min: 1 },
  'health.warningAfterHours': { input: 'number', min: 1 },
  'runs.hangingAfterMinutes': { input: 'number', min: 1 },
  'runs.neverStartedAfterMinutes': { input: 'number', min: 1 },
  'runs.limit': { input: 'number', min: 1, isGlobal: true, isOptional: true },
  'history.days': { input: 'number', min: 30, isGlobal: true, isOptional: true },
};

export const SETTING_KEYS = Object.keys(SETTING_KINDS) as readonly SettingKey[];
