/** Fetches the blocks that differences are made against, as they lie in storage, for a worker to open. */
import { HEADER_BYTES, openHeader, readHeader } from '../crypto/object-header.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Storage } from '../storage/port.ts';
import type { ChunkIndex, ChunkPlace } from './chunk-index.ts';
import type { BaseBlock, BaseChunk, Bases } from './chunk-messages.ts';
import { packName } from './object-names.ts';

/** Blocks this near are read with one request. */
const GAP_BYTES = 64 * 1024;
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
  const fetchRun = async (run: readonly ChunkPlace[]): Promise<BaseBlock[]> => {
    const { packNumber, blockOffset } = run[0]!;
    const last = run.at(-1)!;
    const length = last.blockOffset + last.blockStoredBytes - blockOffset;
    const [packKey, bytes] = await Promise.all([
      keyOf(packNumber),
      storage.get(nameOf(packNumber), { offset: blockOffset, length }),
    ]);
    return run.map((place) => {
      const start = place.blockOffset - blockOffset;
      return {
        ...packKey,
        blockNumber: place.blockNumber,
        blockOfPack: place.blockOfPack,
        plainBytes: place.blockPlainBytes,
        stored: bytes.subarray(start, start + place.blockStoredBytes),
      };
    });
  };
  return {
    async fetch(chunkNumbers) {
      const places = chunkNumbers.map((number) => index.placeOf(number)!);
      const blocks = new Map(places.map((place) => [place.blockNumber, place]));
      try {
        const fetched = await Promise.all(runsOf([...blocks.values()]).map(fetchRun));
        const chunks = places.map(({ blockNumber, offsetInBlock, lengthBytes }, i): BaseChunk => {
          return { blockNumber, offsetInBlock, lengthBytes, idStart: index.idStart(chunkNumbers[i]!) };
        });
        return { blocks: fetched.flat(), chunks };
      } catch {
        return null;
      }
    },
  };
}

/** Blocks that lie together, ascending. */
function runsOf(places: ChunkPlace[]): ChunkPlace[][] {
  places.sort((a, b) => a.packNumber - b.packNumber || a.blockOffset - b.blockOffset);
  const runs: ChunkPlace[][] = [];
  for (const place of places) {
    const last = runs.at(-1)?.at(-1);
    const isNear =
      last?.packNumber === place.packNumber &&
      place.blockOffset - (last.blockOffset + last.blockStoredBytes) <= GAP_BYTES;
    if (isNear) runs.at(-1)!.push(place);
    else runs.push([place]);
  }
  return runs;
}
