/** The tenants of a file against those of the catalog. Leaving one out of the file archives it; nothing deletes a tenant. */
import type { Config } from '../../contracts/config.ts';
import { HoldfastError } from '../../engine/index.ts';
import type { CatalogDb } from '../catalog/types.ts';
import type { Author } from '../configuration/author.ts';
import { type FileMark, marksOf, noteChange } from '../configuration/file-marks.ts';
import { createTenant, listTenants, type Tenant } from '../configuration/tenants.ts';
import { differences, type FileChange } from './file-change.ts';

/** As it is to be; `seen` is what was compared, null for one that is to be made. */
interface TenantBody {
  readonly name: string;
  readonly archived: boolean;
  readonly seen: Tenant | null;
}

export async function tenantChanges(db: CatalogDb, config: Config): Promise<FileChange[]> {
  const stored = new Map((await listTenants(db)).map((tenant) => [tenant.id, tenant]));
  const marks = await marksOf(db, 'tenant');
  const names = [...new Set([...Object.keys(config.tenants), ...stored.keys()])].sort();
  return names.flatMap((name) => {
    const written = Object.hasOwn(config.tenants, name) ? config.tenants[name] : undefined;
    const change = changeOf(name, stored.get(name) ?? null, written, marks.get(name));
    return change ? [change] : [];
  });
}

function changeOf(
  id: string,
  seen: Tenant | null,
  written: Config['tenants'][string] | undefined,
  mark: FileMark | undefined,
): FileChange | null {
  const changedElsewhere = mark?.origin !== 'file';
  const changedBy = mark && changedElsewhere ? (mark.changedBy ?? mark.origin) : null;
  const common = { kind: 'tenant' as const, name: id, version: null, changedBy, fields: [] };
  const before = seen && { name: seen.name, archived: seen.archivedAtMs !== null };
  if (!written) {
    const goes = mark !== undefined && before?.archived === false;
    const body: TenantBody | undefined = goes ? { ...before, archived: true, seen } : undefined;
    return { ...common, change: goes ? 'delete' : 'keep', conflict: goes && changedElsewhere, body };
  }
  const after = { name: written.name ?? id, archived: written.archived ?? false };
  const body: TenantBody = { ...after, seen };
  if (!before) return { ...common, change: 'create', conflict: false, body };
  const fields = differences('', before, after);
  if (fields.length > 0) return { ...common, change: 'replace', conflict: changedElsewhere, fields, body };
  return changedElsewhere ? { ...common, change: 'adopt', conflict: false, body } : null;
}

/** Throws `document_changed` when somebody was faster. Schedules are made anew by whoever calls. */
export async function makeTenant(
  trx: CatalogDb,
  { name: id, change, body }: FileChange,
  author: Author,
): Promise<void> {
  if (change === 'keep') return;
  const { name, archived, seen } = body as TenantBody;
  if (seen === null) await createTenant(trx, { id, name }, author);
  const archivedAtMs = archived ? (seen?.archivedAtMs ?? author.atMs) : null;
  const written = await trx
    .updateTable('tenants')
    .set({ name, archived_at: archivedAtMs })
    .where('id', '=', id)
    .where('name', '=', seen?.name ?? name)
    .where('archived_at', seen?.archivedAtMs == null ? 'is' : '=', seen?.archivedAtMs ?? null)
    .returning('id')
    .executeTakeFirst();
  if (!written) throw new HoldfastError('document_changed', `tenant ${id} was changed meanwhile`);
  await noteChange(trx, 'tenant', id, author);
}
