import type { Config } from '../../contracts/config.ts';
import {
  GLOBAL_SETTING_KEYS,
  SETTING_KEYS,
  type SettingKey,
  settingSchemas,
} from '../../contracts/settings.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { GLOBAL } from './settings.ts';

/** What is set, and the tenants, as `holdfast.yaml` has it: without defaults, in the order of the settings and of ids. */
export async function storedSettings(db: CatalogDb): Promise<Pick<Config, 'settings' | 'tenants'>> {
  const rows = await db.selectFrom('settings').select(['scope', 'key', 'value']).execute();
  const tenants = await db.selectFrom('tenants').selectAll().orderBy('id').execute();
  const valuesOf = (scope: string) =>
    Object.fromEntries(
      SETTING_KEYS.flatMap((key) => {
        const row = rows.find((one) => one.scope === scope && one.key === key);
        return row && isInFile(scope, key) ? [[key, JSON.parse(row.value) as unknown]] : [];
      }),
    );
  return {
    settings: valuesOf(GLOBAL),
    tenants: Object.fromEntries(
      tenants.map(({ id, name, archived_at }) => [
        id,
        { name, ...(archived_at === null ? {} : { archived: true }), settings: valuesOf(id) },
      ]),
    ),
  };
}

/** One that is not known here any more, or that a tenant cannot have, means nothing and stays out of files. */
export function isInFile(scope: string, key: string): key is SettingKey {
  if (!Object.hasOwn(settingSchemas, key)) return false;
  return scope === GLOBAL || !(GLOBAL_SETTING_KEYS as readonly string[]).includes(key);
}
