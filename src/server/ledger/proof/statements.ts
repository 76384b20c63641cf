/** What the ledger signs: entries, checkpoints, anchors. docs/ledger.md has every field. */
import { createHash } from 'node:crypto';
import {
  type Entry,
  type EntryBody,
  type Proof,
  STREAMS,
  type Stream,
} from '../../../contracts/ledger-entry.ts';
import { SIGNING_CONTEXTS, type SignatureVerifier, type SigningKey, sign } from '../../../engine/index.ts';
import { canonicalJson, type JsonValue } from './canonical-json.ts';

export { type Entry, type EntryBody, type Proof, STREAMS, type Stream };

export const CHECKPOINT_TABLES = {
  audit_vault: 'vault_checkpoints',
  org_admin_reads: 'org_admin_reads_checkpoints',
} as const satisfies Record<Stream, string>;

export const KEYS_TABLE = 'vault_signing_keys';

/** Actions by which the ledger records itself. The verifier knows these and no others. */
export const OWN_ACTIONS = {
  begin: 'ledger.begin',
  keyAdded: 'ledger.key_added',
  keyRetired: 'ledger.key_retired',
} as const;

/** Stands before the first entry and the first checkpoint. */
export const NOTHING_BEFORE = '0'.repeat(64);

export const LEDGER_VERSION = 1;

export interface CheckpointBody {
  readonly version: number;
  readonly stream: Stream;
  readonly ledger_id: string;
  /** From 1 without gaps. */
  readonly number: number;
  readonly at: string;
  /** The newest entry when it was made. */
  readonly seq: number;
  readonly head_hash: string;
  readonly entries: number;
  readonly previous_hash: string;
  readonly key_id: string;
}

export type Checkpoint = CheckpointBody & Proof;

export interface Head {
  readonly stream: Stream;
  readonly seq: number;
  readonly hash: string;
}

/** Both heads at one moment, for keeping where the catalog's owner cannot change them. */
export interface AnchorBody {
  readonly version: number;
  readonly ledger_id: string;
  readonly at: string;
  readonly heads: readonly Head[];
  readonly key_id: string;
}

export type Anchor = AnchorBody & Proof;

type Kind = keyof Pick<typeof SIGNING_CONTEXTS, 'ledgerEntry' | 'ledgerCheckpoint' | 'ledgerAnchor'>;
type Body = EntryBody | CheckpointBody | AnchorBody;

/** Adds hash and signature. */
export function prove<T extends Body>(kind: Kind, body: T, key: SigningKey): T & Proof {
  const hash = hashOf(kind, body);
  return {
    ...body,
    hash: hash.toString('hex'),
    signature: sign(key, SIGNING_CONTEXTS[kind], hash).toString('base64url'),
  };
}

export function isHashRight(kind: Kind, { hash, signature: _, ...body }: Body & Proof): boolean {
  return hashOf(kind, body as Body).toString('hex') === hash;
}

/** Of a hash that is right; see `isHashRight`. */
export function isSignatureRight(
  kind: Kind,
  { hash, signature }: Proof,
  verifier: SignatureVerifier,
): boolean {
  return verifier(SIGNING_CONTEXTS[kind], Buffer.from(hash, 'hex'), Buffer.from(signature, 'base64url'));
}

function hashOf(kind: Kind, body: Body): Buffer {
  const json = canonicalJson(body as unknown as JsonValue);
  return createHash('sha256').update(SIGNING_CONTEXTS[kind]).update(json).digest();
}

/** The heads as they stand in a manifest: `<ledger id> audit_vault 12 <hash> org_admin_reads 3 <hash>`. */
export function headText(ledgerId: string, heads: readonly Head[]): string {
  return [ledgerId, ...heads.flatMap(({ stream, seq, hash }) => [stream, String(seq), hash])].join(' ');
}

/** Null for a text that is no such thing. */
export function parseHeadText(text: string): { readonly ledgerId: string; readonly heads: Head[] } | null {
  const [ledgerId, ...rest] = text.split(' ');
  if (!ledgerId || rest.length === 0 || rest.length % 3 !== 0 || rest.length > 3 * STREAMS.length)
    return null;
  const heads: Head[] = [];
  for (let i = 0; i < rest.length; i += 3) {
    const [stream, seq, hash] = rest.slice(i, i + 3) as [Stream, string, string];
    if (!STREAMS.includes(stream) || !/^\d{1,15}$/.test(seq) || !/^[0-9a-f]{64}$/.test(hash)) return null;
    heads.push({ stream, seq: Number(seq), hash });
  }
  return { ledgerId, heads };
}
