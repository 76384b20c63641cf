import { HoldfastError } from '../base/errors.ts';
import type { Content, TreeEntry } from '../sources/port.ts';
import { treeRecords } from './tree-decoder.ts';
import { type ChunkSource, type OnChunk, walkContent } from './walk-content.ts';
import type { WalkMemo } from './walk-memo.ts';

/** Told from lists by a depth no list has. */
const TREE_DEPTH = 0;

/**
 * Meets every chunk of a tree's records, and every entry in tree order; with a `memo`, not the entries in chunks of records it
 * knows. Gives the bytes of the tree's files. Throws what reading throws, and `object_damaged` for records that are none.
 */
export async function walkTree(
  source: ChunkSource,
  content: Content,
  walk: {
    readonly onChunk: OnChunk;
    readonly onEntry: (entry: TreeEntry) => void | Promise<void>;
    readonly memo: WalkMemo;
  },
): Promise<number> {
  const { onChunk, onEntry, memo } = walk;
  const records = treeRecords();
  let treeBytes = 0;
  const walkChunk = async (id: Buffer, lengthBytes: number): Promise<number> => {
    const before = records.state();
    const known = memo.find(id, TREE_DEPTH, before);
    if (known) {
      records.resume(known.state);
      return known.sizeBytes;
    }
    const flawsBefore = memo.flaws();
    const chunk = await source.readChunk(id);
    if (chunk.length !== lengthBytes) {
      throw new HoldfastError('object_damaged', `chunk ${id.toString('hex')} has another length than stated`);
    }
    let sizeBytes = 0;
    for (const entry of records.push(chunk)) {
      if (entry.hardLinkTo === null) sizeBytes += entry.sizeBytes;
      const pending = onEntry(entry);
      if (pending) await pending;
    }
    memo.keep(id, TREE_DEPTH, before, { sizeBytes, state: records.state() }, flawsBefore);
    return sizeBytes;
  };
  await walkContent(source, content, onChunk, memo);
  for await (const { id, lengthBytes } of source.refs(content)) treeBytes += await walkChunk(id, lengthBytes);
  records.end();
  return treeBytes;
}
