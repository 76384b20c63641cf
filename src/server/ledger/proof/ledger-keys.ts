import { fingerprintOf, type SignatureVerifier, signatureVerifier } from '../../../engine/index.ts';
import { keyDetailSchema } from './schemas.ts';
import { type Entry, OWN_ACTIONS } from './statements.ts';

export interface KnownKey {
  readonly keyId: string;
  readonly publicKey: string;
  readonly verifier: SignatureVerifier;
  readonly host: string;
  /** The entry of this stream that introduced it. */
  readonly activatedSeq: number;
  readonly activatedAt: string;
  /** The entry that retired it; null while it may sign. */
  retiredSeq: number | null;
  retiredAt: string | null;
  /** Entries signed. */
  signed: number;
}

/** The keys of a stream by id, as its own entries introduce and retire them. */
export type KnownKeys = Map<string, KnownKey>;

/** Takes in what an entry says about keys, before its signature is looked at where it is the first. Resolves with what is wrong, or null. */
export function takeKeys(keys: KnownKeys, entry: Entry): string | null {
  if (entry.seq === 1) {
    if (entry.action !== OWN_ACTIONS.begin) return `is the first entry and not ${OWN_ACTIONS.begin}`;
    return add(keys, entry, entry.key_id);
  }
  if (entry.action === OWN_ACTIONS.begin) return 'begins a ledger in the middle of one';
  if (entry.action === OWN_ACTIONS.keyAdded) return add(keys, entry, entry.object_id ?? '');
  if (entry.action !== OWN_ACTIONS.keyRetired) return null;
  const retired = keys.get(entry.object_id ?? '');
  if (!retired || retired.retiredSeq !== null) return 'retires a key that is not active';
  if (retired.keyId === entry.key_id) return 'is signed by the key that it retires';
  retired.retiredSeq = entry.seq;
  retired.retiredAt = entry.at;
  return null;
}

function add(keys: KnownKeys, entry: Entry, keyId: string): string | null {
  const detail = keyDetailSchema.safeParse(entry.detail);
  if (!detail.success) return 'introduces a key and does not hold it';
  const publicKey = Buffer.from(detail.data.public_key, 'base64url');
  const isRight = fingerprintOf(publicKey).toString('hex') === keyId && detail.data.key_id === keyId;
  if (!isRight) return 'introduces a key under another id';
  if (keys.has(keyId)) return 'introduces a key twice';
  keys.set(keyId, {
    ...{ keyId, publicKey: detail.data.public_key, verifier: signatureVerifier(publicKey) },
    ...{ host: detail.data.host, activatedSeq: entry.seq, activatedAt: entry.at },
    ...{ retiredSeq: null, retiredAt: null, signed: 0 },
  });
  return null;
}

/** Null when the key may sign what comes next; otherwise why not. */
export function whyNotActive(
  keys: KnownKeys,
  keyId: string,
): { code: 'key_unknown' | 'key_retired'; message: string } | null {
  const key = keys.get(keyId);
  const name = keyId.slice(0, 16);
  if (!key)
    return {
      code: 'key_unknown',
      message: `is signed by the key ${name}, which no entry before it introduces`,
    };
  if (key.retiredSeq === null) return null;
  return {
    code: 'key_retired',
    message: `is signed by the key ${name}, which entry ${key.retiredSeq} retired`,
  };
}
