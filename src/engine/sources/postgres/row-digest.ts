/**
 * SHA-256 and row count of COPY text that comes in small pieces: pg_dump frames every row by itself. The pieces are
 * gathered first, since one update of a hash costs as much as hashing two kilobytes.
 */
import { createHash } from 'node:crypto';

/** What pg_dump writes behind the last row; it is no part of the data. */
export const COPY_TERMINATOR = Buffer.from('\\.\n\n\n');

const CAPACITY_BYTES = 1 << 17;
/** Held back at every flush, so that the terminator is still at hand at the end. A multiple of 4, above 5. */
const HELD_BACK_BYTES = 8;
/** Below this, copying byte by byte is faster than a native call (measured). */
const SMALL_PIECE_BYTES = 40;

export interface RowDigest {
  append(bytes: Uint8Array, start: number, end: number): void;
  /** `rows` counts lines; `terminated` tells whether pg_dump's end marker was there. Once only. */
  finish(): { sha256: string; rows: number; terminated: boolean };
}

/** `onBytes`, when given, gets the same bytes without the terminator, in large pieces that are valid during the call. */
export function rowDigest(onBytes?: (bytes: Buffer) => void): RowDigest {
  const hash = createHash('sha256');
  const buffer = Buffer.from(new ArrayBuffer(CAPACITY_BYTES));
  const words = new Int32Array(buffer.buffer);
  let used = 0;
  let rows = 0;

  function flush(): void {
    const ready = used - HELD_BACK_BYTES;
    const bytes = buffer.subarray(0, ready);
    hash.update(bytes);
    rows += newlinesInWords(words, ready >> 2);
    onBytes?.(bytes);
    buffer.copyWithin(0, ready, used);
    used = HELD_BACK_BYTES;
  }

  return {
    append(bytes, start, end) {
      let at = start;
      if (end - at < SMALL_PIECE_BYTES && used + end - at <= CAPACITY_BYTES) {
        while (at < end) buffer[used++] = bytes[at++]!;
        return;
      }
      while (at < end) {
        if (used === CAPACITY_BYTES) flush();
        const count = Math.min(end - at, CAPACITY_BYTES - used);
        (bytes as Buffer).copy(buffer, used, at, at + count);
        used += count;
        at += count;
      }
    },
    finish() {
      const terminated = buffer
        .subarray(Math.max(0, used - COPY_TERMINATOR.length), used)
        .equals(COPY_TERMINATOR);
      const rest = buffer.subarray(0, terminated ? used - COPY_TERMINATOR.length : used);
      for (const byte of rest) if (byte === 0x0a) rows += 1;
      if (rest.length > 0) onBytes?.(rest);
      return { sha256: hash.update(rest).digest('hex'), rows, terminated };
    },
  };
}

/** Counts bytes 0x0a four at a time: the same speed for short rows and long ones. */
function newlinesInWords(words: Int32Array, count: number): number {
  let found = 0;
  for (let i = 0; i < count; i += 1) {
    const x = words[i]! ^ 0x0a0a0a0a;
    if (((x - 0x01010101) & ~x & 0x80808080) === 0) continue;
    // Exact from here on: the high bit of each byte tells whether it is zero.
    const zero = ~(((x & 0x7f7f7f7f) + 0x7f7f7f7f) | x | 0x7f7f7f7f);
    found += ((zero >>> 7) & 1) + ((zero >>> 15) & 1) + ((zero >>> 23) & 1) + (zero >>> 31);
  }
  return found;
}
