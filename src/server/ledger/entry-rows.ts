import type { LedgerCheckpointsTable, LedgerEntriesTable } from '../catalog/tables/ledger.ts';
import type { LedgerDb, SqlValue } from './ledger-db.ts';
import { canonicalJson, type JsonValue } from './proof/canonical-json.ts';
import {
  CHECKPOINT_TABLES,
  type Checkpoint,
  type Entry,
  type Head,
  LEDGER_VERSION,
  NOTHING_BEFORE,
  type Stream,
} from './proof/statements.ts';

const ENTRY_COLUMNS = [
  ...['seq', 'at', 'tenant_id', 'actor_kind', 'actor_id', 'actor_name', 'action', 'object_kind', 'object_id'],
  ...['outcome', 'detail', 'previous_hash', 'hash', 'signature', 'key_id'],
] as const;

/** Rows in one statement; few different numbers, so that few statements are prepared. */
const ROWS_AT_ONCE = [128, 16, 1] as const;

export async function insertEntries(db: LedgerDb, stream: Stream, entries: readonly Entry[]): Promise<void> {
  for (let at = 0; at < entries.length; ) {
    const count = ROWS_AT_ONCE.find((rows) => rows <= entries.length - at)!;
    const values = entries.slice(at, at + count).flatMap(valuesOf);
    await db.query(insertText(stream, count), values);
    at += count;
  }
}

const insertTexts = new Map<string, string>();

function insertText(stream: Stream, rows: number): string {
  const name = `${stream} ${rows}`;
  const known = insertTexts.get(name);
  if (known) return known;
  const row = `(${ENTRY_COLUMNS.map(() => '?').join(', ')})`;
  const text = `insert into ${stream} (${ENTRY_COLUMNS.join(', ')}) values ${Array(rows).fill(row).join(', ')}`;
  insertTexts.set(name, text);
  return text;
}

function valuesOf(entry: Entry): SqlValue[] {
  return [
    ...[entry.seq, Date.parse(entry.at), entry.tenant_id, entry.actor_kind, entry.actor_id, entry.actor_name],
    ...[entry.action, entry.object_kind, entry.object_id, entry.outcome, canonicalJson(entry.detail)],
    ...[entry.previous_hash, entry.hash, entry.signature, entry.key_id],
  ];
}

/** An entry as it was signed. */
export function entryOf(stream: Stream, row: LedgerEntriesTable): Entry {
  const { at, detail, ...rest } = row;
  return {
    version: LEDGER_VERSION,
    stream,
    ...rest,
    at: new Date(at).toISOString(),
    detail: JSON.parse(detail) as JsonValue,
  };
}

export async function headOf(db: LedgerDb, stream: Stream): Promise<Head> {
  const rows = await db.query<{ seq: number; hash: string }>(
    `select seq, hash from ${stream} order by seq desc limit 1`,
  );
  return { stream, ...(rows[0] ?? { seq: 0, hash: NOTHING_BEFORE }) };
}

export async function lastCheckpointOf(db: LedgerDb, stream: Stream): Promise<LedgerCheckpointsTable | null> {
  const table = CHECKPOINT_TABLES[stream];
  const rows = await db.query<LedgerCheckpointsTable>(`select * from ${table} order by number desc limit 1`);
  return rows[0] ?? null;
}

export async function insertCheckpoint(db: LedgerDb, checkpoint: Checkpoint): Promise<void> {
  const { stream, number, at, seq, head_hash, entries, previous_hash, hash, signature, key_id } = checkpoint;
  await db.query(
    `insert into ${CHECKPOINT_TABLES[stream]} (number, at, seq, head_hash, entries, previous_hash, hash, signature, key_id)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [number, Date.parse(at), seq, head_hash, entries, previous_hash, hash, signature, key_id],
  );
}

/** A checkpoint as it was signed. */
export function checkpointOf(stream: Stream, ledgerId: string, row: LedgerCheckpointsTable): Checkpoint {
  const { at, ...rest } = row;
  return { version: LEDGER_VERSION, stream, ledger_id: ledgerId, ...rest, at: new Date(at).toISOString() };
}
