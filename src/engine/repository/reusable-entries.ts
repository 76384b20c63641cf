import type { Content, ReadyEntries, TreeEntry } from '../sources/port.ts';
import { checkWholeRefs, REF_BYTES } from './refs.ts';

/**
 * The previous backup's entries, made ready for `TreeSink.canReuse`, which must answer at once: the contents of
 * large files are lists of lists, and their inner lists have to be read from the repository. So that is done here,
 * ahead, with `isWhole` (true when every chunk beneath is there); an entry whose content is not
 * whole is left out, which makes the source read the file again. Contents of depth 0 pass: `canReuse` looks at those itself.
 */
export function reusableEntries(
  entries: ReadyEntries,
  isWhole: (content: Content) => Promise<boolean>,
): ReadyEntries {
  const source = entries[Symbol.asyncIterator]();
  /** Taken, and to be looked at before it is given. */
  let doubtful: TreeEntry | null = null;
  const isSure = ({ content }: TreeEntry) => content === null || content.depth === 0;
  const next = async (): Promise<IteratorResult<TreeEntry, undefined>> => {
    for (;;) {
      let entry = doubtful;
      doubtful = null;
      if (entry === null) {
        const { value, done } = await source.next();
        if (done === true) return { value: undefined, done };
        entry = value;
      }
      if (isSure(entry) || (await isWhole(entry.content!))) return { value: entry, done: false };
    }
  };
  const iterator = {
    next,
    ready() {
      if (doubtful !== null) return null;
      const entry = source.ready?.() ?? null;
      if (entry === null || isSure(entry)) return entry;
      doubtful = entry;
      return null;
    },
    async return() {
      await source.return?.();
      return { value: undefined, done: true as const };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** True when every chunk that `refs` name is known. The quick check for `canReuse`. */
export function refsPresent({ refs }: Content, hasChunk: (refs: Buffer, at: number) => boolean): boolean {
  checkWholeRefs(refs);
  for (let at = 0; at < refs.length; at += REF_BYTES) if (!hasChunk(refs, at)) return false;
  return true;
}
