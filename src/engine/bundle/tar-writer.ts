import { HoldfastError } from '../base/errors.ts';
import { type BundleItem, contentBytes, printablePath } from './bundle-item.ts';
import { encodeSparseMap } from './sparse-map.ts';
import { BLOCK_BYTES, paddingOf } from './tar-block.ts';
import { encodeTarHeader } from './tar-header.ts';

/** The end of a tar. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);

/**
 * One item as tar bytes. Throws `source_failed` when its content has not exactly the bytes the item says: the
 * size stands before the content, so that is known too late to mend.
 */
export async function* tarBytes(item: BundleItem): AsyncGenerator<Uint8Array> {
  const expected = item.kind === 'file' ? contentBytes(item) : 0;
  const map = item.extents ? encodeSparseMap(item.extents, item.sizeBytes) : null;
  const stored = expected + (map?.length ?? 0);
  yield encodeTarHeader(item, stored);
  if (map) yield map;
  let written = 0;
  if (item.content && item.kind === 'file') {
    for await (const part of item.content) {
      written += part.length;
      if (written > expected) break;
      yield part;
    }
  }
  if (written !== expected) {
    const path = printablePath(item.path);
    throw new HoldfastError('source_failed', `content of "${path}" is not the ${expected} bytes it said`);
  }
  if (paddingOf(stored) > 0) yield Buffer.alloc(paddingOf(stored));
}
