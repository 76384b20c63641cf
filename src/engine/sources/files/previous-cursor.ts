import { compareTreePaths } from '../../base/tree-order.ts';
import type { TreeEntry } from '../port.ts';

/** Reads the previous backup's entries alongside a walk in the same order. */
export interface PreviousCursor {
  /** The entry of this very path, or null. Paths asked for must ascend. */
  find(path: Buffer): TreeEntry | null | Promise<TreeEntry | null>;
  close(): Promise<void>;
}

export function previousCursor(previous: AsyncIterable<TreeEntry> | null): PreviousCursor {
  const iterator = previous?.[Symbol.asyncIterator]();
  let pending: TreeEntry | null = null;
  let ended = iterator === undefined;

  const advanceTo = async (path: Buffer): Promise<TreeEntry | null> => {
    for (;;) {
      const { value, done } = await iterator!.next();
      if (done === true) {
        ended = true;
        pending = null;
        return null;
      }
      pending = value;
      const order = compareTreePaths(value.path, path);
      if (order >= 0) return order === 0 ? value : null;
    }
  };

  return {
    find(path) {
      if (ended) return null;
      if (pending === null) return advanceTo(path);
      const order = compareTreePaths(pending.path, path);
      if (order < 0) return advanceTo(path);
      return order === 0 ? pending : null;
    },
    async close() {
      if (!ended) await iterator?.return?.();
    },
  };
}
