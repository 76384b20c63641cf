import { join } from 'node:path';
import { after, before, describe, type TestContext } from 'node:test';
import type { Clock } from '../../src/engine/index.ts';
import { type CatalogAddress, openCatalog } from '../../src/server/catalog/catalog.ts';
import type { Catalog, Dialect } from '../../src/server/catalog/types.ts';
import { type Cluster, startCluster } from './postgres-cluster.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Catalogs of one kind, each test with one of its own. */
export interface CatalogPlace {
  readonly dialect: Dialect;
  /** Where a fresh catalog will be. */
  address(t: TestContext): Promise<CatalogAddress>;
  /** A fresh catalog, closed when the test ends. */
  open(t: TestContext, clock?: Clock): Promise<Catalog>;
  /** The server; null for SQLite. */
  cluster(): Cluster | null;
}

/** Runs a suite on both kinds of catalog: files, and a real PostgreSQL. */
export function onEachCatalog(name: string, suite: (place: CatalogPlace) => void): void {
  describe(`${name} on SQLite`, () => suite(placeOf('sqlite', () => null)));
  describe(`${name} on PostgreSQL`, () => {
    let cluster: Cluster | null = null;
    before(async () => {
      cluster = await startCluster();
    });
    after(() => cluster?.stop());
    suite(placeOf('postgres', () => cluster));
  });
}

function placeOf(dialect: Dialect, cluster: () => Cluster | null): CatalogPlace {
  let count = 0;
  const address = async (t: TestContext): Promise<CatalogAddress> => {
    if (dialect === 'sqlite') return { file: join(await temporaryFolder(t), 'catalog.db') };
    count += 1;
    return { url: await cluster()!.createDatabase(`catalog_${count}`) };
  };
  return {
    dialect,
    cluster,
    address,
    async open(t, clock) {
      const catalog = await openCatalog(await address(t), clock ? { clock } : {});
      t.after(() => catalog.close());
      return catalog;
    },
  };
}
