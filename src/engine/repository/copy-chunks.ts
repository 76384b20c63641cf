import type { Bitset } from './bitset.ts';
import { frameOf } from './block-codec.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { newChunkIndex } from './chunk-index.ts';
import { openChunkReader } from './chunk-reader.ts';
import { openChunkWriter } from './chunk-writer.ts';
import { addSoundPacks } from './load-index.ts';
import { decodeTable } from './pack-toc.ts';
import type { RepositoryContext } from './repository-context.ts';
import { scanPacks } from './scan-packs.ts';

/** The largest chunk there is: with it as fixed size, a chunk is cut where it ended before and nowhere else. */
const MAX_CHUNK_BYTES = 4 * 2 ** 20;

export interface CopyInput {
  readonly context: RepositoryContext;
  /** Places to read from. */
  readonly index: ChunkIndex;
  /** Chunks worth copying, by the numbers of `index`; all when absent. */
  readonly wanted?: Bitset;
  /** Packs to copy out of. */
  readonly from: (pack: string) => boolean;
  /** Packs whose chunks need no copy. */
  readonly keep: (pack: string) => boolean;
  /** Before each chunk: stops the work by throwing. */
  readonly beforeChunk?: () => void | Promise<void>;
}

/**
 * Copies chunks to new packs under the current epoch, each read, checked against its id and written as new;
 * differences stay what they are.
 * Chunks that a kept pack holds are not copied again, so that an interrupted copy goes on where it ended.
 * Resolves with the bytes stored.
 */
export async function copyChunks(
  input: CopyInput,
): Promise<{ storedBytes: number; packs: readonly string[] }> {
  const { context, index, wanted } = input;
  const { storage, keys } = context;
  const target = newChunkIndex();
  await addSoundPacks(context, target, (pack) => !input.keep(pack) || input.from(pack));
  const reader = openChunkReader({ storage, keys, index });
  const writer = openChunkWriter({ storage, keys, index: target });
  try {
    const stream = writer.openStream({ method: 'fixed', sizeBytes: MAX_CHUNK_BYTES });
    for await (const { pack, table } of scanPacks(context, { skip: (name) => !input.from(name) })) {
      for (const { chunks, bases } of decodeTable(table)) {
        for (const { id, lengthBytes } of chunks) {
          const number = index.find(id);
          const isHere = number >= 0 && index.packOf(number) === pack;
          if (!isHere || (wanted && !wanted.has(number))) continue;
          await input.beforeChunk?.();
          const bytes = await reader.readChunk(id);
          if (bases.length > 0) {
            const frame = frameOf(await reader.readRecord(number));
            await writer.copyDelta({ id, lengthBytes, frame, bases });
          } else {
            await stream.write(bytes);
            stream.cut();
          }
        }
      }
    }
    await stream.end();
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    await reader.close();
  }
}
