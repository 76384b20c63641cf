import { ledgerIdOf } from './append.ts';
import type { Ledger } from './ledger.ts';
import { listLedgerKeys } from './rotate-keys.ts';

/**
 * Whether what this machine does can be recorded: it has the private half of an active key, or the ledger has not begun and begins
 * with whoever records first. Throws what the catalog throws, and `key_malformed`.
 */
export async function maySign({ place, signing }: Pick<Ledger, 'place' | 'signing'>): Promise<boolean> {
  if ((await ledgerIdOf(place.db)) === null) return true;
  for (const { key_id, status } of await listLedgerKeys(place.db)) {
    if (status === 'active' && (await signing.privateKeys.find(key_id))) return true;
  }
  return false;
}
