/** The table of contents of a pack. Layout: docs/format.md section 4. */
import { HoldfastError } from '../base/errors.ts';

export const ENCODINGS = { raw: 0, zstd: 1, delta: 2 } as const;

export const ID_BYTES = 32;
/** Largest plaintext of a block, and so of a chunk. */
export const MAX_BLOCK_BYTES = 4 * 2 ** 20;

const BLOCK_HEAD_BYTES = 11;
const CHUNK_BYTES = ID_BYTES + 4;
const MAX_CHUNKS = 0xffff;

export interface TableChunk {
  readonly id: Buffer;
  readonly lengthBytes: number;
}

export interface TableBlock {
  /** Ciphertext with its tag, as it lies in the pack. */
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly encoding: number;
  /** The base of a difference (encoding 2), else null. */
  readonly baseId: Buffer | null;
  readonly chunks: readonly TableChunk[];
}

export function encodeTable(blocks: readonly TableBlock[]): Buffer {
  const parts: Buffer[] = [Buffer.alloc(4)];
  parts[0]!.writeUInt32LE(blocks.length);
  for (const block of blocks) {
    const head = Buffer.alloc(9);
    head.writeUInt32LE(block.storedBytes, 0);
    head.writeUInt32LE(block.plainBytes, 4);
    head[8] = block.encoding;
    const count = Buffer.alloc(2);
    count.writeUInt16LE(block.chunks.length);
    const chunks = Buffer.alloc(block.chunks.length * CHUNK_BYTES);
    block.chunks.forEach(({ id, lengthBytes }, i) => {
      id.copy(chunks, i * CHUNK_BYTES);
      chunks.writeUInt32LE(lengthBytes, i * CHUNK_BYTES + ID_BYTES);
    });
    parts.push(head, block.baseId ?? Buffer.alloc(0), count, chunks);
  }
  return Buffer.concat(parts);
}

/** Throws `object_damaged` for a table that does not add up, `repository_newer` for an unknown encoding. */
export function* decodeTable(table: Buffer): Generator<TableBlock> {
  if (table.length < 4) throw damaged();
  let left = table.readUInt32LE(0);
  let at = 4;
  const need = (bytes: number) => {
    if (at + bytes > table.length) throw damaged();
  };
  for (; left > 0; left -= 1) {
    need(BLOCK_HEAD_BYTES);
    const storedBytes = table.readUInt32LE(at);
    const plainBytes = table.readUInt32LE(at + 4);
    const encoding = table[at + 8]!;
    at += 9;
    if (encoding > ENCODINGS.delta) {
      throw new HoldfastError('repository_newer', `a block has the unknown encoding ${encoding}`);
    }
    let baseId: Buffer | null = null;
    if (encoding === ENCODINGS.delta) {
      need(ID_BYTES);
      baseId = table.subarray(at, at + ID_BYTES);
      at += ID_BYTES;
    }
    need(2);
    const count = table.readUInt16LE(at);
    at += 2;
    need(count * CHUNK_BYTES);
    const chunks: TableChunk[] = [];
    let sum = 0;
    for (let i = 0; i < count; i += 1, at += CHUNK_BYTES) {
      const lengthBytes = table.readUInt32LE(at + ID_BYTES);
      sum += lengthBytes;
      chunks.push({ id: table.subarray(at, at + ID_BYTES), lengthBytes });
    }
    const isSound = sum === plainBytes && plainBytes <= MAX_BLOCK_BYTES && count > 0;
    if (!isSound || (baseId !== null && count !== 1)) throw damaged();
    yield { storedBytes, plainBytes, encoding, baseId, chunks };
  }
  if (at !== table.length) throw damaged();
}

export const MAX_CHUNKS_OF_BLOCK = MAX_CHUNKS;

function damaged(): HoldfastError {
  return new HoldfastError('object_damaged', 'the table of a pack does not add up');
}
