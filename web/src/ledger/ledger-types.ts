import type { z } from 'zod';
import type * as ledger from '../../../src/contracts/api/ledger.ts';

export type Stream = z.infer<typeof ledger.stream>;
export type LedgerHeads = z.infer<typeof ledger.ledgerHeads>;

/** As it is signed; docs/ledger.md says what each member means. */
export interface LedgerEntry {
  readonly stream: Stream;
  readonly seq: number;
  readonly at: string;
  readonly tenant_id: string | null;
  readonly actor_kind: string;
  readonly actor_id: string | null;
  readonly actor_name: string | null;
  readonly action: string;
  readonly object_kind: string | null;
  readonly object_id: string | null;
  readonly outcome: string;
  readonly detail: unknown;
  readonly previous_hash: string;
  readonly key_id: string;
  readonly hash: string;
  readonly signature: string;
}
