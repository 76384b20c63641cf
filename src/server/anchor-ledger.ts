import { MINUTE_MS, writeAnchor } from '../engine/index.ts';
import type { Catalog } from './catalog/types.ts';
import { listDocuments, storedConfig } from './configuration/documents.ts';
import { anchorAt } from './ledger/anchor-due.ts';
import type { CatalogLedger } from './ledger/catalog-ledger.ts';
import type { Workplace } from './worker/port.ts';

/** Whether an anchor is due is asked so often; it is due once an hour, or when the ledger has grown by 1,000 entries. */
const EVERY_MS = 10 * MINUTE_MS;

export interface AnchoringParts {
  readonly catalog: Catalog;
  readonly ledger: CatalogLedger;
  readonly workplace: Workplace;
  readonly onError: (error: unknown) => void;
}

/** Keeps the heads of the ledger on every stored destination. Resolves, when stopped, after what is under way. */
export function startAnchoring(parts: AnchoringParts): () => Promise<void> {
  const ending = new AbortController();
  let last: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(() => anchorEverywhere(parts, ending.signal));
  }, EVERY_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    ending.abort();
    await last;
  };
}

/** One that cannot be reached does not keep the others from it. Never rejects. */
export async function anchorEverywhere(
  { catalog, ledger, workplace, onError }: AnchoringParts,
  signal: AbortSignal,
): Promise<void> {
  try {
    const config = await storedConfig(catalog.db);
    for (const { name } of await listDocuments(catalog.db, 'destination')) {
      if (signal.aborted) return;
      await anchorDestination(name).catch(onError);
    }
    async function anchorDestination(name: string): Promise<void> {
      const spec = await workplace.destination(config, name);
      const { address, storage } = await spec.options();
      const place = { address, ...(storage ? { storage } : {}), signal };
      await anchorAt(ledger, spec.address, (anchor) => writeAnchor(place, anchor));
    }
  } catch (error) {
    onError(error);
  }
}
