import { HEADER_BYTES } from '../crypto/object-header.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Storage } from '../storage/port.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { packName } from './object-names.ts';
import { type PackKey, packKey } from './pack-reader.ts';

/** What stored blocks are read with. */
export interface BlockPort {
  readonly storage: Storage;
  readonly keys: RepositoryKeys;
  readonly index: ChunkIndex;
}

const PACKS_KNOWN = 64;

/** Keys of packs by their number in the index; the last ones are kept, failures are not. Throws as `packKey`, `object_missing`. */
export function packKeys({ storage, keys, index }: BlockPort): (packNumber: number) => Promise<PackKey> {
  const known = new Map<number, Promise<PackKey>>();
  return (packNumber) => {
    let found = known.get(packNumber);
    if (!found) {
      const head = storage.get(packName(index.packs[packNumber]!), { offset: 0, length: HEADER_BYTES });
      found = head.then((bytes) => packKey(keys, bytes));
      if (known.size >= PACKS_KNOWN) known.delete(known.keys().next().value!);
      known.set(packNumber, found);
      found.catch(() => known.delete(packNumber));
    }
    return found;
  };
}
