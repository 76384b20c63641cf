export interface Segment {
  readonly index: number;
  /** Valid until the next segment is asked for. */
  readonly bytes: Buffer;
  readonly last: boolean;
}

/**
 * Cuts a stream into segments, the first of `firstBytes`, the rest of `restBytes`; only the last may be shorter.
 * It knows the last one by looking ahead, so that a stream filling its segments exactly has no empty one behind
 * them. An empty stream is one empty last segment.
 */
export async function* inSegments(
  source: AsyncIterable<Uint8Array>,
  firstBytes: number,
  restBytes: number,
): AsyncGenerator<Segment> {
  const segment = Buffer.allocUnsafe(Math.max(firstBytes, restBytes));
  let filled = 0;
  let index = 0;
  for await (const part of source) {
    let at = 0;
    while (at < part.length) {
      const size = index === 0 ? firstBytes : restBytes;
      if (filled === size) {
        yield { index, bytes: segment.subarray(0, size), last: false };
        index += 1;
        filled = 0;
        continue;
      }
      const take = Math.min(size - filled, part.length - at);
      segment.set(part.subarray(at, at + take), filled);
      filled += take;
      at += take;
    }
  }
  yield { index, bytes: segment.subarray(0, filled), last: true };
}
