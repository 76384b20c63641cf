/** Decoded blocks by number, the least recently used going first once they exceed `maxBytes`. */
export interface BlockCache {
  get(block: number): Buffer | undefined;
  set(block: number, bytes: Buffer): void;
  clear(): void;
}

export function blockCache(maxBytes: number): BlockCache {
  const blocks = new Map<number, Buffer>();
  let held = 0;
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
      for (const [oldest, old] of blocks) {
        if (held <= maxBytes || oldest === block) return;
        blocks.delete(oldest);
        held -= old.length;
      }
    },
    clear() {
      blocks.clear();
      held = 0;
    },
  };
}
