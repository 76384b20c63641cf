/** The keyring of an epoch: what a master key opens first. Layout: docs/format.md section 3. */
import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import {
  asInteger,
  asRecord,
  asText,
  fromB64,
  parseJsonRecord,
  toB64,
  uuidToBytes,
  uuidToText,
} from './encoding.ts';
import { KEY_BYTES } from './gcm.ts';
import { MAX_EPOCH } from './key-slot.ts';

/** How a profile cuts content; meaning in docs/format.md section 6. */
export interface CutProfile {
  readonly minBytes: number;
  readonly normalBytes: number;
  readonly maxBytes: number;
  readonly bitsEarly: number;
  readonly bitsLate: number;
}

export interface ChunkingProfiles {
  readonly dump: CutProfile;
  readonly file: CutProfile;
}

export interface Keyring {
  readonly repositoryId: Buffer;
  readonly epoch: number;
  readonly createdAt: string;
  readonly secret: Buffer;
  /** Master keys of older epochs, ascending. */
  readonly previous: readonly { readonly epoch: number; readonly masterKey: Buffer }[];
  readonly chunking: ChunkingProfiles;
}

/** A chunk is never larger (docs/format.md section 4). */
const MAX_CHUNK_BYTES = 4 * 2 ** 20;

/** The keyring of a new repository: epoch 1, a new random secret. */
export function firstKeyring(input: {
  readonly repositoryId: Uint8Array;
  readonly chunking: ChunkingProfiles;
  readonly createdAt?: string;
  /** That of a repository whose chunks are to have the same ids and borders; random when absent. */
  readonly secret?: Uint8Array;
}): Keyring {
  return {
    repositoryId: Buffer.from(input.repositoryId),
    epoch: 1,
    createdAt: input.createdAt ?? new Date().toISOString(),
    secret: input.secret ? Buffer.from(input.secret) : randomBytes(KEY_BYTES),
    previous: [],
    chunking: input.chunking,
  };
}

/** The keyring of the epoch after `keyring`, whose own master key joins the previous ones. */
export function nextKeyring(keyring: Keyring, masterKey: Uint8Array, createdAt?: string): Keyring {
  return {
    ...keyring,
    epoch: keyring.epoch + 1,
    createdAt: createdAt ?? new Date().toISOString(),
    previous: [...keyring.previous, { epoch: keyring.epoch, masterKey: Buffer.from(masterKey) }],
  };
}

/** The JSON that is sealed as object type `keyring`. */
export function encodeKeyring(keyring: Keyring): Buffer {
  const text = JSON.stringify({
    version: 1,
    repositoryId: uuidToText(keyring.repositoryId),
    epoch: keyring.epoch,
    createdAt: keyring.createdAt,
    secret: toB64(keyring.secret),
    previous: keyring.previous.map(({ epoch, masterKey }) => ({ epoch, masterKey: toB64(masterKey) })),
    chunking: { dump: encodeProfile(keyring.chunking.dump), file: encodeProfile(keyring.chunking.file) },
  });
  return Buffer.from(text);
}

/** Throws `object_damaged`, or `repository_newer` for another version. */
export function parseKeyring(payload: Uint8Array): Keyring {
  const record = parseJsonRecord(payload, 'keyring');
  if (typeof record.version === 'number' && record.version > 1) {
    throw new HoldfastError('repository_newer', 'keyring has a newer version');
  }
  if (record.version !== 1) throw new HoldfastError('object_damaged', 'keyring has no version');
  const epoch = asInteger(record.epoch, 1, MAX_EPOCH, 'epoch of keyring');
  const chunking = asRecord(record.chunking, 'chunking of keyring');
  return {
    repositoryId: uuidToBytes(record.repositoryId, 'repository id of keyring'),
    epoch,
    createdAt: asText(record.createdAt, 'time of keyring', 64),
    secret: fromB64(record.secret, KEY_BYTES, 'secret of keyring'),
    previous: parsePrevious(record.previous, epoch),
    chunking: { dump: parseProfile(chunking.dump, 'dump'), file: parseProfile(chunking.file, 'file') },
  };
}

function parsePrevious(value: unknown, epoch: number): Keyring['previous'] {
  if (!Array.isArray(value)) throw new HoldfastError('object_damaged', 'keyring has no previous keys');
  let before = 0;
  return value.map((item: unknown) => {
    const record = asRecord(item, 'previous key of keyring');
    before = asInteger(record.epoch, before + 1, epoch - 1, 'epoch of previous key');
    return { epoch: before, masterKey: fromB64(record.masterKey, KEY_BYTES, 'previous key of keyring') };
  });
}

function encodeProfile(profile: CutProfile) {
  const { minBytes: min, normalBytes: normal, maxBytes: max, bitsEarly, bitsLate } = profile;
  return { min, normal, max, bitsEarly, bitsLate };
}

function parseProfile(value: unknown, name: string): CutProfile {
  const record = asRecord(value, `${name} profile of keyring`);
  const minBytes = asInteger(record.min, 1, MAX_CHUNK_BYTES, `min of ${name} profile`);
  const normalBytes = asInteger(record.normal, minBytes, MAX_CHUNK_BYTES, `normal of ${name} profile`);
  return {
    minBytes,
    normalBytes,
    maxBytes: asInteger(record.max, normalBytes, MAX_CHUNK_BYTES, `max of ${name} profile`),
    bitsEarly: asInteger(record.bitsEarly, 1, 32, `early bits of ${name} profile`),
    bitsLate: asInteger(record.bitsLate, 1, 32, `late bits of ${name} profile`),
  };
}
