/**
 * Settings per tenant and for all, with inheritance: the tenant's value, else the one for all, else the default. Which of the
 * three it is, is shown with it.
 */

import { problemsOfIssue } from '../../contracts/issue-problems.ts';
import {
  isGlobalSetting,
  SETTING_DEFAULTS,
  SETTING_KEYS,
  type SettingKey,
  type Settings,
  settingSchemas,
} from '../../contracts/settings.ts';
import { HoldfastError } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Author } from './author.ts';
import { noteChange, settingName } from './file-marks.ts';

/** The scope of what holds for everybody. */
export const GLOBAL = '*';

export interface EffectiveSetting<T> {
  readonly value: T;
  readonly from: 'default' | 'global' | 'tenant';
  /** Null for a default. */
  readonly origin: Author['origin'] | null;
  readonly updatedAtMs: number | null;
  readonly updatedBy: string | null;
}

export type EffectiveSettings = { readonly [K in SettingKey]: EffectiveSetting<Settings[K]> };

/** Every setting as it holds for a tenant, or with null for all. */
export async function effectiveSettings(db: CatalogDb, tenantId: string | null): Promise<EffectiveSettings> {
  const scopes = tenantId === null ? [GLOBAL] : [GLOBAL, tenantId];
  const rows = await db.selectFrom('settings').selectAll().where('scope', 'in', scopes).execute();
  const entries = SETTING_KEYS.map((key) => {
    const own = rows.find((row) => row.key === key && row.scope === tenantId && !isGlobalSetting(key));
    const row = own ?? rows.find((one) => one.key === key && one.scope === GLOBAL);
    const setting: EffectiveSetting<unknown> = {
      value: row ? JSON.parse(row.value) : SETTING_DEFAULTS[key],
      from: own ? 'tenant' : row ? 'global' : 'default',
      origin: row?.origin ?? null,
      updatedAtMs: row?.updated_at ?? null,
      updatedBy: row?.updated_by ?? null,
    };
    return [key, setting];
  });
  return Object.fromEntries(entries) as EffectiveSettings;
}

/** Only the values. */
export async function settingValues(db: CatalogDb, tenantId: string | null): Promise<Settings> {
  const effective = await effectiveSettings(db, tenantId);
  return Object.fromEntries(SETTING_KEYS.map((key) => [key, effective[key].value])) as unknown as Settings;
}

/**
 * Sets values for a tenant, or with null for all; an undefined one goes back to what is inherited. Throws `config_invalid`, also
 * for a tenant's value of what all have together; then nothing changed. Schedules are made anew by whoever calls: `syncAllSchedules`.
 */
export async function changeSettings(
  trx: CatalogDb,
  tenantId: string | null,
  changes: { readonly [K in SettingKey]?: unknown },
  author: Author,
): Promise<void> {
  const scope = tenantId ?? GLOBAL;
  for (const [key, value] of Object.entries(changes)) {
    refuseUnknown(key);
    await noteChange(trx, 'setting', settingName(tenantId, key), author);
    if (value === undefined) {
      await trx.deleteFrom('settings').where('scope', '=', scope).where('key', '=', key).execute();
      continue;
    }
    if (tenantId !== null) refuseGlobal(key);
    const row = {
      value: JSON.stringify(checked(key, value)),
      origin: author.origin,
      updated_at: author.atMs,
      updated_by: author.name,
    };
    await trx
      .insertInto('settings')
      .values({ scope, key, ...row })
      .onConflict((conflict) => conflict.columns(['scope', 'key']).doUpdateSet(row))
      .execute();
  }
}

function refuseUnknown(key: string): void {
  if (Object.hasOwn(settingSchemas, key)) return;
  throw new HoldfastError('config_invalid', `there is no setting ${key}`);
}

function refuseGlobal(key: string): void {
  if (!isGlobalSetting(key)) return;
  throw new HoldfastError('config_invalid', `${key} is a setting of the server, and no tenant has its own`, {
    next: 'set it for all, without a tenant',
  });
}

function checked(key: string, value: unknown): unknown {
  const result = settingSchemas[key as SettingKey].safeParse(value);
  if (result.success) return result.data;
  const [first] = problemsOfIssue(result.error.issues[0]!, value, () => []);
  throw new HoldfastError('config_invalid', `${key}: ${first!.message}`);
}
