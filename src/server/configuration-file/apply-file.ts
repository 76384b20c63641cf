import type { Config } from '../../contracts/config.ts';
import { HoldfastError } from '../../engine/index.ts';
import type { DocumentKind } from '../catalog/tables/configuration.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import type { Author } from '../configuration/author.ts';
import { deleteDocument, findDocument, writeDocument } from '../configuration/documents.ts';
import { syncAllSchedules } from '../schedule/schedule.ts';
import { brokenSchedules } from './broken-schedules.ts';
import type { FileChange } from './file-change.ts';
import { ownerOf, planChanges } from './plan-changes.ts';
import { makeSetting } from './setting-changes.ts';
import { makeTenant } from './tenant-changes.ts';

export const changeName = ({ kind, name }: Pick<FileChange, 'kind' | 'name'>) => `${kind}/${name}`;

/**
 * Makes the catalog what the file says, all of it or nothing, and gives what was done; `record` is the last of it, where something was. `overwrite` names conflicts that were
 * looked at, such as `plan/nightly`. Throws `document_changed` naming the others, `config_invalid` for a schedule among the settings that is none.
 */
export async function applyFile(
  catalog: Catalog,
  config: Config,
  overwrite: ReadonlySet<string>,
  author: Author,
  record?: (trx: CatalogDb, done: readonly FileChange[]) => Promise<void>,
): Promise<FileChange[]> {
  const [broken] = brokenSchedules(config);
  if (broken) throw new HoldfastError('config_invalid', `${broken.path.join('.')}: ${broken.message}`);
  return catalog.transaction(async (trx) => {
    const changes = await planChanges(trx, config);
    const open = changes.filter((one) => one.conflict && !overwrite.has(changeName(one)));
    if (open.length > 0) throw conflictError(open);
    const fromFile: Author = { ...author, origin: 'file' };
    // Plans let go of what is to be deleted before it is deleted.
    const documents = changes.filter(isDocument);
    const deletions = documents.filter(({ change }) => change === 'delete').reverse();
    for (const one of deletions.filter(({ kind }) => kind === 'plan')) await remove(trx, one, fromFile);
    for (const one of changes) {
      if (one.kind === 'tenant') await makeTenant(trx, one, fromFile);
      if (one.kind === 'setting') await makeSetting(trx, one, fromFile);
    }
    for (const one of documents) await make(trx, config, one, fromFile);
    for (const one of deletions.filter(({ kind }) => kind !== 'plan')) await remove(trx, one, fromFile);
    if (documents.length < changes.length) await syncAllSchedules(trx, author.atMs);
    if (changes.some(({ change }) => change !== 'keep')) await record?.(trx, changes);
    return changes;
  });
}

type DocumentChange = FileChange & { readonly kind: DocumentKind };
const isDocument = (change: FileChange): change is DocumentChange =>
  change.kind !== 'tenant' && change.kind !== 'setting';

async function make(
  trx: CatalogDb,
  config: Config,
  { kind, name, change, version, body }: DocumentChange,
  author: Author,
): Promise<void> {
  if (change === 'adopt') {
    await trx
      .updateTable('documents')
      .set({ origin: 'file' })
      .where('kind', '=', kind)
      .where('name', '=', name)
      .where('deleted_at', 'is', null)
      .execute();
  }
  if (change !== 'create' && change !== 'replace') return;
  const tenantId = ownerOf(config, kind, name, await findDocument(trx, kind, name));
  await writeDocument(trx, { kind, name, body, tenantId, replaces: version }, author);
}

function remove(trx: CatalogDb, { kind, name, version }: DocumentChange, author: Author): Promise<void> {
  return deleteDocument(trx, { kind, name, version: version! }, author);
}

function conflictError(open: readonly FileChange[]): HoldfastError {
  const list = open.map((one) => {
    const fields = one.fields.map(({ field }) => field).join(', ');
    const by = one.changedBy === null ? '' : ` by ${one.changedBy}`;
    return `${changeName(one)} was changed elsewhere${by}${fields === '' ? '' : ` (${fields})`}`;
  });
  return new HoldfastError('document_changed', list.join('; '), {
    next: 'look at the difference, take it over into the file, or name it to be overwritten',
  });
}
