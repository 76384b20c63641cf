/** Takes plans, sources, destinations, settings and tenants over from a catalog that was backed up. Not people: they come anew. */
import { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../../engine/index.ts';
import type { DocumentKind } from '../catalog/tables/configuration.ts';
import type { Catalog } from '../catalog/types.ts';
import { type Author, TAKEN_OVER } from '../configuration/author.ts';
import { findDocument, writeDocument } from '../configuration/documents.ts';
import { changeSettings } from '../configuration/settings.ts';
import { isInFile } from '../configuration/stored-settings.ts';
import { createTenant, getTenant } from '../configuration/tenants.ts';

export interface TakenOver {
  readonly plans: number;
  readonly sources: number;
  readonly destinations: number;
  readonly tenants: number;
}

interface OldDocument {
  readonly kind: DocumentKind;
  readonly name: string;
  readonly tenant_id: string | null;
  readonly body: string;
}

/** All of it or nothing; what is here already stays as it is. Throws `source_damaged` when the file is no catalog. */
export async function takeOverCatalog(file: string, catalog: Catalog): Promise<TakenOver> {
  const old = readCatalog(file);
  const author: Author = { origin: 'api', name: TAKEN_OVER, atMs: catalog.clock.nowMs() };
  return catalog.transaction(async (trx) => {
    const counts = { plan: 0, source: 0, destination: 0, tenants: 0 };
    for (const tenant of old.tenants) {
      if (await getTenant(trx, tenant.id)) continue;
      await createTenant(trx, tenant, author);
      counts.tenants += 1;
    }
    for (const { scope, key, value } of old.settings.filter((one) => isInFile(one.scope, one.key))) {
      await changeSettings(trx, scope === '*' ? null : scope, { [key]: JSON.parse(value) }, author);
    }
    // Plans last: they name the others.
    for (const kind of ['source', 'destination', 'plan'] as const) {
      for (const { name, tenant_id, body } of old.documents.filter((one) => one.kind === kind)) {
        if (await findDocument(trx, kind, name)) continue;
        const write = { kind, name, body: JSON.parse(body) as unknown, tenantId: tenant_id, replaces: null };
        await writeDocument(trx, write, author);
        counts[kind] += 1;
      }
    }
    return {
      plans: counts.plan,
      sources: counts.source,
      destinations: counts.destination,
      tenants: counts.tenants,
    };
  });
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
        settings: rows<{ scope: string; key: string; value: string }>(
          'select scope, key, value from settings',
        ),
        tenants: rows<{ id: string; name: string }>('select id, name from tenants where archived_at is null'),
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
        next: 'name the artifact that holds catalog.db',
      },
    );
  }
}
