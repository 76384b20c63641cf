/** Index objects as they lie on storage: many small ones are read several at a time. */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { openObject } from '../crypto/sealed-object.ts';
import { inOrder } from './in-order.ts';
import { decodeIndex, type ListedPack } from './index-object.ts';
import { leafOf } from './object-names.ts';
import type { RepositoryContext } from './repository-context.ts';
import { named } from './sealed-json.ts';

/** Where every answer takes its time, as with object storage, so many requests are under way. */
const READS_AT_ONCE = 16;
/** Of stored bytes under way; a single object may be larger. */
const BYTES_AT_ONCE = 4 * 2 ** 20;

/** Larger index objects are left as they are: reading one costs little more than its bytes. */
const SMALL_BYTES = 256 * 1024;

/** True for an index object of which there may be very many. */
export const isSmall = (sizeBytes: number) => sizeBytes < SMALL_BYTES;

export interface IndexFile {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface OpenedIndex {
  readonly packs: readonly ListedPack[];
  readonly epoch: number;
}

/** An index object, or why it could not be read. */
export interface ReadIndex extends IndexFile {
  readonly opened: OpenedIndex | null;
  /** What `readIndexObject` threw; null when it did not. */
  readonly error: unknown;
}

/** Reads index objects, some at once, and gives them in the order of their names here. Never throws for one that cannot be read. */
export async function* readIndexObjects(
  context: RepositoryContext,
  files: readonly IndexFile[],
): AsyncGenerator<ReadIndex> {
  const read = ({ name, sizeBytes }: IndexFile): Promise<ReadIndex> =>
    readIndexObject(context, name).then(
      (opened) => ({ name, sizeBytes, opened, error: null }),
      (error: unknown) => ({ name, sizeBytes, opened: null, error }),
    );
  yield* inOrder(files, read, {
    ...{ atOnce: READS_AT_ONCE, bytesAtOnce: BYTES_AT_ONCE, sizeOf: ({ sizeBytes }) => sizeBytes },
  });
}

/** Reads one index object. Throws `object_damaged`, `key_wrong` or `object_missing` naming it. */
async function readIndexObject(context: RepositoryContext, name: string): Promise<OpenedIndex> {
  const bytes = await context.storage.get(name);
  const { keys } = context;
  try {
    if (createHash('sha256').update(bytes).digest('hex') !== leafOf(name)) {
      throw new HoldfastError('object_damaged', 'its name is not the SHA-256 of its bytes');
    }
    const masterKeyOf = (epoch: number) => keys.masterKey(epoch);
    const opened = openObject({ bytes, type: 'index', repositoryId: keys.repositoryId, masterKeyOf });
    return { packs: decodeIndex(opened.payload), epoch: opened.epoch };
  } catch (error) {
    throw named(error, name);
  }
}
