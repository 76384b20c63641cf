/** The settings of a file, for all and for tenants, against those of the catalog: each for itself. */
import { isDeepStrictEqual } from 'node:util';
import type { Selectable } from 'kysely';
import type { Config } from '../../contracts/config.ts';
import { HoldfastError } from '../../engine/index.ts';
import type { SettingsTable } from '../catalog/tables/configuration.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Author } from '../configuration/author.ts';
import { type FileMark, forgetMark, marksOf, settingName } from '../configuration/file-marks.ts';
import { changeSettings, GLOBAL } from '../configuration/settings.ts';
import { isInFile } from '../configuration/stored-settings.ts';
import type { FileChange } from './file-change.ts';

/** `seen` is what was compared, null where nothing is set. */
interface SettingBody {
  readonly tenantId: string | null;
  readonly key: string;
  /** Undefined: as it is inherited. */
  readonly value: unknown;
  readonly seen: Selectable<SettingsTable> | null;
}

export async function settingChanges(db: CatalogDb, config: Config): Promise<FileChange[]> {
  const rows = await db.selectFrom('settings').selectAll().execute();
  const bodies = new Map<string, SettingBody>();
  for (const seen of rows.filter(({ scope, key }) => isInFile(scope, key))) {
    const tenantId = seen.scope === GLOBAL ? null : seen.scope;
    bodies.set(settingName(tenantId, seen.key), { tenantId, key: seen.key, value: undefined, seen });
  }
  const scopes: [string | null, object][] = [
    [null, config.settings],
    ...Object.entries(config.tenants).map(([id, { settings }]): [string, object] => [id, settings]),
  ];
  for (const [tenantId, values] of scopes) {
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined) continue;
      const name = settingName(tenantId, key);
      bodies.set(name, { tenantId, key, value, seen: bodies.get(name)?.seen ?? null });
    }
  }
  const marks = await marksOf(db, 'setting');
  return [...bodies.keys()].sort(forAllFirst).flatMap((name) => {
    const change = changeOf(name, bodies.get(name)!, marks.get(name));
    return change ? [change] : [];
  });
}

function forAllFirst(a: string, b: string): number {
  const byScope = Number(a.includes('/')) - Number(b.includes('/'));
  return byScope || (a < b ? -1 : 1);
}

function changeOf(name: string, body: SettingBody, mark: FileMark | undefined): FileChange | null {
  const { seen, value } = body;
  const stored = seen ? (JSON.parse(seen.value) as unknown) : undefined;
  const isElsewhere = seen ? seen.origin !== 'file' : mark !== undefined && mark.origin !== 'file';
  const who = seen ? (seen.updated_by ?? seen.origin) : mark && (mark.changedBy ?? mark.origin);
  const changedBy = isElsewhere ? (who ?? null) : null;
  const fields = isDeepStrictEqual(stored, value) ? [] : [{ field: 'value', stored, file: value }];
  const common = { kind: 'setting' as const, name, version: null, changedBy, fields, body };
  if (value === undefined) {
    if (!mark) return { ...common, change: 'keep', conflict: false, fields: [] };
    return { ...common, change: 'delete', conflict: isElsewhere };
  }
  if (!seen) return { ...common, change: 'create', conflict: isElsewhere };
  if (fields.length > 0) return { ...common, change: 'replace', conflict: isElsewhere };
  return isElsewhere ? { ...common, change: 'adopt', conflict: false } : null;
}

/** Throws `document_changed` when somebody was faster. Schedules are made anew by whoever calls. */
export async function makeSetting(
  trx: CatalogDb,
  { name, change, body }: FileChange,
  author: Author,
): Promise<void> {
  if (change === 'keep') return;
  const { tenantId, key, value, seen } = body as SettingBody;
  if (!(await isAsSeen(trx, tenantId ?? GLOBAL, key, seen))) {
    throw new HoldfastError('document_changed', `setting ${name} was changed meanwhile`);
  }
  await changeSettings(trx, tenantId, { [key]: value }, author);
  if (change === 'delete') await forgetMark(trx, 'setting', name);
}

/** Takes the row for this transaction, so that it stays as it was seen until it is written. */
async function isAsSeen(
  trx: CatalogDb,
  scope: string,
  key: string,
  seen: SettingBody['seen'],
): Promise<boolean> {
  if (seen === null) {
    const row = { scope, key, value: 'null', origin: 'file' as const, updated_at: 0, updated_by: null };
    const made = await trx
      .insertInto('settings')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning('key')
      .executeTakeFirst();
    return made !== undefined;
  }
  const taken = await trx
    .updateTable('settings')
    .set({ origin: seen.origin })
    .where('scope', '=', scope)
    .where('key', '=', key)
    .where('value', '=', seen.value)
    .where('origin', '=', seen.origin)
    .where('updated_at', '=', seen.updated_at)
    .returning('key')
    .executeTakeFirst();
  return taken !== undefined;
}
