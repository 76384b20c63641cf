import { malformed } from './limits.ts';

export interface ByteReader {
  /** Exactly `count` bytes. Throws `bundle_malformed` when the stream ends before. */
  exactly(count: number): Promise<Buffer>;
  /** Between 1 and `max` bytes, whatever is at hand. Throws as `exactly`. */
  some(max: number): Promise<Buffer>;
  /** True when the stream has ended. */
  atEnd(): Promise<boolean>;
  /** Releases the source. */
  close(): Promise<void>;
}

/** Reads a stream in pieces of the reader's choosing, holding one part of it. */
export function byteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  let part: Buffer = Buffer.alloc(0);
  const atEnd = async () => {
    while (part.length === 0) {
      const next = await iterator.next();
      if (next.done) return true;
      part = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    return false;
  };
  const some = async (max: number) => {
    if (part.length === 0 && (await atEnd())) throw malformed('ends too early');
    const bytes = part.subarray(0, max);
    part = part.subarray(bytes.length);
    return bytes;
  };
  return {
    some,
    atEnd,
    async exactly(count) {
      const parts: Buffer[] = [];
      for (let left = count; left > 0; left -= parts.at(-1)!.length) parts.push(await some(left));
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    },
    async close() {
      await iterator.return?.();
    },
  };
}
