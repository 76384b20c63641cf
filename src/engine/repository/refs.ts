/** References to chunks. Layout: docs/format.md section 6. */
import { crc32 } from 'node:zlib';
import { HoldfastError } from '../base/errors.ts';

export const REF_BYTES = 36;
const ID_BYTES = 32;
const LENGTH_BITS = 23;
const LENGTH_MASK = 2 ** LENGTH_BITS - 1;
const MARKS = 2 ** (32 - LENGTH_BITS) - 1;
const MARKED_BYTES = 64;

export interface Ref {
  readonly id: Buffer;
  readonly lengthBytes: number;
  /** See `markOf`; 0 when unknown. */
  readonly mark: number;
}

/**
 * Tells borders of chunks apart when their bytes changed: 1 to 511, from the last 64 bytes before the border. A hint for
 * finding the place of a chunk in an earlier content; nothing depends on it.
 */
export function markOf(chunk: Uint8Array): number {
  return 1 + (crc32(chunk.subarray(-MARKED_BYTES)) % MARKS);
}

export function writeRef(
  target: Buffer,
  at: number,
  id: Uint8Array,
  lengthBytes: number,
  mark: number,
): void {
  target.set(id, at);
  target.writeUInt32LE(((mark << LENGTH_BITS) | lengthBytes) >>> 0, at + ID_BYTES);
}

/** Bytes of the chunk that the reference at `at` is for. */
export function lengthOfRef(refs: Buffer, at: number): number {
  return refs.readUInt32LE(at + ID_BYTES) & LENGTH_MASK;
}

/** Throws `object_damaged` when the last reference is cut. */
export function checkWholeRefs(refs: Buffer): void {
  if (refs.length % REF_BYTES === 0) return;
  throw new HoldfastError('object_damaged', 'a list of references ends inside one');
}

/** The references in a buffer of whole ones. Throws `object_damaged` when the last is cut. */
export function* eachRef(refs: Buffer): Generator<Ref> {
  checkWholeRefs(refs);
  for (let at = 0; at < refs.length; at += REF_BYTES) {
    const packed = refs.readUInt32LE(at + ID_BYTES);
    yield {
      id: refs.subarray(at, at + ID_BYTES),
      lengthBytes: packed & LENGTH_MASK,
      mark: packed >>> LENGTH_BITS,
    };
  }
}
