import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { HoldfastError, newId, type SigningKey } from '../../engine/index.ts';
import { headOf, insertCheckpoint, insertEntries, lastCheckpointOf } from './entry-rows.ts';
import { type LedgerDb, lockLedger } from './ledger-db.ts';
import { keyIdOfKey, type PrivateKeys } from './private-keys.ts';
import { canonicalJson, plainJson } from './proof/canonical-json.ts';
import {
  type Entry,
  LEDGER_VERSION,
  NOTHING_BEFORE,
  OWN_ACTIONS,
  prove,
  STREAMS,
  type Stream,
} from './proof/statements.ts';

/** What somebody has to say; sequence, hashes and signature are the ledger's. */
export interface NewEntry {
  readonly stream: Stream;
  readonly tenantId: string | null;
  readonly actor: { readonly kind: string; readonly id: string | null; readonly name: string | null };
  /** `backup`, `key.rotate`: a noun or a verb of the manual, dots between parts. */
  readonly action: string;
  readonly object: { readonly kind: string; readonly id: string | null } | null;
  readonly outcome: Outcome;
  /** Anything that JSON can hold, and no secret. Above 64 KiB only its size and SHA-256 are kept. */
  readonly detail: unknown;
  /** Default: when it is appended. */
  readonly atMs?: number;
}

export type Outcome =
  | 'started'
  | 'succeeded'
  | 'incomplete'
  | 'failed'
  | 'skipped'
  | 'interrupted'
  | 'refused';

export interface CheckpointRules {
  /** A checkpoint after so many entries, */
  readonly everyEntries: number;
  /** or with the first entry after this time. */
  readonly everyMs: number;
}

/** What is needed to sign, and to begin a ledger that is not there yet. */
export interface Signing {
  readonly privateKeys: PrivateKeys;
  readonly checkpoints: CheckpointRules;
  nowMs(): number;
}

const MAX_DETAIL_BYTES = 65_536;
const MAX_TEXT = 500;

/** Appends within a transaction, in the given order. Nobody else appends until that ends, so this comes last in it. */
export async function appendIn(
  db: LedgerDb,
  signing: Signing,
  entries: readonly NewEntry[],
): Promise<Entry[]> {
  const { ledgerId, key } = await beginAppending(db, signing);
  return appendSigned(db, signing, { ledgerId, key }, entries);
}

export interface Appending {
  readonly ledgerId: string;
  readonly key: SigningKey;
}

/** Locks the ledger, begins it when it is empty, and finds the key to sign with. Throws `ledger_key_missing`. */
export async function beginAppending(db: LedgerDb, signing: Signing): Promise<Appending> {
  await lockLedger(db);
  const ledgerId = (await ledgerIdOf(db)) ?? (await beginLedger(db, signing));
  return { ledgerId, key: await currentKey(db, signing.privateKeys) };
}

/** Appends with a key that is known to be active, under the lock. */
export async function appendSigned(
  db: LedgerDb,
  signing: Signing,
  appending: Appending,
  entries: readonly NewEntry[],
): Promise<Entry[]> {
  const made: Entry[] = [];
  for (const stream of STREAMS) {
    const own = entries.filter((entry) => entry.stream === stream);
    if (own.length === 0) continue;
    const signed = await signedEntries(db, signing, appending, stream, own);
    await insertEntries(db, stream, signed);
    await checkpointIfDue(db, signing, appending, signed.at(-1)!);
    made.push(...signed);
  }
  return made;
}

async function signedEntries(
  db: LedgerDb,
  signing: Signing,
  { key }: Appending,
  stream: Stream,
  entries: readonly NewEntry[],
): Promise<Entry[]> {
  let { seq, hash } = await headOf(db, stream);
  return entries.map((entry) => {
    seq += 1;
    const made = prove(
      'ledgerEntry',
      {
        version: LEDGER_VERSION,
        stream,
        seq,
        at: new Date(entry.atMs ?? signing.nowMs()).toISOString(),
        tenant_id: cleanText(entry.tenantId),
        actor_kind: cleanText(entry.actor.kind),
        actor_id: cleanText(entry.actor.id),
        actor_name: cleanText(entry.actor.name),
        action: cleanText(entry.action),
        object_kind: cleanText(entry.object?.kind ?? null),
        object_id: cleanText(entry.object?.id ?? null),
        outcome: entry.outcome,
        detail: boundedDetail(entry.detail),
        previous_hash: hash,
        key_id: keyIdOfKey(key),
      },
      key,
    );
    hash = made.hash;
    return made;
  });
}

/** PostgreSQL takes no NUL in text, and neither takes half a surrogate pair: recording must not fail over a name. */
function cleanText<T extends string | null>(text: T): T {
  return (
    text === null ? null : text.toWellFormed().replaceAll('\0', '\uFFFD').slice(0, MAX_TEXT).toWellFormed()
  ) as T;
}

