import type { KnownKeys } from './ledger-keys.ts';
import { parseCanonical } from './lines.ts';
import { type Problem, problem } from './report.ts';
import { anchorSchema } from './schemas.ts';
import {
  type Anchor,
  type Head,
  isHashRight,
  isSignatureRight,
  parseHeadText,
  type Stream,
} from './statements.ts';
import type { ProvenStream } from './verify-stream.ts';

/** Heads that were kept away from the catalog: an anchor, or what the manifest of a backup says. */
export type KeptStatement =
  | { readonly where: string; readonly bytes: Uint8Array }
  /** From a manifest whose signature was checked. */
  | { readonly where: string; readonly ledgerHead: string };

/** A statement as it was read; `anchor` is null for one that needs no proof of its own. */
export interface ReadStatement {
  readonly where: string;
  readonly ledgerId: string;
  readonly heads: readonly Head[];
  readonly anchor: Anchor | null;
}

/** Null for what is no such statement. */
export function readStatement(kept: KeptStatement): ReadStatement | null {
  const { where } = kept;
  if ('ledgerHead' in kept) {
    const read = parseHeadText(kept.ledgerHead);
    return read && { where, ...read, anchor: null };
  }
  const value = parseCanonical(kept.bytes);
  const read = value === undefined ? null : anchorSchema.safeParse(value);
  if (!read?.success) return null;
  return { where, ledgerId: read.data.ledger_id, heads: read.data.heads, anchor: read.data };
}

/** What a statement proves against the streams: null when it agrees with them, `unknown` where a stream is broken before its place. */
export function statementProblem(
  { where, heads, anchor }: ReadStatement,
  streams: Readonly<Record<Stream, ProvenStream>>,
): Problem | 'unknown' | null {
  // Of a ledger whose end is gone, the newest keys are gone as well: so this comes before the signature.
  const beyond = heads.find(({ stream, seq }) => seq > streams[stream].report.entries);
  if (beyond) {
    const { stream, seq } = beyond;
    const { entries } = streams[stream].report;
    if (streams[stream].problems.some(({ code }) => code !== 'tail_cut')) return 'unknown';
    const message = `the last entries of ${stream} are gone: it ends with entry ${entries}, and ${where} has seen entry ${seq}`;
    return problem('tail_cut', `${stream}.ndjson`, message, { seq: entries + 1 });
  }
  const unproven = anchor && anchorFlaw(anchor, streams.audit_vault.keys);
  if (unproven) return problem('anchor_unproven', where, `${where} ${unproven}`);
  const other = heads.find(({ stream, seq, hash }) => streams[stream].hashes.get(seq) !== hash);
  if (!other) return null;
  const message = `entry ${other.seq} of ${other.stream} is not the one that ${where} has seen: the ledger was written anew from there or before`;
  return problem('rewritten', `${other.stream}.ndjson`, message, { seq: other.seq });
}

function anchorFlaw(anchor: Anchor, keys: KnownKeys): string | null {
  if (!isHashRight('ledgerAnchor', anchor)) return 'was changed: its hash is of something else';
  const key = keys.get(anchor.key_id);
  if (!key) return `is signed by ${anchor.key_id.slice(0, 16)}, which is no key of this ledger`;
  return isSignatureRight('ledgerAnchor', anchor, key.verifier)
    ? null
    : 'has a signature that is not of its key';
}
