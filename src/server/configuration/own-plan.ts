import type { CatalogDb } from '../catalog/types.ts';
import { type Author, TAKEN_OVER } from './author.ts';
import { findDocument, listDocuments, type StoredDocument, writeDocument } from './documents.ts';

/** Source and plan of the catalog itself. */
export const OWN_PLAN = 'holdfast-catalog';

/** Daily, before the hours at which most plans run. */
const OWN_SCHEDULE = '30 1 * * *';

/** Where this catalog lies: its file, or the variable that holds its address. */
export type OwnCatalog = { readonly file: string } | { readonly urlEnv: string };

/**
 * Makes the plan that backs up the catalog itself, to the first destination there is, so that settings and history survive it. Null while there
 * is no destination. A plan of this name that is there stays as it is, switched off or changed. Idempotent; its source
 * follows a catalog that was taken over to where it is now.
 */
export async function ensureOwnPlan(
  trx: CatalogDb,
  own: OwnCatalog,
  author: Author,
): Promise<StoredDocument<'plan'> | null> {
  const body = 'file' in own ? { kind: 'sqlite', path: own.file } : { kind: 'postgres', urlEnv: own.urlEnv };
  await correctTakenOver(trx, body, author);
  const known = await findDocument(trx, 'plan', OWN_PLAN);
  if (known) return known;
  const [destination] = await listDocuments(trx, 'destination', { tenantId: null });
  if (!destination) return null;
  if (!(await findDocument(trx, 'source', OWN_PLAN))) {
    await writeDocument(trx, { kind: 'source', name: OWN_PLAN, body, replaces: null }, author);
  }
  const plan = { sources: [OWN_PLAN], destination: destination.name, schedule: OWN_SCHEDULE };
  return writeDocument(trx, { kind: 'plan', name: OWN_PLAN, body: plan, replaces: null }, author);
}

/** Taken over from another server, the source is where that one's catalog was. What somebody wrote since then stays. */
async function correctTakenOver(trx: CatalogDb, own: object, author: Author): Promise<void> {
  const source = await findDocument(trx, 'source', OWN_PLAN);
  if (source?.updatedBy !== TAKEN_OVER) return;
  const isHere = Object.entries(own).every(
    ([field, value]) => (source.body as Record<string, unknown>)[field] === value,
  );
  if (isHere) return;
  await writeDocument(trx, { kind: 'source', name: OWN_PLAN, body: own, replaces: source.version }, author);
}
