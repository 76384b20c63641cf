import type { LedgerHeads } from './ledger-types.ts';
import type { SeenHeads } from './prove.ts';

const STORED = 'holdfast-ledger-seen';

export interface Seen extends SeenHeads {
  readonly at: string;
}

/** The ends that this browser proved last; null for the first time. */
export function readSeen(): Seen | null {
  try {
    return JSON.parse(localStorage.getItem(STORED) ?? 'null') as Seen | null;
  } catch {
    return null;
  }
}

export function keepSeen({ ledger_id, heads }: LedgerHeads): void {
  if (ledger_id === null) return;
  const seen: Seen = { ledgerId: ledger_id, heads, at: new Date().toISOString() };
  localStorage.setItem(STORED, JSON.stringify(seen));
}

export const forgetSeen = () => localStorage.removeItem(STORED);
