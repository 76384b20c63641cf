/**
 * Which chunks of a previous content lie where a new chunk begins and ends. A chunk that did not change tells the place
 * exactly. Where every chunk changed, borders do: most are cut at the same bytes as before, and their marks say so.
 */
import type { ChunkIndex } from './chunk-index.ts';
import { MAX_DICTIONARY_BYTES } from './delta-codec.ts';
import { MAX_BASES } from './pack-toc.ts';

/** The chunks of a content in order, in flat memory. */
export interface PreviousChunks {
  /** Numbers in the index; `UNKNOWN_CHUNK` for one that it does not have. */
  readonly numbers: Uint32Array;
  readonly lengths: Uint32Array;
  /** Of their last borders, see `markOf`. */
  readonly marks: Uint16Array;
}

/** Chunks of the new content that follow each other. */
export interface NewChunks {
  readonly lengths: ArrayLike<number>;
  readonly marks: ArrayLike<number>;
}

export const UNKNOWN_CHUNK = 0xffffffff;

export interface Alignment {
  /** The next chunk of the new content is stored already. */
  known(chunkNumber: number, lengthBytes: number): void;
  /**
   * The next chunk, number `i` of `next`, is new: what to compress it against, as numbers of full chunks; none when
   * nothing is near.
   */
  basesOf(next: NewChunks, i: number): readonly number[];
}

/** How far ahead a known chunk is looked for, and how far back. */
const SEARCH_CHUNKS = 65_536;
const SEARCH_BACK = 64;
/** An old chunk that shares less of itself or of the new one is no help. */
const MIN_SHARE = 1 / 16;
/** A difference of a shorter chunk saves nothing. */
const MIN_CHUNK_BYTES = 1024;
/** A border with the same mark is the same border when it is as near as this, or this share of the chunk. */
const NEAR_BYTES = 4096;
const NEAR_SHARE = 1 / 8;
/** One further away, up to `reach`, must be followed by another that fits. */
const FAR_BYTES = 256 * 1024;
const MAX_FAR_BYTES = 64 * 2 ** 20;
const AHEAD = 6;

export function alignWith(index: ChunkIndex, { numbers, lengths, marks }: PreviousChunks): Alignment {
  /** The old chunk looked at and where it begins. */
  let at = 0;
  let start = 0;
  /** Where the next new byte belongs, and whether that is known or only likely. */
  let expected = 0;
  let isSure = true;
  let reach = FAR_BYTES;

  const moveTo = (next: number) => {
    for (; at < next; at += 1) start += lengths[at]!;
    for (; at > next; at -= 1) start -= lengths[at - 1]!;
  };
  const seek = (position: number) => {
    while (at > 0 && start > position) moveTo(at - 1);
    while (at < numbers.length && start + lengths[at]! <= position) moveTo(at + 1);
  };
  /** Distance from `position` to the nearest old border of that mark within `limit`; null when there is none. */
  const distanceTo = (position: number, mark: number, limit: number): number | null => {
    seek(Math.max(0, position - limit));
    let best: number | null = null;
    for (let i = at, border = start; i < numbers.length && border <= position + limit; i += 1) {
      border += lengths[i]!;
      const distance = border - position;
      const isNearer = best === null || Math.abs(distance) < Math.abs(best);
      if (marks[i] === mark && Math.abs(distance) <= limit && isNearer) best = distance;
    }
    return best;
  };
  const nearOf = (lengthBytes: number) => Math.max(NEAR_BYTES, lengthBytes * NEAR_SHARE);
  /** True when one of the borders to come is an old one, if new chunk `i` ends at the old border `border`. */
  const isFollowed = (border: number, { lengths: ahead, marks: wanted }: NewChunks, i: number): boolean => {
    let position = border;
    for (let next = i + 1; next < Math.min(ahead.length, i + AHEAD); next += 1) {
      position += ahead[next]!;
      if (distanceTo(position, wanted[next]!, nearOf(position - border)) !== null) return true;
    }
    return false;
  };
  /** The old border at which the next new chunk ends; null when it cannot be told. */
  const endOf = (next: NewChunks, i: number): number | null => {
    const lengthBytes = next.lengths[i]!;
    const end = expected + lengthBytes;
    const near = distanceTo(end, next.marks[i]!, nearOf(lengthBytes));
    if (near !== null) return end + near;
    const far = isSure ? null : distanceTo(end, next.marks[i]!, reach);
    return far !== null && isFollowed(end + far, next, i) ? end + far : null;
  };
  /** Old chunks in a range, those that share most with it first. */
  const within = (from: number, to: number): number[] => {
    const found: { readonly number: number; readonly shared: number }[] = [];
    seek(from);
    for (let i = at, old = start; i < numbers.length && old < to; old += lengths[i]!, i += 1) {
      const shared = Math.min(to, old + lengths[i]!) - Math.max(from, old);
      const isHelp = shared >= Math.min(to - from, lengths[i]!) * MIN_SHARE;
      if (numbers[i] !== UNKNOWN_CHUNK && isHelp) found.push({ number: numbers[i]!, shared });
    }
    return found.sort((a, b) => b.shared - a.shared).map(({ number }) => number);
  };
  /** Full chunks instead of differences, as many as may be joined. */
  const fullChunks = (chunks: readonly number[]): number[] => {
    const bases = new Set<number>();
    let joinedBytes = 0;
    for (const chunk of chunks) {
      const own = index.basesOf(chunk);
      for (const base of own.length > 0 ? own : [chunk]) {
        const bytes = index.lengthOf(base);
        const hasRoom = bases.size < MAX_BASES && joinedBytes + bytes <= MAX_DICTIONARY_BYTES;
        if (bytes === 0 || bases.has(base) || !hasRoom) continue;
        bases.add(base);
        joinedBytes += bytes;
      }
    }
    return [...bases];
  };
  return {
    known(chunk, lengthBytes) {
      seek(expected);
      if (numbers[at] !== chunk) {
        const from = Math.max(0, at - SEARCH_BACK);
        const found = numbers.subarray(from, at + SEARCH_CHUNKS).indexOf(chunk);
        if (found < 0) {
          expected += lengthBytes;
          return;
        }
        moveTo(from + found);
      }
      expected = start + lengthBytes;
      isSure = true;
    },
    basesOf(next, i) {
      const lengthBytes = next.lengths[i]!;
      const end = endOf(next, i);
      const slack = isSure || end !== null ? 0 : lengthBytes;
      const from = end !== null && !isSure ? end - lengthBytes : expected;
      const to = end ?? expected + lengthBytes;
      const chunks = lengthBytes < MIN_CHUNK_BYTES ? [] : within(Math.max(0, from - slack), to + slack);
      expected = to;
      reach = end === null ? Math.min(2 * reach, MAX_FAR_BYTES) : FAR_BYTES;
      isSure = end !== null;
      return fullChunks(chunks);
    },
  };
}
