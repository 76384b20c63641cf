/** Fetches the blocks that differences are made against, as they lie in storage, for a worker to open. */
import { HEADER_BYTES, openHeader, readHeader } from '../crypto/object-header.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Storage } from '../storage/port.ts';
import { type BlockRun, blockIn, blockRuns } from './block-runs.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { BaseBlock, BaseChunk, Bases } from './chunk-messages.ts';
import { packName } from './object-names.ts';

const PACKS_KNOWN = 64;

export interface BaseBlocks {
  /** What a worker needs to use these chunks as bases. Null when they cannot be had: then they are done without. */
  fetch(chunkNumbers: readonly number[]): Promise<Bases | null>;
}

interface PackKey {
  readonly key: Uint8Array;
  readonly header: Uint8Array;
}

export function baseBlocks(input: {
  readonly storage: Storage;
  readonly keys: RepositoryKeys;
  readonly index: ChunkIndex;
}): BaseBlocks {
  const { storage, keys, index } = input;
  const packKeys = new Map<number, Promise<PackKey>>();
  const nameOf = (packNumber: number) => packName(index.packs[packNumber]!);

  const keyOf = (packNumber: number): Promise<PackKey> => {
    let known = packKeys.get(packNumber);
    if (!known) {
      known = storage.get(nameOf(packNumber), { offset: 0, length: HEADER_BYTES }).then((header) => {
        const { epoch } = readHeader(header);
        return { header, key: openHeader(header, keys.masterKey(epoch), 'pack', keys.repositoryId) };
      });
      if (packKeys.size >= PACKS_KNOWN) packKeys.delete(packKeys.keys().next().value!);
      packKeys.set(packNumber, known);
    }
    return known;
  };
  const fetchRun = async (run: BlockRun): Promise<FetchedRun> => {
    const { packNumber, offset, lengthBytes } = run;
    const [packKey, got] = await Promise.all([
      keyOf(packNumber),
      storage.get(nameOf(packNumber), { offset, length: lengthBytes }),
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
