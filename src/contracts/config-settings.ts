/** The part of `holdfast.yaml` that is the server's: settings for all, and tenants with what is set for each. */
import { z } from 'zod';
import { name, text } from './config-destination.ts';
import { GLOBAL_SETTING_KEYS, SETTING_KEYS, type SettingKey, settingSchemas } from './settings.ts';

/** As it stands in paths and manifests. */
export const TENANT_ID_RULE = /^(?!global$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

const MEANS: Readonly<Record<SettingKey, string>> = {
  'schedule.enabled': 'false: the schedule starts nothing.',
  'schedule.cron': 'Cron expression of five fields, for plans without one.',
  'schedule.timeZone': 'IANA name such as Europe/Berlin, for plans without one.',
  'schedule.jitterSeconds': 'For plans that do not say.',
  'retention.days': 'For plans without retention, here and in holdfast rotate.',
  'retention.versions': 'For plans without retention, here and in holdfast rotate.',
  'runs.hangingAfterMinutes': 'A run that takes longer is reported as hanging.',
  'runs.neverStartedAfterMinutes': 'A run that is due for longer and has not begun is reported.',
  'runs.limit': 'Running jobs at most, in all workers together; null for no limit.',
  'health.warningAfterHours': 'The last good backup being older than this is a warning.',
  'history.days': 'Runs and drills that are longer ago are forgotten; null keeps all.',
};

/** What is everybody's, or one tenant's alone. A plan says it by itself. */
export const OWNED_KINDS = ['source', 'destination', 'channel'] as const;

type Fields<K extends SettingKey> = { [key in K]: z.ZodOptional<(typeof settingSchemas)[key]> };

function fieldsFor<K extends SettingKey>(keys: readonly K[]): Fields<K> {
  const fields = keys.map((key) => [key, settingSchemas[key].optional().describe(MEANS[key])]);
  return Object.fromEntries(fields) as Fields<K>;
}

type TenantSettingKey = Exclude<SettingKey, (typeof GLOBAL_SETTING_KEYS)[number]>;
const isForTenants = (key: SettingKey): key is TenantSettingKey =>
  !(GLOBAL_SETTING_KEYS as readonly SettingKey[]).includes(key);

const settingsOfTenant = z.strictObject(fieldsFor(SETTING_KEYS.filter(isForTenants)));

const tenant = z.strictObject({
  name: text.max(200).optional().describe('As it is shown. Default: the id.'),
  archived: z
    .boolean()
    .optional()
    .describe('true: its backups stay, and the schedule starts nothing of it. Default false.'),
  sources: z.array(name).optional().describe('That plans of this tenant alone may use.'),
  destinations: z.array(name).optional().describe('That plans of this tenant alone may use.'),
  channels: z.array(name).optional().describe('That are told of this tenant alone.'),
  settings: settingsOfTenant.default({}).describe('What holds for this tenant instead.'),
});

/** What is set for all. */
export const globalSettings = z
  .strictObject(fieldsFor(SETTING_KEYS))
  .default({})
  .describe('Settings of the server, for all. What is left out has its default.');

/** Tenants by id. */
export const tenants = z
  .record(z.string().regex(TENANT_ID_RULE, 'is not a valid tenant id'), tenant)
  .default({})
  .describe('Tenants of the server, by id.');
