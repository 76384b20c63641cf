import { createHash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { freeNow } from '../base/bytes.ts';
import type { StageClock } from '../base/stage-times.ts';
import { TAG_BYTES } from '../crypto/gcm.ts';
import { HEADER_BYTES, newHeader } from '../crypto/object-header.ts';
import { packSealer } from '../crypto/pack-cipher.ts';
import { FOOTER_BYTES, FOOTER_MAGIC } from './pack-reader.ts';
import { ENCODINGS, MAX_BLOCK_BYTES, MAX_CHUNKS_OF_BLOCK, tableWriter } from './pack-toc.ts';

/** Several chunks share a block, since zstd does better on more: docs/decisions/0001-blocks-in-packs.md. */
const BLOCK_BYTES = 256 * 1024;
const PACK_BYTES = 16 * 2 ** 20;
/** Tiny chunks would fill a pack with table. */
const MAX_TABLE_BYTES = 2 * 2 ** 20;
/** The last block goes beyond. */
export const PACK_CAPACITY = PACK_BYTES + MAX_BLOCK_BYTES + 2 ** 20;

const DELTA = Buffer.of(ENCODINGS.delta);
/** Until something was stored whole. */
const UNKNOWN_RATIO = 0.5;

/** More than zstd ever makes of bytes that it cannot compress, so that its output comes in one piece instead of many to be joined. */
const roomFor = (plainBytes: number) => plainBytes + (plainBytes >> 7) + 1024;

/**
 * Level 1 looks for matches of six bytes instead of seven, in a table of 256 KiB instead of 32: over the dump of the benchmark 1.9 % smaller for 7 % more
 * time of the compressor. Larger blocks, tables or levels cost 40 % and more for the next 2 % (measured 2026-11-21).
 */
const COMPRESSION = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_hashLog]: 16,
  [constants.ZSTD_c_minMatch]: 6,
};

export interface BuiltPack {
  /** SHA-256 of the bytes, hex. */
  readonly pack: string;
  /** The memory it was built in. */
  readonly slot: number;
  readonly sizeBytes: number;
  readonly table: Uint8Array;
}

export interface Delta {
  readonly id: Uint8Array;
  readonly lengthBytes: number;
  /** See `compressDelta`. */
  readonly frame: Uint8Array;
  /** Whole ids, in the order in which they were joined. */
  readonly bases: readonly Uint8Array[];
}

/** Builds packs one after the other, each in memory it is lent. */
export interface PackBuilder {
  /** False while there is no memory to build in. */
  canAdd(): boolean;
  /** Lends memory of `PACK_CAPACITY` bytes; it is back with the pack that carries its number. */
  lend(slot: number, memory: Buffer): void;
  /** Adds a chunk, copying it. Returns a finished pack when this one is full. Call it only while `canAdd`. */
  add(id: Uint8Array, bytes: Uint8Array): BuiltPack | null;
  /** Adds a chunk as a difference against `bases`: a block of its own. Returns as `add`. */
  addDelta(delta: Delta): BuiltPack | null;
  /** Bytes stored for each byte of the chunks that were added whole, so far. */
  readonly ratio: number;
  /** What is left, or null when nothing is. */
  finish(): BuiltPack | null;
}

interface OpenPack {
  readonly slot: number;
  readonly bytes: Buffer;
  readonly key: Buffer;
  readonly sealer: ReturnType<typeof packSealer>;
  at: number;
}

/** `masterKey` is that of `epoch`. Every pack gets a key of its own. */
export function packBuilder(input: {
  readonly epoch: number;
  readonly masterKey: Uint8Array;
  readonly repositoryId: Uint8Array;
  readonly clock: StageClock;
}): PackBuilder {
  const { clock } = input;
  const plain = Buffer.alloc(MAX_BLOCK_BYTES);
  const table = tableWriter();
  let plainBytes = 0;
  let wholePlain = 0;
  let wholeStored = 0;
  let pack: OpenPack | null = null;

  const closeBlock = () => {
    if (plainBytes === 0) return;
    const block = plain.subarray(0, plainBytes);
    const packed = clock.measure('compress', () =>
      zstdCompressSync(block, { params: COMPRESSION, chunkSize: roomFor(plainBytes) }),
    );
    const isSmaller = packed.length < plainBytes;
    const encoding = isSmaller ? ENCODINGS.zstd : ENCODINGS.raw;
    const { sealer, bytes, at } = pack!;
    const record = [Buffer.of(encoding), isSmaller ? packed : block];
    pack!.at = clock.measure('encrypt', () => sealer.sealBlockInto(record, bytes, at));
    freeNow(packed);
    table.closeBlock({ storedBytes: pack!.at - at, plainBytes, encoding });
    wholePlain += plainBytes;
    wholeStored += pack!.at - at;
    plainBytes = 0;
  };
  const closeIfFull = (): BuiltPack | null => {
    const sizeBytes = pack!.at + table.sizeBytes + TAG_BYTES + FOOTER_BYTES;
    return sizeBytes >= PACK_BYTES || table.sizeBytes >= MAX_TABLE_BYTES ? closePack() : null;
  };
  const closePack = (): BuiltPack | null => {
    closeBlock();
    if (!pack || pack.at === HEADER_BYTES) return null;
    const { slot, bytes, key, sealer } = pack;
    const entries = table.take();
    let at = pack.at;
    const sealed = sealer.sealTable(entries);
    at += sealed.copy(bytes, at);
    at = bytes.writeUInt32LE(sealed.length, at);
    at += FOOTER_MAGIC.copy(bytes, at);
    key.fill(0);
    pack = null;
    const whole = bytes.subarray(0, at);
    const name = clock.measure('encrypt', () => createHash('sha256').update(whole).digest('hex'));
    return { pack: name, slot, sizeBytes: at, table: entries };
  };
  return {
    canAdd: () => pack !== null,
    lend(slot, memory) {
      const { header, key } = newHeader({ type: 'pack', ...input });
      pack = { slot, bytes: memory, key, sealer: packSealer({ key, header }), at: header.copy(memory) };
    },
    add(id, bytes) {
      const isFull = plainBytes + bytes.length > BLOCK_BYTES || table.chunksOfBlock === MAX_CHUNKS_OF_BLOCK;
      if (isFull) closeBlock();
      plain.set(bytes, plainBytes);
      plainBytes += bytes.length;
      table.addChunk(id, bytes.length);
      if (plainBytes >= BLOCK_BYTES) closeBlock();
      return closeIfFull();
    },
    addDelta({ id, lengthBytes, frame, bases }) {
      const { sealer, bytes, at } = pack!;
      pack!.at = clock.measure('encrypt', () => sealer.sealBlockInto([DELTA, frame], bytes, at));
      table.addDelta({ id, lengthBytes, bases, storedBytes: pack!.at - at });
      return closeIfFull();
    },
    get ratio() {
      return wholePlain > 0 ? wholeStored / wholePlain : UNKNOWN_RATIO;
    },
    finish: closePack,
  };
}
