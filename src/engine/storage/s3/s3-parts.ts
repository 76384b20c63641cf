import type { PutContent } from '../port.ts';
import { partsOf } from '../put-content.ts';

/** Whole content up to this size goes in one request, from where it lies. Packs do. */
export const ONE_REQUEST_BYTES = 64 * 2 ** 20;

const MIB = 2 ** 20;

/**
 * How large the n-th part is. S3 allows 10,000 parts, so later ones must be larger for a stream of unknown length:
 * 2,000 of 16 MiB and 8,000 of 64 MiB are 543 GB, held two or three at a time.
 */
export function partBytes(index: number, firstBytes: number = 16 * MIB): number {
  return index < 2000 ? firstBytes : Math.max(64 * MIB, firstBytes);
}

/** The content when it is at hand and fits one request, without a copy where it is one piece; else null. */
export function atHand(content: PutContent): Buffer | null {
  if (content instanceof Uint8Array) {
    const { buffer, byteOffset, byteLength } = content;
    return byteLength <= ONE_REQUEST_BYTES ? Buffer.from(buffer, byteOffset, byteLength) : null;
  }
  if (!Array.isArray(content)) return null;
  const parts = content as readonly Uint8Array[];
  const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
  return sizeBytes <= ONE_REQUEST_BYTES ? Buffer.concat(parts, sizeBytes) : null;
}

/** The content in buffers of `partBytes`, the last one shorter; nothing for empty content. Each is a copy. */
export async function* partsToSend(
  content: PutContent,
  sizeOf: (index: number) => number = (index) => partBytes(index),
): AsyncGenerator<Buffer> {
  let index = 0;
  let buffer = Buffer.allocUnsafeSlow(sizeOf(0));
  let filled = 0;
  for await (const part of partsOf(content)) {
    for (let at = 0; at < part.length; ) {
      const taken = Math.min(part.length - at, buffer.length - filled);
      buffer.set(part.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < buffer.length) continue;
      yield buffer;
      index += 1;
      buffer = Buffer.allocUnsafeSlow(sizeOf(index));
      filled = 0;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}
