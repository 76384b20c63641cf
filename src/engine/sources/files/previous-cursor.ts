import { compareTreePaths } from '../../base/tree-order.ts';
import type { ReadyEntries, TreeEntry } from '../port.ts';

/** Reads the previous backup's entries alongside a walk in the same order. */
export interface PreviousCursor {
  /** The entry of this very path, or null. Paths asked for must ascend. */
  find(path: Buffer): TreeEntry | null | Promise<TreeEntry | null>;
  close(): Promise<void>;
}

export function previousCursor(previous: ReadyEntries | null): PreviousCursor {
  const iterator = previous?.[Symbol.asyncIterator]();
  let pending: TreeEntry | null = null;
  let ended = iterator === undefined;

  /** What can be said without waiting; undefined when more entries are needed. */
  const findReady = (path: Buffer): TreeEntry | null | undefined => {
    for (;;) {
      pending ??= iterator?.ready?.() ?? null;
      if (pending === null) return ended ? null : undefined;
      const order = compareTreePaths(pending.path, path);
      if (order >= 0) return order === 0 ? pending : null;
      pending = null;
    }
  };
  const findLater = async (path: Buffer): Promise<TreeEntry | null> => {
    for (;;) {
      const { value, done } = await iterator!.next();
      if (done === true) ended = true;
      else pending = value;
      const found = findReady(path);
      if (found !== undefined) return found;
    }
  };

  return {
    find(path) {
      const found = findReady(path);
      return found === undefined ? findLater(path) : found;
    },
    async close() {
      if (!ended) await iterator?.return?.();
    },
  };
}
