/** The keys of an opened repository, all derived from one keyring. docs/format.md section 3. */
import { HoldfastError } from '../base/errors.ts';
import { KEY_BYTES } from './gcm.ts';
import { hkdf } from './hkdf.ts';
import type { ChunkingProfiles, Keyring } from './keyring.ts';

export type { ChunkingProfiles, CutProfile } from './keyring.ts';

export interface RepositoryKeys {
  /** 16 bytes. */
  readonly repositoryId: Buffer;
  /** The newest epoch these keys open, whether or not it is the repository's current one. */
  readonly epoch: number;
  /** False when the repository has a newer epoch: reading up to `epoch` is fine, writing is not. */
  readonly writable: boolean;
  /** Every epoch these keys open, ascending. */
  readonly epochs: readonly number[];
  /** The master key of an epoch. Throws `key_wrong` naming the epoch when it is not among `epochs`. */
  masterKey(epoch: number): Buffer;
  readonly chunkIdKey: Buffer;
  /** 256 entries. */
  readonly gearTable: Uint32Array;
  readonly chunking: ChunkingProfiles;
}

/** `masterKey` is the one that opened `keyring`. */
export function deriveRepositoryKeys(input: {
  readonly keyring: Keyring;
  readonly masterKey: Uint8Array;
  readonly writable: boolean;
}): RepositoryKeys {
  const { keyring, writable } = input;
  const masterKeys = new Map<number, Buffer>(
    keyring.previous.map(({ epoch, masterKey }) => [epoch, masterKey]),
  );
  masterKeys.set(keyring.epoch, Buffer.from(input.masterKey));
  return {
    repositoryId: keyring.repositoryId,
    epoch: keyring.epoch,
    writable,
    epochs: [...masterKeys.keys()].sort((a, b) => a - b),
    masterKey(epoch) {
      const key = masterKeys.get(epoch);
      if (key) return key;
      throw new HoldfastError('key_wrong', `no key given opens epoch ${epoch}`);
    },
    chunkIdKey: hkdf(keyring.secret, null, 'holdfast v1 chunk id', KEY_BYTES),
    gearTable: gearTableOf(keyring.secret),
    chunking: keyring.chunking,
  };
}

function gearTableOf(secret: Buffer): Uint32Array {
  const bytes = hkdf(secret, null, 'holdfast v1 chunker', 1024);
  return Uint32Array.from({ length: 256 }, (_, i) => bytes.readUInt32LE(4 * i));
}
