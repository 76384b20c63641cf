import { CompiledQuery } from 'kysely';
import type { Catalog, CatalogDb } from '../catalog/types.ts';
import type { LedgerDb, LedgerPlace, SqlValue } from './ledger-db.ts';

export function placeOfCatalog({ db, dialect, clock, transaction }: Catalog): LedgerPlace {
  return {
    clock,
    db: ledgerDbOf(db, dialect),
    transaction: (work) => transaction((trx) => work(ledgerDbOf(trx, dialect))),
  };
}

/** A database or a transaction of the catalog as the ledger takes it. */
export function ledgerDbOf(db: CatalogDb, dialect: Catalog['dialect']): LedgerDb {
  return {
    dialect,
    async query<Row>(text: string, values: readonly SqlValue[] = []) {
      const sql = dialect === 'postgres' ? numbered(text) : text;
      return (await db.executeQuery<Row>(CompiledQuery.raw(sql, [...values]))).rows;
    },
  };
}

/** `?` becomes `$1`, `$2` …: the texts are constants of this folder and have no other question mark. */
function numbered(text: string): string {
  let count = 0;
  return text.replace(/\?/g, () => {
    count += 1;
    return `$${count}`;
  });
}
