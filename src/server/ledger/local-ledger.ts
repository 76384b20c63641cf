/** The ledger of this machine, as the command line uses it. What it does not need is not loaded. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../../engine/index.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { type OpenPlace, openLedgerFile } from './ledger-file.ts';

export { type AnchorObject, anchorAt } from './anchor-due.ts';
export type { NewEntry, Outcome } from './append.ts';
export { dumpLedger, type LedgerDump } from './dump.ts';
export type { Ledger } from './ledger.ts';
export { type LedgerFilter, listLedger } from './list-entries.ts';
export { parseHeadText, STREAMS, type Stream } from './proof/statements.ts';
export {
  admitLedgerKey,
  listLedgerKeys,
  newLedgerKey,
  retireLedgerKey,
  rotateLedgerKey,
} from './rotate-keys.ts';

export interface LedgerHome {
  /** The data folder: `catalog.db` and `ledger-keys/`. */
  readonly home: string;
  /** A catalog on PostgreSQL instead of `catalog.db`; null for none. */
  readonly databaseUrl: string | null;
  /** Otherwise `ledger_missing` is thrown where there is no catalog yet. */
  readonly create: boolean;
}

export interface LocalLedger extends Ledger {
  close(): Promise<void>;
}

/** Throws `ledger_missing`, `catalog_unreachable`, `catalog_newer`, `catalog_failed`. The caller closes it. */
export async function openLocalLedger({ home, databaseUrl, create }: LedgerHome): Promise<LocalLedger> {
  const file = join(home, 'catalog.db');
  if (databaseUrl === null && !create && !existsSync(file)) {
    throw new HoldfastError('ledger_missing', `there is no ledger at ${file}`);
  }
  const lean = databaseUrl === null ? openLedgerFile(file) : null;
  const { place, close } = lean ?? (await openWhole(databaseUrl === null ? { file } : { url: databaseUrl }));
  return { ...openLedger(place, { keyFolder: join(home, 'ledger-keys') }), close };
}

/** With its query builder, for PostgreSQL and for a catalog that is new or has to be brought up to date. */
async function openWhole(address: { file: string } | { url: string }): Promise<OpenPlace> {
  const { openCatalog } = await import('../catalog/catalog.ts');
  const { placeOfCatalog } = await import('./catalog-place.ts');
  const catalog = await openCatalog(address, { connections: 2 });
  return { place: placeOfCatalog(catalog), close: () => catalog.close() };
}
