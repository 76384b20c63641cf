import { idTable } from '../repository/id-table.ts';

/**
 * Which chunk of another repository is which here. Ids are HMACs under a secret of each repository, so the same bytes
 * have another id in each.
 */
export interface ChunkIds {
  /** The id here of a chunk there; null when it is not known. 32 bytes, not to be changed. */
  get(there: Buffer): Buffer | null;
  /** Both must be ids of the same bytes. */
  learn(there: Buffer, here: Buffer): void;
  /** True when nothing is ever to be learnt: ids are the same on both sides. */
  readonly isSame: boolean;
}

const ID_BYTES = 32;

/** For two repositories of one chunk-id secret. */
export const SAME_IDS: ChunkIds = { get: (there) => there, learn: () => {}, isSame: true };

/** In flat memory, about 56 bytes a chunk. */
export function chunkIdMap(): ChunkIds {
  const known = idTable();
  let here = Buffer.alloc(1024 * ID_BYTES);
  return {
    isSame: false,
    get(there) {
      const number = known.find(there, 0);
      return number < 0 ? null : here.subarray(number * ID_BYTES, (number + 1) * ID_BYTES);
    },
    learn(there, id) {
      const number = known.findOrEnter(there, 0);
      if ((number + 1) * ID_BYTES > here.length) {
        const next = Buffer.alloc(Math.ceil(1.5 * known.count) * ID_BYTES);
        here.copy(next);
        here = next;
      }
      id.copy(here, number * ID_BYTES);
    },
  };
}
