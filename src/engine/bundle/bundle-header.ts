/** What stands before the stream of a bundle. Layout: docs/format.md section 10. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { asRecord, asText, fromB64, parseJsonRecord, toB64 } from '../crypto/encoding.ts';
import { hkdf } from '../crypto/hkdf.ts';
import type { Credential } from '../crypto/key-text.ts';
import { parseWrappedKey, type ScryptCost, unwrapKey, type WrappedKey, wrapKey } from '../crypto/wrap.ts';
import type { Compression } from './compression.ts';
import { malformed } from './limits.ts';

export type BundleEncryption = 'aes-256-gcm-hkdf-1mb' | 'none';

export interface BundleHeader {
  readonly version: 1;
  readonly compression: Compression;
  readonly encryption: BundleEncryption;
  /** Empty exactly when `encryption` is `none`. */
  readonly keys: readonly WrappedKey[];
  /** Null exactly when `encryption` is `none`. */
  readonly commitment: string | null;
  readonly createdAt: string;
  readonly backupId: string;
}

export const MAX_HEADER_BYTES = 64 * 1024;
export const PREAMBLE_BYTES = 12;

const MAGIC = Buffer.from('HFBUNDL1');
const MAX_SLOTS = 8;
/** The writers' own cost: a bundle may come from anyone, and each slot may have to be tried. */
const MAX_SCRYPT = 2 ** 20;

/** The first bytes of a bundle, which are also the stream's associated data. */
export function encodeHeader(header: BundleHeader): Buffer {
  const json = Buffer.from(JSON.stringify({ ...header, commitment: header.commitment ?? undefined }));
  if (json.length > MAX_HEADER_BYTES) throw new HoldfastError('internal', 'the bundle header is too long');
  const preamble = Buffer.alloc(PREAMBLE_BYTES);
  MAGIC.copy(preamble);
  preamble.writeUInt32LE(json.length, 8);
  return Buffer.concat([preamble, json]);
}

/** The length of the JSON behind the first 12 bytes. Throws `bundle_malformed`, `bundle_newer`. */
export function readPreamble(bytes: Buffer): number {
  if (!bytes.subarray(0, 7).equals(MAGIC.subarray(0, 7))) throw malformed('does not begin as a bundle');
  if (bytes[7]! > 0x31 && bytes[7]! <= 0x39) throw newer();
  if (bytes[7] !== 0x31) throw malformed('does not begin as a bundle');
  const length = bytes.readUInt32LE(8);
  if (length > MAX_HEADER_BYTES) throw malformed(`has a header above ${MAX_HEADER_BYTES} bytes`);
  return length;
}

/** Throws `bundle_malformed`, `bundle_newer`. */
export function parseHeader(json: Buffer): BundleHeader {
  try {
    return checkHeader(json);
  } catch (error) {
    if (codeOf(error) !== 'object_damaged') throw error;
    throw malformed(`has a header in which ${(error as Error).message}`);
  }
}

function checkHeader(json: Buffer): BundleHeader {
  const record = parseJsonRecord(json, 'the header');
  if (typeof record.version === 'number' && record.version > 1) throw newer();
  if (record.version !== 1) throw malformed('has a header without a version');
  const { compression, encryption } = record;
  if (compression !== 'zstd' && compression !== 'gzip') throw malformed('has an unknown compression');
  if (encryption !== 'none' && encryption !== 'aes-256-gcm-hkdf-1mb') {
    throw malformed('has an unknown encryption');
  }
  const keys = Array.isArray(record.keys) ? record.keys.map(parseSlot) : [];
  if (keys.length > MAX_SLOTS || keys.length > 0 !== (encryption !== 'none')) {
    throw malformed('has the wrong number of key slots');
  }
  const commitment = encryption === 'none' ? null : toB64(fromB64(record.commitment, 32, 'the commitment'));
  return {
    version: 1,
    compression,
    encryption,
    keys,
    commitment,
    createdAt: asText(record.createdAt, 'the time', 64),
    backupId: asText(record.backupId, 'the backup id', 64),
  };
}

function parseSlot(value: unknown): WrappedKey {
  const slot = parseWrappedKey(asRecord(value, 'a key slot'), 'a key slot');
  if (slot.kdf.name === 'scrypt' && slot.kdf.n * slot.kdf.r * slot.kdf.p > MAX_SCRYPT) {
    throw malformed('has a key slot that asks for too much work');
  }
  return slot;
}

/** Slots for a data key, one per credential, and the commitment. Throws `key_missing` without credentials. */
export async function sealDataKey(
  dataKey: Buffer,
  credentials: readonly Credential[],
  backupId: string,
  cost?: ScryptCost,
): Promise<{ keys: WrappedKey[]; commitment: string }> {
  if (credentials.length === 0) throw new HoldfastError('key_missing', 'no key was given for the bundle');
  if (credentials.length > MAX_SLOTS) {
    throw new HoldfastError('usage', `a bundle takes at most ${MAX_SLOTS} keys, not ${credentials.length}`);
  }
  const keys: WrappedKey[] = [];
  for (const credential of credentials) {
    keys.push(await wrapKey(dataKey, credential, slotAad(backupId), cost));
  }
  return { keys, commitment: toB64(commitmentOf(dataKey)) };
}

/**
 * The data key of an encrypted bundle. Throws `key_missing` without credentials, else one same `key_wrong`
 * whatever failed, naming the key ids of the bundle.
 */
export async function openDataKey(header: BundleHeader, credentials: readonly Credential[]): Promise<Buffer> {
  if (credentials.length === 0) throw new HoldfastError('key_missing');
  const aad = slotAad(header.backupId);
  for (const credential of credentials) {
    for (const slot of header.keys) {
      const dataKey = await unwrapKey(slot, credential, aad);
      if (dataKey === null) continue;
      if (timingSafeEqual(commitmentOf(dataKey), Buffer.from(header.commitment!, 'base64url')))
        return dataKey;
      dataKey.fill(0);
    }
  }
  const ids = header.keys.map((slot) => slot.keyId).join(', ');
  throw new HoldfastError('key_wrong', `no key given opens the bundle; it needs key ${ids}`);
}

function slotAad(backupId: string): Buffer {
  const digest = createHash('sha256').update(backupId).digest();
  return Buffer.concat([Buffer.from('holdfast v1 bundle'), digest]);
}

function commitmentOf(dataKey: Buffer): Buffer {
  return hkdf(dataKey, null, 'holdfast v1 bundle commitment', 32);
}

function newer(): HoldfastError {
  return new HoldfastError('bundle_newer');
}
