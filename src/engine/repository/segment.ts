import type { Content } from '../sources/port.ts';
import { REF_BYTES, writeRef } from './refs.ts';

/** References a content holds itself; with more, it becomes a list of lists (docs/format.md section 6). */
const MAX_REFS = 256;

/** Where the references of a long content go. */
export interface ListStream {
  write(bytes: Uint8Array): void | Promise<void>;
  end(): Promise<{ content: Content }>;
}

/** The content that is being put together from references as they come. */
export interface Segment {
  add(id: Uint8Array, at: number, lengthBytes: number, mark: number): void;
  /** Settles once its lists are stored. */
  close(): Content | Promise<Content>;
}

/** `openList` is called when the references do not fit any more. */
export function newSegment(openList: () => ListStream): Segment {
  let refs = Buffer.allocUnsafe(REF_BYTES);
  let used = 0;
  let sizeBytes = 0;
  let list: ListStream | null = null;
  let written: Promise<void> = Promise.resolve();

  const spill = () => {
    const bytes = refs.subarray(0, used);
    refs = Buffer.allocUnsafe(MAX_REFS * REF_BYTES);
    used = 0;
    const target = list!;
    written = written.then(() => target.write(bytes));
    // Reported by close; here it only must not count as unhandled.
    written.catch(() => {});
  };
  return {
    add(id, at, lengthBytes, mark) {
      if (used === MAX_REFS * REF_BYTES) {
        list ??= openList();
        spill();
      } else if (used === refs.length) {
        const next = Buffer.allocUnsafe(Math.min(refs.length * 4, MAX_REFS * REF_BYTES));
        refs.copy(next, 0, 0, used);
        refs = next;
      }
      writeRef(refs, used, id.subarray(at, at + 32), lengthBytes, mark);
      used += REF_BYTES;
      sizeBytes += lengthBytes;
    },
    close() {
      if (list === null) return { sizeBytes, depth: 0, refs: refs.subarray(0, used) };
      const target = list;
      spill();
      return written
        .then(() => target.end())
        .then(({ content }) => ({ sizeBytes, depth: content.depth + 1, refs: content.refs }));
    },
  };
}
