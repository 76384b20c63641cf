/** The 92 bytes every pack and sealed object begins with. Layout: docs/format.md section 2. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { KEY_BYTES } from './gcm.ts';
import { hkdf } from './hkdf.ts';

export const OBJECT_TYPES = {
  pack: 1,
  index: 2,
  manifest: 3,
  keyring: 4,
  signer: 5,
  hold: 6,
  tombstone: 7,
  lease: 8,
  evidence: 9,
  indexCache: 10,
} as const;

export type ObjectType = keyof typeof OBJECT_TYPES;

export const HEADER_BYTES = 92;

export interface ObjectHeader {
  readonly type: ObjectType;
  readonly epoch: number;
  readonly repositoryId: Buffer;
  readonly salt: Buffer;
  readonly commitment: Buffer;
}

const MAGIC = Buffer.from('HFST');
const VERSION = 1;
const SALT_AT = 28;
const COMMITMENT_AT = 60;

/** A fresh header with its own random salt, and the object key that belongs to it. */
export function newHeader(input: {
  readonly type: ObjectType;
  readonly epoch: number;
  readonly repositoryId: Uint8Array;
  readonly masterKey: Uint8Array;
}): { header: Buffer; key: Buffer } {
  checkInput(input.masterKey, input.repositoryId);
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header[4] = VERSION;
  header[5] = OBJECT_TYPES[input.type];
  header.writeUInt32LE(input.epoch, 8);
  header.set(input.repositoryId, 12);
  randomBytes(COMMITMENT_AT - SALT_AT).copy(header, SALT_AT);
  const { key, commitment } = deriveObjectKey(input.masterKey, header);
  commitment.copy(header, COMMITMENT_AT);
  return { header, key };
}

/**
 * Reads the header at the start of `bytes`, proving nothing yet. Throws `object_damaged`, and
 * `repository_newer` for a version or key wrap this program does not know.
 */
export function readHeader(bytes: Uint8Array): ObjectHeader {
  if (bytes.length < HEADER_BYTES) throw damaged(`has ${bytes.length} bytes, too few for a header`);
  const header = Buffer.from(bytes.subarray(0, HEADER_BYTES));
  if (!header.subarray(0, 4).equals(MAGIC)) throw damaged('does not begin with HFST');
  if (header[4]! > VERSION) throw newer(`format version ${header[4]}`);
  if (header[4] !== VERSION) throw damaged('has format version 0');
  if (header[6] !== 0) throw newer(`key wrap ${header[6]}`);
  if (header[7] !== 0) throw damaged('has a reserved byte set');
  return {
    type: typeOf(header[5]!),
    epoch: header.readUInt32LE(8),
    repositoryId: header.subarray(12, SALT_AT),
    salt: header.subarray(SALT_AT, COMMITMENT_AT),
    commitment: header.subarray(COMMITMENT_AT),
  };
}

/**
 * The object key, once the header proved to belong to this master key. `header` is the object's first 92 bytes.
 * Throws `object_damaged` for another type or repository, `key_wrong` when the commitment differs (another
 * key, or a changed header: the two look alike), `repository_newer` as `readHeader`.
 */
export function openHeader(
  header: Uint8Array,
  masterKey: Uint8Array,
  expectedType: ObjectType,
  repositoryId: Uint8Array,
): Buffer {
  checkInput(masterKey, repositoryId);
  const read = readHeader(header);
  if (read.type !== expectedType) throw damaged(`is a ${read.type}, not a ${expectedType}`);
  if (!read.repositoryId.equals(repositoryId)) throw damaged('belongs to another repository');
  const { key, commitment } = deriveObjectKey(masterKey, Buffer.from(header.subarray(0, HEADER_BYTES)));
  if (timingSafeEqual(commitment, read.commitment)) return key;
  key.fill(0);
  throw new HoldfastError('key_wrong', `the key of epoch ${read.epoch} does not open this ${expectedType}`);
}

function deriveObjectKey(masterKey: Uint8Array, header: Buffer): { key: Buffer; commitment: Buffer } {
  const info = Buffer.concat([
    Buffer.from('holdfast v1 object'),
    header.subarray(5, 6),
    header.subarray(12, SALT_AT),
  ]);
  const both = hkdf(masterKey, header.subarray(SALT_AT, COMMITMENT_AT), info, 2 * KEY_BYTES);
  return { key: both.subarray(0, KEY_BYTES), commitment: both.subarray(KEY_BYTES) };
}

function typeOf(byte: number): ObjectType {
  for (const [name, value] of Object.entries(OBJECT_TYPES)) if (value === byte) return name as ObjectType;
  throw damaged(`has the unknown type ${byte}`);
}

function checkInput(masterKey: Uint8Array, repositoryId: Uint8Array): void {
  if (masterKey.length !== KEY_BYTES) throw new HoldfastError('internal', 'a master key has 32 bytes');
  if (repositoryId.length !== 16) throw new HoldfastError('internal', 'a repository id has 16 bytes');
}

function damaged(why: string): HoldfastError {
  return new HoldfastError('object_damaged', `object ${why}`);
}

function newer(what: string): HoldfastError {
  return new HoldfastError('repository_newer', `object has ${what}, which this program does not know`);
}
