/** An entry of the ledger, as it is signed; docs/ledger.md has every field. */

/** `audit_vault` has what was done; `org_admin_reads` has every read of backup data. */
export const STREAMS = ['audit_vault', 'org_admin_reads'] as const;
export type Stream = (typeof STREAMS)[number];

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Everything of an entry that its hash covers. Names are those of the columns. */
export interface EntryBody {
  readonly version: number;
  readonly stream: Stream;
  /** From 1 without gaps. */
  readonly seq: number;
  /** ISO 8601 in UTC with milliseconds. */
  readonly at: string;
  /** Null for what belongs to none. */
  readonly tenant_id: string | null;
  readonly actor_kind: string;
  readonly actor_id: string | null;
  readonly actor_name: string | null;
  readonly action: string;
  readonly object_kind: string | null;
  readonly object_id: string | null;
  readonly outcome: string;
  readonly detail: JsonValue;
  /** Hex, the hash of the entry before. */
  readonly previous_hash: string;
  /** Hex, SHA-256 of the raw public key that signs. */
  readonly key_id: string;
}

export interface Proof {
  /** Hex. */
  readonly hash: string;
  /** Base64url. */
  readonly signature: string;
}

export type Entry = EntryBody & Proof;
