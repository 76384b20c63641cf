import { hostname } from 'node:os';
import { fingerprintOf, HoldfastError } from '../../engine/index.ts';
import {
  type Appending,
  appendSigned,
  beginAppending,
  insertKey,
  ownEntry,
  type Signing,
  writeCheckpoint,
} from './append.ts';
import type { Ledger as WholeLedger } from './ledger.ts';
import type { LedgerDb } from './ledger-db.ts';
import { keyIdOfKey } from './private-keys.ts';
import type { KeyLine } from './proof/schemas.ts';
import { OWN_ACTIONS, STREAMS } from './proof/statements.ts';

/** What keys need of a ledger, whichever way it was opened. */
type Ledger = Pick<WholeLedger, 'place' | 'signing'>;

/**
 * Signs with a new key from now on: an entry signed by the old key introduces it, one signed by the new key retires the old one,
 * whose private half is then deleted. The old public key stays listed. Either all of it or nothing.
 */
export async function rotateLedgerKey({
  place,
  signing,
}: Ledger): Promise<{ added: string; retired: string }> {
  const { privateKeys } = signing;
  const fresh = await privateKeys.create();
  const added = keyIdOfKey(fresh);
  const retired = await place.transaction(async (db) => {
    const old = await beginAppending(db, signing);
    const publicKey = fresh.publicKey.toString('base64url');
    await introduce(db, signing, old, { keyId: added, publicKey, host: hostname() });
    const current: Appending = { ledgerId: old.ledgerId, key: fresh };
    await retire(db, signing, current, keyIdOfKey(old.key));
    for (const stream of STREAMS) await writeCheckpoint(db, signing, current, stream);
    return keyIdOfKey(old.key);
  });
  await privateKeys.remove(retired);
  return { added, retired };
}

/** Makes a key for a machine that shall append, too. It may sign once `admitLedgerKey` ran where a key is active. */
export async function newLedgerKey({ signing }: Ledger): Promise<{ keyId: string; publicKey: string }> {
  const key = await signing.privateKeys.create();
  return { keyId: keyIdOfKey(key), publicKey: key.publicKey.toString('base64url') };
}

/** Lets the key of another machine sign. Throws `usage` for what is no public key or one that was introduced before. */
export async function admitLedgerKey(
  { place, signing }: Ledger,
  publicKey: string,
  host: string,
): Promise<{ keyId: string }> {
  const bytes = Buffer.from(publicKey, 'base64url');
  if (bytes.length !== 32 || bytes.toString('base64url') !== publicKey) {
    throw new HoldfastError('usage', 'this is not a public key of a ledger', {
      next: 'see holdfast ledger key new',
    });
  }
  const keyId = fingerprintOf(bytes).toString('hex');
  await place.transaction(async (db) => {
    const appending = await beginAppending(db, signing);
    const known = await listLedgerKeys(db);
    if (known.some((key) => key.key_id === keyId)) {
      throw new HoldfastError('usage', `the key ${keyId.slice(0, 16)} was introduced before`, {
        next: 'see holdfast ledger key list',
      });
    }
    await introduce(db, signing, appending, { keyId, publicKey, host });
  });
  return { keyId };
}

/** Ends the key of a machine that is gone. Throws `id_unknown`, and `usage` for the key of this machine. */
export async function retireLedgerKey({ place, signing }: Ledger, text: string): Promise<{ keyId: string }> {
  return place.transaction(async (db) => {
    const appending = await beginAppending(db, signing);
    const active = (await listLedgerKeys(db)).filter(({ status }) => status === 'active');
    const named = active.filter(({ key_id }) => text.length >= 8 && key_id.startsWith(text));
    if (named.length !== 1) {
      throw new HoldfastError('id_unknown', `no active key of the ledger is named ${text}`, {
        next: 'see holdfast ledger key list',
      });
    }
    const keyId = named[0]!.key_id;
    if (keyId === keyIdOfKey(appending.key)) {
      throw new HoldfastError('usage', 'this machine signs with this key', {
        next: 'run holdfast ledger key rotate',
      });
    }
    await retire(db, signing, appending, keyId);
    return { keyId };
  });
}

async function introduce(
  db: LedgerDb,
  signing: Signing,
  appending: Appending,
  { keyId, publicKey, host }: { keyId: string; publicKey: string; host: string },
): Promise<void> {
  const detail = { key_id: keyId, public_key: publicKey, host };
  const object = { kind: 'ledger_key', id: keyId };
  const entries = STREAMS.map((stream) => ownEntry(stream, OWN_ACTIONS.keyAdded, object, detail));
  const [entry] = await appendSigned(db, signing, appending, entries);
  await insertKey(db, {
    key_id: keyId,
    public_key: publicKey,
    host,
    atMs: Date.parse(entry!.at),
    seq: entry!.seq,
  });
}

async function retire(db: LedgerDb, signing: Signing, appending: Appending, keyId: string): Promise<void> {
  const object = { kind: 'ledger_key', id: keyId };
  const entries = STREAMS.map((stream) =>
    ownEntry(stream, OWN_ACTIONS.keyRetired, object, { key_id: keyId }),
  );
  const [entry] = await appendSigned(db, signing, appending, entries);
  await db.query('insert into vault_key_retirements (key_id, retired_at, retired_seq) values (?, ?, ?)', [
    keyId,
    Date.parse(entry!.at),
    entry!.seq,
  ]);
}

interface KeyRow {
  readonly key_id: string;
  readonly public_key: string;
  readonly host: string;
  readonly activated_at: number;
  readonly activated_seq: number;
  readonly retired_at: number | null;
  readonly retired_seq: number | null;
}

/** Every key there ever was, oldest first; as it was when `audit_vault` ended with `upToSeq`, where that is given. */
export async function listLedgerKeys(db: LedgerDb, upToSeq = Number.MAX_SAFE_INTEGER): Promise<KeyLine[]> {
  const rows = await db.query<KeyRow>(
    `select k.key_id, k.public_key, k.host, k.activated_at, k.activated_seq, r.retired_at, r.retired_seq
     from vault_signing_keys k left join vault_key_retirements r on r.key_id = k.key_id and r.retired_seq <= ?
     where k.activated_seq <= ? order by k.activated_seq`,
    [upToSeq, upToSeq],
  );
  return rows.map((row) => ({
    ...{ key_id: row.key_id, public_key: row.public_key, algorithm: 'Ed25519', host: row.host },
    status: row.retired_seq === null ? 'active' : 'retired',
    ...{ activated_at: new Date(row.activated_at).toISOString(), activated_seq: row.activated_seq },
    retired_at: row.retired_at === null ? null : new Date(row.retired_at).toISOString(),
    retired_seq: row.retired_seq,
  }));
}
