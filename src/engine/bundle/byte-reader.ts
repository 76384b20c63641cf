import { malformed } from './limits.ts';

export interface ByteReader {
  /** Exactly `count` bytes. Throws `bundle_malformed` when the stream ends before. */
  exactly(count: number): Buffer | Promise<Buffer>;
  /** Between 1 and `max` bytes, whatever is at hand. Throws as `exactly`. */
  some(max: number): Promise<Buffer>;
  /** True when the stream has ended. */
  atEnd(): Promise<boolean>;
  /** Releases the source. */
  close(): Promise<void>;
}

/**
 * Reads a stream in pieces of the reader's choosing, holding one part of it. Pieces are views of that part. What is
 * at hand is given without a promise: a tar of millions of entries would drown in them.
 */
export function byteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  let part: Buffer = Buffer.alloc(0);
  let at = 0;
  const atEnd = async () => {
    while (at === part.length) {
      const next = await iterator.next();
      if (next.done) return true;
      part = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      at = 0;
    }
    return false;
  };
  const some = async (max: number) => {
    if (at === part.length && (await atEnd())) throw malformed('ends too early');
    const bytes = part.subarray(at, at + max);
    at += bytes.length;
    return bytes;
  };
  const gather = async (count: number) => {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; left -= parts.at(-1)!.length) parts.push(await some(left));
    return Buffer.concat(parts);
  };
  return {
    some,
    atEnd,
    exactly(count) {
      if (part.length - at < count) return gather(count);
      at += count;
      return part.subarray(at - count, at);
    },
    async close() {
      await iterator.return?.();
    },
  };
}
