import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { HEADER_BYTES } from '../crypto/object-header.ts';
import type { PackOpener } from '../crypto/pack-cipher.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Storage } from '../storage/port.ts';
import { blockCache } from './block-cache.ts';
import { decodeRecord } from './block-codec.ts';
import type { ChunkIndex, ChunkPlace } from './chunk-index.ts';
import { packName } from './object-names.ts';
import { openPack } from './pack-reader.ts';

const CACHE_BYTES = 24 * 2 ** 20;
const OPEN_PACKS = 64;

export interface Ref {
  readonly id: Buffer;
  readonly lengthBytes: number;
}

/** A chunk and where it lies. */
export interface Wanted extends Ref {
  readonly place: ChunkPlace;
}

/** Blocks of one pack, on their way from storage. */
export interface Fetch {
  readonly bytes: Promise<Buffer>;
  readonly offset: number;
  readonly places: readonly ChunkPlace[];
}

/** Fetches, opens and decodes blocks, and keeps the last ones. */
export interface BlockLoader {
  /** Throws `chunk_missing`. */
  locate(ref: Ref): Wanted;
  isCached(place: ChunkPlace): boolean;
  /** Begins to read blocks that lie together in one pack, ascending. */
  fetch(places: readonly ChunkPlace[]): Fetch;
  /** Decodes what was fetched into the cache. Throws `object_missing`, `object_damaged` naming pack and block. */
  receive(fetch: Fetch): Promise<void>;
  /** The chunk's bytes, checked against its id. */
  chunk(wanted: Wanted): Promise<Buffer>;
  readChunk(id: Buffer): Promise<Buffer>;
  clear(): void;
}

export function blockLoader(input: {
  readonly storage: Storage;
  readonly keys: RepositoryKeys;
  readonly index: ChunkIndex;
}): BlockLoader {
  const { storage, keys, index } = input;
  const cache = blockCache(CACHE_BYTES);
  const idKey = createSecretKey(keys.chunkIdKey);
  const openers = new Map<number, Promise<PackOpener>>();
  const nameOf = (place: ChunkPlace) => packName(index.packs[place.packNumber]!);

  const openerOf = (place: ChunkPlace): Promise<PackOpener> => {
    const { packNumber } = place;
    let opener = openers.get(packNumber);
    if (!opener) {
      const head = storage.get(nameOf(place), { offset: 0, length: HEADER_BYTES });
      opener = head.then((bytes) => openPack(keys, bytes));
      if (openers.size >= OPEN_PACKS) openers.delete(openers.keys().next().value!);
      openers.set(packNumber, opener);
      opener.catch(() => openers.delete(packNumber));
    }
    return opener;
  };
  const decode = async (place: ChunkPlace, stored: Buffer): Promise<Buffer> => {
    try {
      const opener = await openerOf(place);
      return await decodeRecord(
        opener.openBlock(place.blockOfPack, stored),
        place.blockPlainBytes,
        readChunk,
      );
    } catch (error) {
      if (codeOf(error) !== 'object_damaged' && codeOf(error) !== 'key_wrong') throw error;
      throw damaged(nameOf(place), place, (error as Error).message, error);
    }
  };
  const fetch = (places: readonly ChunkPlace[]): Fetch => {
    const first = places[0]!;
    const last = places.at(-1)!;
    const length = last.blockOffset + last.blockStoredBytes - first.blockOffset;
    const bytes = storage.get(nameOf(first), { offset: first.blockOffset, length });
    // Whoever receives it sees the failure; until then it must not count as unhandled.
    bytes.catch(() => {});
    return { bytes, offset: first.blockOffset, places };
  };
  const receive = async ({ bytes, offset, places }: Fetch): Promise<void> => {
    const fetched = await bytes;
    for (const place of places) {
      if (cache.get(place.blockNumber)) continue;
      const start = place.blockOffset - offset;
      cache.set(
        place.blockNumber,
        await decode(place, fetched.subarray(start, start + place.blockStoredBytes)),
      );
    }
  };
  const locate = (ref: Ref): Wanted => {
    const number = index.find(ref.id);
    const place = number < 0 ? null : index.placeOf(number);
    if (place) return { ...ref, place };
    throw new HoldfastError('chunk_missing', `chunk ${ref.id.toString('hex')} is in no readable pack`);
  };
  const chunk = async (wanted: Wanted): Promise<Buffer> => {
    const { place } = wanted;
    let block = cache.get(place.blockNumber);
    if (!block) {
      const fetched = await fetch([place]).bytes;
      block = await decode(place, fetched);
      cache.set(place.blockNumber, block);
    }
    const bytes = block.subarray(place.offsetInBlock, place.offsetInBlock + place.lengthBytes);
    const id = createHmac('sha256', idKey).update(bytes).digest();
    if (wanted.lengthBytes === place.lengthBytes && timingSafeEqual(id, wanted.id)) return bytes;
    throw damaged(nameOf(place), place, 'a chunk is not what its id says');
  };
  async function readChunk(id: Buffer): Promise<Buffer> {
    const number = index.find(id);
    const lengthBytes = (number < 0 ? null : index.placeOf(number))?.lengthBytes ?? 0;
    return chunk(locate({ id, lengthBytes }));
  }
  return {
    locate,
    isCached: (place) => cache.get(place.blockNumber) !== undefined,
    fetch,
    receive,
    chunk,
    readChunk,
    clear() {
      cache.clear();
      openers.clear();
    },
  };
}

function damaged(pack: string, { blockOfPack }: ChunkPlace, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('object_damaged', `${pack}, block ${blockOfPack}: ${why}`, { cause });
}
