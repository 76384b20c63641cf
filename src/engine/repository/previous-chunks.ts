import type { Content } from '../sources/port.ts';
import { type PreviousChunks, UNKNOWN_CHUNK } from './alignment.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { ChunkReader } from './chunk-reader.ts';
import { unreadable } from './reachable.ts';
import { eachRef, type Ref } from './refs.ts';

/**
 * The chunks of a content of an earlier backup, 10 bytes each. Null when its lists cannot be read: it is only wanted to save
 * space. Throws what says nothing about the content, such as `storage_unreachable`.
 */
export async function previousChunks(
  reader: ChunkReader,
  index: ChunkIndex,
  content: Content,
): Promise<PreviousChunks | null> {
  try {
    const chunks = chunkList(index);
    for await (const ref of reader.refs(content)) chunks.add(ref);
    return chunks.take();
  } catch (error) {
    unreadable(error);
    return null;
  }
}

/** The same for a content that holds its references itself; null for one that does not. */
export function previousChunksOf(index: ChunkIndex, { depth, refs }: Content): PreviousChunks | null {
  if (depth > 0) return null;
  const chunks = chunkList(index);
  for (const ref of eachRef(refs)) chunks.add(ref);
  return chunks.take();
}

function chunkList(index: ChunkIndex) {
  let rows = new Uint32Array(FIELDS * 16);
  let count = 0;
  const column = (field: number) => Uint32Array.from({ length: count }, (_, i) => rows[FIELDS * i + field]!);
  return {
    add({ id, lengthBytes, mark }: Ref): void {
      if (FIELDS * count === rows.length) {
        const next = new Uint32Array(2 * rows.length);
        next.set(rows);
        rows = next;
      }
      const number = index.find(id);
      rows.set([number < 0 ? UNKNOWN_CHUNK : number, lengthBytes, mark], FIELDS * count);
      count += 1;
    },
    take: (): PreviousChunks => ({
      numbers: column(0),
      lengths: column(1),
      marks: Uint16Array.from(column(2)),
    }),
  };
}

const FIELDS = 3;
