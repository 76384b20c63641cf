import { join } from 'node:path';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import type { CatalogPlace } from './catalogs.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Catalogs on SQLite alone, for tests that are not about the catalog. */
export function openSqlitePlace(): CatalogPlace {
  const address: CatalogPlace['address'] = async (t) => ({
    file: join(await temporaryFolder(t), 'catalog.db'),
  });
  return {
    dialect: 'sqlite',
    cluster: () => null,
    address,
    async open(t, clock) {
      const catalog = await openCatalog(await address(t), clock ? { clock } : {});
      t.after(() => catalog.close());
      return catalog;
    },
  };
}
