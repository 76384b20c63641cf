import { freeNow } from '../base/bytes.ts';

/** Decoded blocks by number, the least recently used going first once they exceed `maxBytes`. */
export interface BlockCache {
  get(block: number): Buffer | undefined;
  set(block: number, bytes: Buffer): void;
  /** Keeps blocks, there or to come, until the function given back is called; again does nothing. */
  pin(blocks: readonly number[]): () => void;
  isPinned(block: number): boolean;
  /** Views of this block may outlive it here: its memory is left to the garbage collector. */
  lend(block: number): void;
  clear(): void;
}

/**
 * Blocks nobody was lent give their memory back when they go: left to the garbage collector, a long read keeps it busy
 * for longer than decoding takes.
 */
export function blockCache(maxBytes: number): BlockCache {
  const blocks = new Map<number, Buffer>();
  const pins = new Map<number, number>();
  const lent = new Set<number>();
  let held = 0;

  const drop = (block: number, bytes: Buffer) => {
    blocks.delete(block);
    held -= bytes.length;
    if (!lent.delete(block)) freeNow(bytes);
  };
  const shrink = (latest: number) => {
    if (held <= maxBytes) return;
    for (const [block, bytes] of blocks) {
      if (block !== latest && !pins.has(block)) drop(block, bytes);
      if (held <= maxBytes) return;
    }
  };
  return {
    get(block) {
      const found = blocks.get(block);
      if (found) {
        blocks.delete(block);
        blocks.set(block, found);
      }
      return found;
    },
    set(block, bytes) {
      held += bytes.length - (blocks.get(block)?.length ?? 0);
      blocks.set(block, bytes);
      shrink(block);
    },
    pin(numbers) {
      for (const block of numbers) pins.set(block, (pins.get(block) ?? 0) + 1);
      let isPinned = true;
      return () => {
        if (!isPinned) return;
        isPinned = false;
        for (const block of numbers) {
          const left = pins.get(block)! - 1;
          if (left > 0) pins.set(block, left);
          else pins.delete(block);
        }
      };
    },
    isPinned: (block) => pins.has(block),
    lend(block) {
      if (blocks.has(block)) lent.add(block);
    },
    clear() {
      blocks.clear();
      lent.clear();
      held = 0;
    },
  };
}
