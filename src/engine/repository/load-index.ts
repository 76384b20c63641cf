import { type ChunkIndex, newChunkIndex } from './chunk-index.ts';
import type { IndexCache } from './index-cache.ts';
import type { RepositoryContext } from './repository-context.ts';
import { type ScanOptions, scanPacks } from './scan-packs.ts';
import { tombstonedPacks } from './tombstones.ts';

/** See `Repository.loadIndex`. */
export async function loadIndex(
  context: RepositoryContext,
  options: { readonly forReading?: boolean; readonly cache?: IndexCache | undefined } = {},
): Promise<ChunkIndex> {
  const { forReading, cache } = options;
  const condemned = await tombstonedPacks(context);
  const isCondemned = (pack: string) => condemned.has(pack);
  const index = newChunkIndex();
  let isDoubtful = condemned.size > 0;
  const onWrongSize = () => {
    isDoubtful = true;
  };
  await addSoundPacks(context, index, isCondemned, { onWrongSize, cache });
  if (forReading && isDoubtful) await addDoubtfulPacks(context, index, isCondemned, cache);
  return index;
}

interface SoundOptions extends Omit<ScanOptions, 'skip'> {
  /** Told of a pack that is passed over since it is not as long as the index says. */
  readonly onWrongSize?: () => void;
}

/**
 * Adds the packs that a chunk may count on: not condemned, and as long as the index says. A chunk that is known keeps
 * its place, so these come first: nothing counts on a pack that goes, or was cut, while another holds the chunk.
 */
export async function addSoundPacks(
  context: RepositoryContext,
  index: ChunkIndex,
  isCondemned: (pack: string) => boolean,
  { onWrongSize, ...options }: SoundOptions = {},
): Promise<void> {
  const skip = (pack: string, wrongSize: boolean) => {
    if (wrongSize) onWrongSize?.();
    return wrongSize || isCondemned(pack);
  };
  await addPacks(context, index, { ...options, skip });
  // A difference met before its bases may have a better place in a pack that was passed by then.
  if (index.hasLoose()) await addPacks(context, index, { cache: options.cache, skip });
}

/** Adds the others: readers take what they still give. */
export async function addDoubtfulPacks(
  context: RepositoryContext,
  index: ChunkIndex,
  isCondemned: (pack: string) => boolean,
  cache?: IndexCache,
): Promise<void> {
  const skip = (pack: string, wrongSize: boolean) => !wrongSize && !isCondemned(pack);
  await addPacks(context, index, { cache, skip });
}

async function addPacks(context: RepositoryContext, index: ChunkIndex, options: ScanOptions): Promise<void> {
  for await (const { pack, sizeBytes, table } of scanPacks(context, options)) {
    index.addPack(pack, sizeBytes, table);
  }
}
