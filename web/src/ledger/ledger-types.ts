import type { z } from 'zod';
import type * as ledger from '../../../src/contracts/api/ledger.ts';

export type { Entry as LedgerEntry, Stream } from '../../../src/contracts/ledger-entry.ts';
export type LedgerHeads = z.infer<typeof ledger.ledgerHeads>;
