/**
 * The ledger: docs/ledger.md. Rows are only ever added, through `src/server/ledger`; the database refuses everything
 * else, and what does not follow from the row before.
 */
export interface LedgerTables {
  /** What was done. */
  audit_vault: LedgerEntriesTable;
  /** Every read of backup data. */
  org_admin_reads: LedgerEntriesTable;
  vault_checkpoints: LedgerCheckpointsTable;
  org_admin_reads_checkpoints: LedgerCheckpointsTable;
  vault_signing_keys: LedgerKeysTable;
  vault_key_retirements: LedgerKeyRetirementsTable;
  ledger_anchors: LedgerAnchorsTable;
}

export interface LedgerEntriesTable {
  /** From 1 without gaps. */
  seq: number;
  at: number;
  tenant_id: string | null;
  actor_kind: string;
  actor_id: string | null;
  actor_name: string | null;
  action: string;
  object_kind: string | null;
  object_id: string | null;
  outcome: string;
  /** Canonical JSON. */
  detail: string;
  /** Hex, the hash of the row before. */
  previous_hash: string;
  hash: string;
  /** Base64url. */
  signature: string;
  key_id: string;
}

export interface LedgerCheckpointsTable {
  /** From 1 without gaps. */
  number: number;
  at: number;
  /** The newest entry when it was made. */
  seq: number;
  head_hash: string;
  entries: number;
  previous_hash: string;
  hash: string;
  signature: string;
  key_id: string;
}

/** Public keys, the retired ones too: old entries need them. */
export interface LedgerKeysTable {
  /** Hex, SHA-256 of the raw public key. */
  key_id: string;
  /** Base64url of 32 bytes. */
  public_key: string;
  /** Of the machine that has the private key. */
  host: string;
  activated_at: number;
  /** The entry of `audit_vault` that introduced it. */
  activated_seq: number;
}

export interface LedgerKeyRetirementsTable {
  key_id: string;
  retired_at: number;
  /** The entry of `audit_vault` from which on it signs nothing more. */
  retired_seq: number;
}

/** When the heads were last put on a destination. */
export interface LedgerAnchorsTable {
  /** Without passwords. */
  address: string;
  at: number;
  audit_vault_seq: number;
  org_admin_reads_seq: number;
}
