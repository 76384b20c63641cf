/**
 * Takes over from a catalog that was backed up what somebody configured: tenants, archived ones as well, settings, and documents of
 * every kind. `taken-tables.ts` says what stays behind, and why. The catalog must be an SQLite file: one on PostgreSQL is restored
 * into the database itself, before a server is started on it.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../../engine/index.ts';
import type { DocumentKind } from '../catalog/tables/configuration.ts';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import { type Author, TAKEN_OVER } from '../configuration/author.ts';
import { findDocument, writeDocument } from '../configuration/documents.ts';
import { changeSettings, GLOBAL } from '../configuration/settings.ts';
import { isInFile } from '../configuration/stored-settings.ts';
import { createTenant, getTenant } from '../configuration/tenants.ts';
import { syncAllSchedules } from '../schedule/schedule.ts';

export interface TakenOver {
  readonly plans: number;
  readonly sources: number;
  readonly destinations: number;
  readonly channels: number;
  readonly tenants: number;
}

interface OldDocument {
  readonly kind: DocumentKind;
  readonly name: string;
  readonly tenant_id: string | null;
  readonly body: string;
}

interface OldTenant {
  readonly id: string;
  readonly name: string;
  readonly created_at: number;
  readonly archived_at: number | null;
}

interface OldSetting {
  readonly scope: string;
  readonly key: string;
  readonly value: string;
}

/** All of it or nothing; what is here already stays as it is. Throws `source_damaged` when the file is no catalog. */
export async function takeOverCatalog(file: string, catalog: Catalog): Promise<TakenOver> {
  const old = readCatalog(file);
  const author: Author = { origin: 'api', name: TAKEN_OVER, atMs: catalog.clock.nowMs() };
  return catalog.transaction(async (trx) => {
    const tenants = await takeTenants(trx, old.tenants, author);
    await takeSettings(trx, old.settings, author);
    const take = (kind: DocumentKind) =>
      takeDocuments(
        trx,
        old.documents.filter((one) => one.kind === kind),
        author,
      );
    const [sources, destinations] = [await take('source'), await take('destination')];
    // Plans name the others.
    const [channels, plans] = [await take('channel'), await take('plan')];
    await syncAllSchedules(trx, author.atMs);
    return { plans, sources, destinations, channels, tenants };
  });
}

async function takeTenants(trx: CatalogDb, tenants: readonly OldTenant[], author: Author): Promise<number> {
  let count = 0;
  for (const { id, name, created_at, archived_at } of tenants) {
    if (await getTenant(trx, id)) continue;
    await createTenant(trx, { id, name }, author);
    await trx.updateTable('tenants').set({ created_at, archived_at }).where('id', '=', id).execute();
    count += 1;
  }
  return count;
}

/** Those that mean something. */
async function takeSettings(trx: CatalogDb, settings: readonly OldSetting[], author: Author): Promise<void> {
  const here = await trx.selectFrom('settings').select(['scope', 'key']).execute();
  for (const { scope, key, value } of settings) {
    const isHere = here.some((one) => one.scope === scope && one.key === key);
    if (isHere || !isInFile(scope, key)) continue;
    await changeSettings(trx, scope === GLOBAL ? null : scope, { [key]: JSON.parse(value) }, author);
  }
}

async function takeDocuments(
  trx: CatalogDb,
  documents: readonly OldDocument[],
  author: Author,
): Promise<number> {
  let count = 0;
  for (const { kind, name, tenant_id, body } of documents) {
    if (await findDocument(trx, kind, name)) continue;
    const write = { kind, name, body: JSON.parse(body) as unknown, tenantId: tenant_id, replaces: null };
    await writeDocument(trx, write, author);
    count += 1;
  }
  return count;
}

function readCatalog(file: string) {
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      const rows = <T>(query: string) => database.prepare(query).all() as unknown as T[];
      return {
        documents: rows<OldDocument>(
          'select kind, name, tenant_id, body from documents where deleted_at is null',
        ),
        settings: rows<OldSetting>('select scope, key, value from settings'),
        tenants: rows<OldTenant>('select id, name, created_at, archived_at from tenants'),
      };
    } finally {
      database.close();
    }
  } catch (error) {
    throw new HoldfastError(
      'source_damaged',
      `this is not the catalog of a Holdfast: ${(error as Error).message}`,
      {
        cause: error,
        next: isPostgresDump(file)
          ? 'restore it into the database of HOLDFAST_DATABASE_URL before a server is started on it'
          : 'name the artifact that holds catalog.db',
      },
    );
  }
}

function isPostgresDump(file: string): boolean {
  const bytes = Buffer.alloc(5);
  const handle = openSync(file, 'r');
  try {
    readSync(handle, bytes);
    return bytes.toString('latin1') === 'PGDMP';
  } finally {
    closeSync(handle);
  }
}
