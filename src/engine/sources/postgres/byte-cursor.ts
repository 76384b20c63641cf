/**
 * Bytes that arrive in pieces of any size, read by a generator that yields whenever it needs more. Nothing is ever
 * parsed twice, so a slow trickle costs no more than one large piece.
 */
export interface ByteCursor {
  append(bytes: Uint8Array): void;
  /** Gives `count` bytes; valid until the next append. Yields until they are there. */
  take(count: number): Generator<void, Buffer>;
  /** How many bytes were taken since the start. */
  taken(): number;
  /** What was appended and not taken. */
  rest(): Buffer;
}

const FIRST_CAPACITY_BYTES = 1 << 16;

export function byteCursor(): ByteCursor {
  let buffer = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES);
  let start = 0;
  let end = 0;
  let before = 0;

  function makeRoom(count: number): void {
    if (end + count <= buffer.length) return;
    const held = end - start;
    // Moving only into at least twice the space keeps the copying linear in what arrives.
    const target =
      2 * (held + count) <= buffer.length
        ? buffer
        : Buffer.allocUnsafe(Math.max(buffer.length, 2 * (held + count)));
    buffer.copy(target, 0, start, end);
    buffer = target;
    before += start;
    start = 0;
    end = held;
  }

  return {
    append(bytes) {
      makeRoom(bytes.length);
      buffer.set(bytes, end);
      end += bytes.length;
    },
    *take(count) {
      while (end - start < count) yield;
      start += count;
      return buffer.subarray(start - count, start);
    },
    taken: () => before + start,
    rest: () => buffer.subarray(start, end),
  };
}
