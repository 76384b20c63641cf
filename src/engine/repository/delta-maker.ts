/** Makes differences in a worker: opens and checks bases, compresses against them, and says whether it paid. */
import { createHmac, type KeyObject } from 'node:crypto';
import { freeNow } from '../base/bytes.ts';
import { packOpener } from '../crypto/pack-cipher.ts';
import { decodeRecordNow } from './block-codec.ts';
import type { BaseChunk, Bases } from './chunk-messages.ts';
import { compressDelta, dictionaryFrom } from './delta-codec.ts';
import { MAX_BLOCK_BYTES } from './pack-toc.ts';

export interface MadeDelta {
  readonly frame: Buffer;
  readonly bases: readonly Buffer[];
}

export interface DeltaMaker {
  /** Null when the bases are no good, or the chunk would not become clearly smaller than `wholeBytes`. */
  make(bytes: Buffer, first: number, count: number, wholeBytes: number): MadeDelta | null;
  /** Gives the memory of the opened blocks back. */
  close(): void;
}

/** A difference costs a second read when it is restored: it has to save at least this share of the chunk. */
const WORTH = 0.5;
/** What a difference costs beside its frame: tag, table, index. */
const OVERHEAD_BYTES = 128;

export function deltaMaker(idKey: KeyObject, { memory, blocks, chunks }: Bases): DeltaMaker {
  const byNumber = new Map(blocks.map((block) => [block.blockNumber, block]));
  const opened = new Map<number, Buffer | null>();
  const known = new Map<number, Base | null>();

  const blockOf = (number: number): Buffer | null => {
    let plain = opened.get(number);
    if (plain === undefined) {
      const { key, header, blockOfPack, stored, plainBytes } = byNumber.get(number)!;
      try {
        plain = decodeRecordNow(packOpener({ key, header }).openBlock(blockOfPack, stored), plainBytes, null);
      } catch {
        // Damage is for verify to report; here the chunk is stored whole.
        plain = null;
      }
      opened.set(number, plain);
    }
    return plain;
  };
  const baseOf = (chunk: BaseChunk): Base | null => {
    const key = chunk.blockNumber * MAX_BLOCK_BYTES + chunk.offsetInBlock;
    let base = known.get(key);
    if (base === undefined) {
      const block = blockOf(chunk.blockNumber);
      const bytes = block?.subarray(chunk.offsetInBlock, chunk.offsetInBlock + chunk.lengthBytes);
      const id = bytes && createHmac('sha256', idKey).update(bytes).digest();
      base = id?.subarray(0, chunk.idStart.length).equals(chunk.idStart) ? { id, bytes: bytes! } : null;
      known.set(key, base);
    }
    return base;
  };
  return {
    make(bytes, first, count, wholeBytes) {
      const bases = chunks.slice(first, first + count).map(baseOf);
      if (!bases.every((base) => base !== null)) return null;
      const dictionary = dictionaryFrom(bases.map((base) => base.bytes));
      if (!dictionary) return null;
      const frame = compressDelta(bytes, dictionary);
      if (bases.length > 1) freeNow(dictionary);
      const isWorth = frame.length + OVERHEAD_BYTES < wholeBytes * WORTH;
      return isWorth ? { frame, bases: bases.map(({ id }) => id) } : null;
    },
    close() {
      for (const plain of opened.values()) if (plain) freeNow(plain);
      for (const bytes of memory) bytes.transfer(0);
    },
  };
}

interface Base {
  readonly id: Buffer;
  readonly bytes: Buffer;
}
