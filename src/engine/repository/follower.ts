import { type Alignment, alignWith, type NewChunks, type PreviousChunks } from './alignment.ts';
import type { ChunkIndex } from './chunk-index.ts';

/** A stream that follows a content of the previous backup, so that what changed is stored as a difference. */
export interface Follower {
  /** What comes next is expected to be like this; null for nothing. */
  follow(previous: PreviousChunks | null): void;
  /** The next chunk is stored already. */
  known(chunkNumber: number, lengthBytes: number): void;
  /** See `Alignment`. */
  basesOf(next: NewChunks, i: number): readonly number[];
  /** How it went: of so many chunks with bases so many became differences. */
  tried(chunks: number, deltas: number): void;
}

/** Judged once so many were tried; where less than this share became a difference, only one chunk in so many is tried. */
const JUDGED_AFTER = 32;
const GOOD_SHARE = 1 / 8;
const PROBE_EVERY = 16;
/** Older results count half once there are so many. */
const REMEMBERED = 256;
const NONE: readonly number[] = [];

export function follower(index: ChunkIndex): Follower {
  let alignment: Alignment | null = null;
  let tried = 0;
  let made = 0;
  let skipped = 0;
  const isHopeless = () => tried >= JUDGED_AFTER && made < tried * GOOD_SHARE;
  return {
    follow(previous) {
      alignment = previous && alignWith(index, previous);
    },
    known(chunk, lengthBytes) {
      alignment?.known(chunk, lengthBytes);
    },
    basesOf(next, i) {
      const bases = alignment?.basesOf(next, i) ?? NONE;
      if (bases.length === 0 || !isHopeless()) return bases;
      skipped = (skipped + 1) % PROBE_EVERY;
      return skipped === 0 ? bases : NONE;
    },
    tried(chunks, deltas) {
      tried += chunks;
      made += deltas;
      if (tried < REMEMBERED) return;
      tried /= 2;
      made /= 2;
    },
  };
}
