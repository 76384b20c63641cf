/** The body of an index object. Layout: docs/format.md section 5. */
import { HoldfastError } from '../base/errors.ts';
import { decodeTable } from './pack-toc.ts';

/** A pack as an index lists it. */
export interface ListedPack {
  /** SHA-256 of its bytes, hex. */
  readonly pack: string;
  readonly sizeBytes: number;
  /** Its table of contents, see `decodeTable`. */
  readonly table: Buffer;
}

const HEAD_BYTES = 44;

export function encodeIndex(packs: readonly ListedPack[]): Buffer {
  return Buffer.concat(
    packs.flatMap(({ pack, sizeBytes, table }) => {
      const head = Buffer.alloc(HEAD_BYTES);
      head.write(pack, 0, 'hex');
      head.writeBigUInt64LE(BigInt(sizeBytes), 32);
      head.writeUInt32LE(table.length, 40);
      return [head, table];
    }),
  );
}

/** Throws `object_damaged`, `repository_newer`. */
export function decodeIndex(payload: Buffer): ListedPack[] {
  const packs: ListedPack[] = [];
  for (let at = 0; at < payload.length; ) {
    if (at + HEAD_BYTES > payload.length) throw damaged();
    const pack = payload.toString('hex', at, at + 32);
    const sizeBytes = Number(payload.readBigUInt64LE(at + 32));
    const end = at + HEAD_BYTES + payload.readUInt32LE(at + 40);
    if (end > payload.length) throw damaged();
    const table = payload.subarray(at + HEAD_BYTES, end);
    for (const _ of decodeTable(table));
    packs.push({ pack, sizeBytes, table });
    at = end;
  }
  return packs;
}

function damaged(): HoldfastError {
  return new HoldfastError('object_damaged', 'the index does not add up');
}
