import { type ChunkIndex, newChunkIndex } from './chunk-index.ts';
import type { RepositoryContext } from './repository-context.ts';
import { type ScanOptions, scanPacks } from './scan-packs.ts';
import { tombstonedPacks } from './tombstones.ts';

/** See `Repository.loadIndex`. */
export async function loadIndex(
  context: RepositoryContext,
  options: { readonly forReading?: boolean } = {},
): Promise<ChunkIndex> {
  const condemned = await tombstonedPacks(context);
  const index = newChunkIndex();
  await addPacks(context, index, { skip: (pack) => condemned.has(pack) });
  if (options.forReading && condemned.size > 0) {
    await addPacks(context, index, { skip: (pack) => !condemned.has(pack) });
  }
  return index;
}

/**
 * Adds what a scan finds. A chunk that is known keeps its place, so packs that shall be preferred are added first:
 * with condemned packs last, nothing counts on a pack that is about to go while another holds the chunk.
 */
export async function addPacks(
  context: RepositoryContext,
  index: ChunkIndex,
  options: ScanOptions,
): Promise<void> {
  for await (const { pack, sizeBytes, table } of scanPacks(context, options)) {
    index.addPack(pack, sizeBytes, table);
  }
}
