/** What the bytes of a pack prove by themselves, in whatever thread they are looked at. */
import { createHash, createHmac, type KeyObject } from 'node:crypto';
import { freeNow } from '../base/bytes.ts';
import { HoldfastError } from '../base/errors.ts';
import { HEADER_BYTES } from '../crypto/object-header.ts';
import type { PackOpener } from '../crypto/pack-cipher.ts';
import { decodeRecordNow } from './block-codec.ts';
import { FOOTER_BYTES, readFooter } from './pack-reader.ts';
import { decodeTable, type TableBlock } from './pack-toc.ts';

/** A pack as it lies in storage, and the table that the index lists for it. */
export interface PackBytes {
  /** Its name: the SHA-256 of its bytes, in hex. */
  readonly pack: string;
  readonly bytes: Buffer;
  readonly table: Buffer;
}

export interface PackBlock {
  readonly block: TableBlock;
  readonly number: number;
  readonly stored: Buffer;
  /** Where the next one begins, or what follows the last. */
  readonly endsAt: number;
}

/** Its blocks where the listed table says that they lie. */
export function* blocksOf({ bytes, table }: PackBytes): Generator<PackBlock> {
  let at = HEADER_BYTES;
  let number = 0;
  for (const block of decodeTable(table)) {
    const endsAt = at + block.storedBytes;
    yield { block, number, stored: bytes.subarray(at, endsAt), endsAt };
    at = endsAt;
    number += 1;
  }
}

/** Throws `object_damaged`. */
export function checkName({ pack, bytes }: PackBytes): void {
  if (createHash('sha256').update(bytes).digest('hex') === pack) return;
  throw new HoldfastError('object_damaged', 'its name is not the SHA-256 of its bytes');
}

/** The pack's own table must be the listed one and lie at `tableAt`, where the last block ends, up to the footer. Throws `object_damaged`. */
export function checkTable(opener: PackOpener, { bytes, table }: PackBytes, tableAt: number): void {
  const end = bytes.length - FOOTER_BYTES;
  const tableBytes = readFooter(bytes.subarray(Math.max(0, end)), bytes.length);
  if (tableAt + tableBytes !== end)
    throw new HoldfastError('object_damaged', 'its table does not lie where its blocks end');
  if (opener.openTable(bytes.subarray(end - tableBytes, end)).equals(table)) return;
  throw new HoldfastError('object_damaged', 'its table is not the one the index lists');
}

/** Ids of the chunks that a block does not give back. `dictionary` is what a difference is decoded with, null for any other. */
export function badChunksOf(
  opener: PackOpener,
  idKey: KeyObject,
  { block, number, stored }: PackBlock,
  dictionary: Buffer | null,
): readonly Buffer[] {
  try {
    const plain = decodeRecordNow(opener.openBlock(number, stored), block.plainBytes, dictionary);
    let at = 0;
    const bad = block.chunks.filter(({ id, lengthBytes }) => {
      const chunk = plain.subarray(at, at + lengthBytes);
      at += lengthBytes;
      return !createHmac('sha256', idKey).update(chunk).digest().equals(id);
    });
    freeNow(plain);
    return bad.map(({ id }) => id);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return block.chunks.map(({ id }) => id);
  }
}
