import type { ChunkIndex } from './chunk-index.ts';

/** Which chunks of an index a backup depends on: one bit each. Grows with the index. */
export interface UsedChunks {
  add(chunkNumber: number): void;
  /** The packs they and their bases lie in, SHA-256 in hex. Call it when nothing is only claimed any more. */
  packs(): Set<string>;
}

export function usedChunks(index: ChunkIndex): UsedChunks {
  let bits = new Uint8Array(Math.max(1024, (index.count >> 3) + 1));
  return {
    add(chunkNumber) {
      const at = chunkNumber >> 3;
      if (at >= bits.length) {
        const next = new Uint8Array(Math.max(at + 1, bits.length * 2));
        next.set(bits);
        bits = next;
      }
      bits[at]! |= 1 << (chunkNumber & 7);
    },
    packs() {
      const found = new Set<string>();
      for (let number = 0; number < index.count; number += 1) {
        if ((bits[number >> 3]! & (1 << (number & 7))) === 0) continue;
        for (const needed of [number, ...index.basesOf(number)]) {
          const pack = index.packOf(needed);
          if (pack !== null) found.add(pack);
        }
      }
      return found;
    },
  };
}
