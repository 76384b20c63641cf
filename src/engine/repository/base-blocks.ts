/** Fetches the blocks that differences are made against, as they lie in storage, for a worker to open. */
import { type BlockRun, blockIn, blockRuns } from './block-runs.ts';
import type { BaseBlock, BaseChunk, Bases } from './chunk-messages.ts';
import { packName } from './object-names.ts';
import { type BlockPort, packKeys } from './pack-keys.ts';

export interface BaseBlocks {
  /** What a worker needs to use these chunks as bases. Null when they cannot be had: then they are done without. */
  fetch(chunkNumbers: readonly number[]): Promise<Bases | null>;
}

export function baseBlocks(port: BlockPort): BaseBlocks {
  const { storage, index } = port;
  const keyOf = packKeys(port);

  const fetchRun = async (run: BlockRun): Promise<FetchedRun> => {
    const { packNumber, offset, lengthBytes } = run;
    const [packKey, got] = await Promise.all([
      keyOf(packNumber),
      storage.get(packName(index.packs[packNumber]!), { offset, length: lengthBytes }),
    ]);
    const bytes = ownMemory(got);
    const blocks = run.blocks.map((place) => ({
      ...packKey,
      blockNumber: place.blockNumber,
      blockOfPack: place.blockOfPack,
      plainBytes: place.blockPlainBytes,
      stored: blockIn(run, bytes, place),
    }));
    return { memory: bytes.buffer, blocks };
  };
  return {
    async fetch(chunkNumbers) {
      const places = chunkNumbers.map((number) => index.placeOf(number)!);
      try {
        const fetched = await Promise.all(blockRuns(places).map(fetchRun));
        const chunks = places.map(({ blockNumber, offsetInBlock, lengthBytes }, i): BaseChunk => {
          return { blockNumber, offsetInBlock, lengthBytes, idStart: index.idStart(chunkNumbers[i]!) };
        });
        const memory = fetched.map((run) => run.memory);
        return { memory, blocks: fetched.flatMap((run) => run.blocks), chunks };
      } catch {
        return null;
      }
    },
  };
}

interface FetchedRun {
  readonly memory: ArrayBuffer;
  readonly blocks: readonly BaseBlock[];
}

/** Bytes alone in their memory, so that it can be handed over: small buffers share some. */
function ownMemory(bytes: Buffer): Buffer<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) return Buffer.from(buffer);
  const own = Buffer.from(new ArrayBuffer(bytes.length));
  own.set(bytes);
  return own;
}