function boundedDetail(detail: unknown) {
  const plain = plainJson(detail);
  const bytes = Buffer.from(canonicalJson(plain));
  if (bytes.length <= MAX_DETAIL_BYTES) return plain;
  return {
    left_out: true,
    size_bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

async function checkpointIfDue(
  db: LedgerDb,
  signing: Signing,
  appending: Appending,
  head: Entry,
): Promise<void> {
  const { everyEntries, everyMs } = signing.checkpoints;
  const last = await lastCheckpointOf(db, head.stream);
  const isDue =
    last === null || head.seq - last.seq >= everyEntries || Math.abs(signing.nowMs() - last.at) >= everyMs;
  if (isDue) await writeCheckpoint(db, signing, appending, head.stream);
}

/** Writes a checkpoint unless the newest one has the newest entry, under the lock. */
export async function writeCheckpoint(
  db: LedgerDb,
  signing: Signing,
  { ledgerId, key }: Appending,
  stream: Stream,
): Promise<void> {
  const { seq, hash } = await headOf(db, stream);
  const last = await lastCheckpointOf(db, stream);
  if (seq === 0 || last?.seq === seq) return;
  const body = {
    ...{ version: LEDGER_VERSION, stream, ledger_id: ledgerId, number: (last?.number ?? 0) + 1 },
    at: new Date(signing.nowMs()).toISOString(),
    ...{ seq, head_hash: hash, entries: seq, previous_hash: last?.hash ?? NOTHING_BEFORE },
    key_id: keyIdOfKey(key),
  };
  await insertCheckpoint(db, prove('ledgerCheckpoint', body, key));
}

/** The id in the first entry; null for a ledger that has not begun. */
export async function ledgerIdOf(db: LedgerDb): Promise<string | null> {
  const rows = await db.query<{ detail: string }>('select detail from audit_vault where seq = 1');
  return rows[0] ? (JSON.parse(rows[0].detail) as { ledger_id: string }).ledger_id : null;
}

/**
 * The first entry of both streams names the ledger and its first key. A key of this host that is there already is used: after
 * the loss of a catalog, what was pinned stays right.
 */
async function beginLedger(db: LedgerDb, signing: Signing): Promise<string> {
  const { privateKeys } = signing;
  const earlier = await privateKeys.list();
  const key = earlier.at(-1) ?? (await privateKeys.create());
  const ledgerId = newId(signing.nowMs());
  const detail = {
    ...{ ledger_id: ledgerId, key_id: keyIdOfKey(key), public_key: key.publicKey.toString('base64url') },
    ...{ host: hostname(), follows_a_lost_ledger: earlier.length > 0 },
  };
  const begin = STREAMS.map((stream) =>
    ownEntry(stream, OWN_ACTIONS.begin, { kind: 'ledger', id: ledgerId }, detail),
  );
  const [first] = await appendSigned(db, signing, { ledgerId, key }, begin);
  await insertKey(db, {
    key_id: detail.key_id,
    public_key: detail.public_key,
    host: detail.host,
    atMs: Date.parse(first!.at),
    seq: 1,
  });
  return ledgerId;
}

/** What the ledger says of itself. */
export function ownEntry(
  stream: Stream,
  action: string,
  object: { kind: string; id: string },
  detail: unknown,
): NewEntry {
  const actor = { kind: 'system', id: null, name: hostname() };
  return { stream, tenantId: null, actor, action, object, outcome: 'succeeded', detail };
}

export async function insertKey(
  db: LedgerDb,
  key: { key_id: string; public_key: string; host: string; atMs: number; seq: number },
): Promise<void> {
  await db.query(
    'insert into vault_signing_keys (key_id, public_key, host, activated_at, activated_seq) values (?, ?, ?, ?, ?)',
    [key.key_id, key.public_key, key.host, key.atMs, key.seq],
  );
}

/** The newest key that is not retired and whose private half is here. Throws `ledger_key_missing`. */
async function currentKey(db: LedgerDb, privateKeys: PrivateKeys): Promise<SigningKey> {
  const rows = await db.query<{ key_id: string }>(
    `select key_id from vault_signing_keys
     where key_id not in (select key_id from vault_key_retirements) order by activated_seq desc`,
  );
  for (const { key_id } of rows) {
    const key = await privateKeys.find(key_id);
    if (key) return key;
  }
  throw new HoldfastError(
    'ledger_key_missing',
    `none of the keys in ${privateKeys.folder} may sign for the ledger, which has ${rows.map(({ key_id }) => key_id.slice(0, 16)).join(', ')}`,
  );
}
