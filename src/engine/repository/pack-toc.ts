/** The table of contents of a pack. Layout: docs/format.md section 4. */
import { HoldfastError } from '../base/errors.ts';

export const ENCODINGS = { raw: 0, zstd: 1, delta: 2 } as const;

export const ID_BYTES = 32;
/** Largest plaintext of a block, and so of a chunk. */
export const MAX_BLOCK_BYTES = 4 * 2 ** 20;

const COUNT_BYTES = 4;
const BLOCK_HEAD_BYTES = 11;
const CHUNK_BYTES = ID_BYTES + 4;
/** The most a block's table entry can count. */
export const MAX_CHUNKS_OF_BLOCK = 0xffff;
/** Bases of one difference. */
export const MAX_BASES = 4;

export interface TableChunk {
  readonly id: Buffer;
  readonly lengthBytes: number;
}

export interface TableBlock {
  /** Ciphertext with its tag, as it lies in the pack. */
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly encoding: number;
  /** Ids of the chunks a difference (encoding 2) was made against, in order; none otherwise. */
  readonly bases: readonly Uint8Array[];
  readonly chunks: readonly TableChunk[];
}

export interface TableDelta {
  readonly id: Uint8Array;
  readonly lengthBytes: number;
  readonly storedBytes: number;
  readonly bases: readonly Uint8Array[];
}

/** Builds a table block by block in memory of its own, 36 bytes a chunk. */
export interface TableWriter {
  /** Of the table so far, the block begun included. */
  readonly sizeBytes: number;
  readonly chunksOfBlock: number;
  /** Adds a chunk to the block begun. */
  addChunk(id: Uint8Array, lengthBytes: number): void;
  /** Ends the block begun. */
  closeBlock(block: Omit<TableBlock, 'chunks' | 'bases'>): void;
  /** Adds a whole block of one chunk, a difference, before the block begun. */
  addDelta(delta: TableDelta): void;
  /** A copy of the table; the writer begins anew. */
  take(): Buffer;
}

export function tableWriter(): TableWriter {
  let table = Buffer.allocUnsafe(64 * 1024);
  let used = COUNT_BYTES;
  let blocks = 0;
  let rows = Buffer.allocUnsafe(1024 * CHUNK_BYTES);
  let chunks = 0;
  const head = (storedBytes: number, plainBytes: number, encoding: number, more: number) => {
    table = withRoom(table, used, BLOCK_HEAD_BYTES + more);
    used = table.writeUInt32LE(storedBytes, used);
    used = table.writeUInt32LE(plainBytes, used);
    used = table.writeUInt8(encoding, used);
    blocks += 1;
  };
  const append = (id: Uint8Array) => {
    table.set(id, used);
    used += ID_BYTES;
  };
  return {
    get sizeBytes() {
      return used + BLOCK_HEAD_BYTES + chunks * CHUNK_BYTES;
    },
    get chunksOfBlock() {
      return chunks;
    },
    addChunk(id, lengthBytes) {
      const at = chunks * CHUNK_BYTES;
      if (at === rows.length) rows = withRoom(rows, at, CHUNK_BYTES);
      rows.set(id, at);
      rows.writeUInt32LE(lengthBytes, at + ID_BYTES);
      chunks += 1;
    },
    closeBlock({ storedBytes, plainBytes, encoding }) {
      const rowBytes = chunks * CHUNK_BYTES;
      head(storedBytes, plainBytes, encoding, rowBytes);
      used = table.writeUInt16LE(chunks, used);
      used += rows.copy(table, used, 0, rowBytes);
      chunks = 0;
    },
    addDelta({ id, lengthBytes, storedBytes, bases }) {
      head(storedBytes, lengthBytes, ENCODINGS.delta, CHUNK_BYTES + 1 + bases.length * ID_BYTES);
      used = table.writeUInt8(bases.length, used);
      for (const base of bases) append(base);
      used = table.writeUInt16LE(1, used);
      append(id);
      used = table.writeUInt32LE(lengthBytes, used);
    },
    take() {
      table.writeUInt32LE(blocks, 0);
      const taken = Buffer.from(table.subarray(0, used));
      used = COUNT_BYTES;
      blocks = 0;
      return taken;
    },
  };
}

/** `buffer` with room for `more` bytes behind `used`, larger where it has none. */
function withRoom(buffer: Buffer<ArrayBuffer>, used: number, more: number): Buffer<ArrayBuffer> {
  if (used + more <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafe(Math.max(2 * buffer.length, used + more));
  buffer.copy(larger, 0, 0, used);
  return larger;
}

export function encodeTable(blocks: readonly TableBlock[]): Buffer {
  const writer = tableWriter();
  for (const { bases, chunks, ...block } of blocks) {
    if (block.encoding === ENCODINGS.delta) writer.addDelta({ ...block, ...chunks[0]!, bases });
    else {
      for (const { id, lengthBytes } of chunks) writer.addChunk(id, lengthBytes);
      writer.closeBlock(block);
    }
  }
  return writer.take();
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
    const bases: Buffer[] = [];
    if (encoding === ENCODINGS.delta) {
      need(1);
      const baseCount = table[at]!;
      at += 1;
      if (baseCount === 0 || baseCount > MAX_BASES) throw damaged();
      need(baseCount * ID_BYTES);
      for (let i = 0; i < baseCount; i += 1, at += ID_BYTES) bases.push(table.subarray(at, at + ID_BYTES));
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
    if (!isSound || (bases.length > 0 && count !== 1)) throw damaged();
    yield { storedBytes, plainBytes, encoding, bases, chunks };
  }
  if (at !== table.length) throw damaged();
}

function damaged(): HoldfastError {
  return new HoldfastError('object_damaged', 'the table of a pack does not add up');
}
