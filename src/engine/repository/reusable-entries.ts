import type { Content, TreeEntry } from '../sources/port.ts';
import { eachRef } from './refs.ts';

/**
 * The previous backup's entries, made ready for `TreeSink.canReuse`, which must answer at once: the contents of
 * large files are lists of lists, and their inner lists have to be read from the repository. So that is done here,
 * ahead, with `isWhole` (true when every chunk beneath is there); an entry whose content is not
 * whole is left out, which makes the source read the file again. Contents of depth 0 pass: `canReuse` looks at those itself.
 */
export async function* reusableEntries(
  entries: AsyncIterable<TreeEntry>,
  isWhole: (content: Content) => Promise<boolean>,
): AsyncGenerator<TreeEntry> {
  for await (const entry of entries) {
    const { content } = entry;
    if (content === null || content.depth === 0 || (await isWhole(content))) yield entry;
  }
}

/** True when every chunk that `refs` name is known. The quick check for `canReuse`. */
export function refsPresent(content: Content, hasChunk: (id: Buffer) => boolean): boolean {
  for (const { id } of eachRef(content.refs)) if (!hasChunk(id)) return false;
  return true;
}
