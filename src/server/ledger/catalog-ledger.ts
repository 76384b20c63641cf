import type { Catalog, CatalogDb } from '../catalog/types.ts';
import type { NewEntry } from './append.ts';
import { ledgerDbOf, placeOfCatalog } from './catalog-place.ts';
import { type Ledger, type LedgerOptions, openLedger } from './ledger.ts';
import type { Entry } from './proof/statements.ts';

/** The ledger of a catalog, as the service uses it. */
export interface CatalogLedger extends Omit<Ledger, 'recordIn'> {
  /**
   * Within a transaction of the catalog: both are there or neither. Nobody else appends until it ends, so it comes last
   * in it. Throws `ledger_key_missing`.
   */
  recordIn(trx: CatalogDb, entries: readonly NewEntry[]): Promise<Entry[]>;
}

/** See `openLedger`. The caller closes the catalog, after `settled`. */
export function openCatalogLedger(catalog: Catalog, options: LedgerOptions): CatalogLedger {
  const ledger = openLedger(placeOfCatalog(catalog), options);
  return {
    ...ledger,
    recordIn: (trx, entries) => ledger.recordIn(ledgerDbOf(trx, catalog.dialect), entries),
  };
}
