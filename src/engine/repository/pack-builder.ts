import { createHash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { newHeader } from '../crypto/object-header.ts';
import { packSealer } from '../crypto/pack-cipher.ts';
import { FOOTER_BYTES, FOOTER_MAGIC } from './pack-reader.ts';
import { ENCODINGS, encodeTable, MAX_BLOCK_BYTES, MAX_CHUNKS_OF_BLOCK, type TableBlock } from './pack-toc.ts';

/** Several chunks share a block, since zstd does better on more: docs/decisions/0001-blocks-in-packs.md. */
const BLOCK_BYTES = 256 * 1024;
const PACK_BYTES = 16 * 2 ** 20;
/** The last block may overshoot. */
const CAPACITY = PACK_BYTES + MAX_BLOCK_BYTES + 2 ** 20;
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export interface BuiltPack {
  /** SHA-256 of the bytes, hex. */
  readonly pack: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly table: Buffer;
}

export interface PackBuilder {
  /** Adds a chunk, copying it. Returns a finished pack when this one is full. */
  add(id: Buffer, bytes: Uint8Array): BuiltPack | null;
  /** What is left, or null when nothing is. */
  finish(): BuiltPack | null;
  /** Gives the memory of a stored pack back: waiting for the garbage collector would pile packs up. */
  recycle(memory: ArrayBuffer): void;
}

/** Builds packs of one writer, one after the other. `keyOf` gives the master key of the current epoch. */
export function packBuilder(input: {
  readonly epoch: number;
  readonly masterKey: Uint8Array;
  readonly repositoryId: Uint8Array;
}): PackBuilder {
  const plain = Buffer.alloc(MAX_BLOCK_BYTES);
  let plainBytes = 0;
  let chunks: { id: Buffer; lengthBytes: number }[] = [];
  let pack: ReturnType<typeof emptyPack> | null = null;
  const spare: ArrayBuffer[] = [];

  const closeBlock = () => {
    if (chunks.length === 0) return;
    pack ??= emptyPack(input, spare.pop() ?? new ArrayBuffer(CAPACITY));
    pack.append(plain.subarray(0, plainBytes), chunks);
    chunks = [];
    plainBytes = 0;
  };
  const closePack = (): BuiltPack | null => {
    closeBlock();
    const built = pack?.close() ?? null;
    pack = null;
    return built;
  };
  return {
    add(id, bytes) {
      const isFull = plainBytes + bytes.length > BLOCK_BYTES || chunks.length === MAX_CHUNKS_OF_BLOCK;
      if (isFull) closeBlock();
      plain.set(bytes, plainBytes);
      plainBytes += bytes.length;
      chunks.push({ id: Buffer.from(id), lengthBytes: bytes.length });
      if (plainBytes >= BLOCK_BYTES) closeBlock();
      return pack !== null && pack.sizeBytes() >= PACK_BYTES ? closePack() : null;
    },
    finish: closePack,
    recycle(memory) {
      if (memory.byteLength === CAPACITY) spare.push(memory);
    },
  };
}

function emptyPack(input: Parameters<typeof packBuilder>[0], memory: ArrayBuffer) {
  const { header, key } = newHeader({ type: 'pack', ...input });
  const sealer = packSealer({ key, header });
  const bytes = Buffer.from(memory);
  const blocks: TableBlock[] = [];
  let at = header.copy(bytes, 0);
  return {
    sizeBytes: () => at,
    append(plain: Buffer, chunks: TableBlock['chunks']): void {
      const packed = zstdCompressSync(plain, COMPRESSION);
      const isSmaller = packed.length < plain.length;
      const record = Buffer.allocUnsafe(1 + (isSmaller ? packed : plain).length);
      const encoding = isSmaller ? ENCODINGS.zstd : ENCODINGS.raw;
      record[0] = encoding;
      record.set(isSmaller ? packed : plain, 1);
      const stored = sealer.sealBlock(record);
      at += stored.copy(bytes, at);
      blocks.push({ storedBytes: stored.length, plainBytes: plain.length, encoding, baseId: null, chunks });
    },
    close(): BuiltPack {
      const table = encodeTable(blocks);
      const sealed = sealer.sealTable(table);
      const footer = Buffer.alloc(FOOTER_BYTES);
      footer.writeUInt32LE(sealed.length, 0);
      FOOTER_MAGIC.copy(footer, 4);
      const sizeBytes = at + sealed.length + FOOTER_BYTES;
      const whole = sizeBytes <= CAPACITY ? bytes.subarray(0, sizeBytes) : Buffer.alloc(sizeBytes);
      if (sizeBytes > CAPACITY) bytes.copy(whole, 0, 0, at);
      sealed.copy(whole, at);
      footer.copy(whole, at + sealed.length);
      key.fill(0);
      const pack = createHash('sha256').update(whole).digest('hex');
      return { pack, bytes: whole as Uint8Array<ArrayBuffer>, table };
    },
  };
}
