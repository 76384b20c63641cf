import type { Selectable } from 'kysely';
import type { Config } from '../../contracts/config.ts';
import { OWNED_KINDS } from '../../contracts/config-settings.ts';
import { isGlobalSetting, SETTING_KEYS, type SettingKey, settingSchemas } from '../../contracts/settings.ts';
import type { DocumentKind, DocumentsTable } from '../catalog/tables/configuration.ts';
import type { CatalogDb } from '../catalog/types.ts';
import { GLOBAL } from './settings.ts';

/** What is set, and the tenants, as `holdfast.yaml` has it: without defaults, in the order of the settings and of ids. */
export async function storedSettings(db: CatalogDb): Promise<Pick<Config, 'settings' | 'tenants'>> {
  const rows = await db.selectFrom('settings').select(['scope', 'key', 'value']).execute();
  const tenants = await db.selectFrom('tenants').selectAll().orderBy('id').execute();
  const byScope = Map.groupBy(rows, ({ scope }) => scope);
  const valuesOf = (scope: string) => {
    const set = new Map(byScope.get(scope)?.map(({ key, value }) => [key, value]));
    const keys = SETTING_KEYS.filter((key) => set.has(key) && isInFile(scope, key));
    return Object.fromEntries(keys.map((key) => [key, JSON.parse(set.get(key)!) as unknown]));
  };
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

/** The tenants with what is theirs alone. One that only this names is there, too. */
export function withOwned(
  tenants: Config['tenants'],
  documents: readonly Pick<Selectable<DocumentsTable>, 'kind' | 'name' | 'tenant_id'>[],
): Config['tenants'] {
  const owned = documents.filter(({ kind, tenant_id }) => tenant_id !== null && isOwned(kind));
  const ids = [...new Set([...Object.keys(tenants), ...owned.map((one) => one.tenant_id!)])].sort();
  return Object.fromEntries(
    ids.map((id) => {
      const { settings, ...tenant } = (Object.hasOwn(tenants, id) && tenants[id]) || {
        name: id,
        settings: {},
      };
      const lists = OWNED_KINDS.flatMap((kind) => {
        const names = owned
          .filter((one) => one.kind === kind && one.tenant_id === id)
          .map(({ name }) => name);
        return names.length === 0 ? [] : [[`${kind}s`, names]];
      });
      return [id, { ...tenant, ...Object.fromEntries(lists), settings }];
    }),
  );
}

const isOwned = (kind: DocumentKind) => (OWNED_KINDS as readonly DocumentKind[]).includes(kind);

/** One that is not known here any more, or that a tenant cannot have, means nothing and stays out of files. */
export function isInFile(scope: string, key: string): key is SettingKey {
  if (!Object.hasOwn(settingSchemas, key)) return false;
  return scope === GLOBAL || !isGlobalSetting(key);
}
