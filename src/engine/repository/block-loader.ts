import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { HEADER_BYTES } from '../crypto/object-header.ts';
import type { PackOpener } from '../crypto/pack-cipher.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Storage } from '../storage/port.ts';
import { blockCache } from './block-cache.ts';
import { decodeRecord } from './block-codec.ts';
import { type ChunkIndex, type ChunkPlace, ID_START_BYTES } from './chunk-index.ts';
import { joinBases } from './delta-codec.ts';
import { packName } from './object-names.ts';
import { openPack } from './pack-reader.ts';
import type { Ref as FullRef } from './refs.ts';

const CACHE_BYTES = 24 * 2 ** 20;
const OPEN_PACKS = 64;

type Ref = Omit<FullRef, 'mark'>;

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
  /** The record of the block a chunk lies in, authentic and nothing more. Throws as `receive`. */
  readRecord(chunkNumber: number): Promise<Buffer>;
  /** What the difference against these chunks, given by their ids, is decoded with. Throws as `chunk`. */
  dictionaryOf(bases: readonly Uint8Array[]): Promise<Buffer>;
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
  const recordOf = async (place: ChunkPlace, stored: Buffer): Promise<Buffer> =>
    (await openerOf(place)).openBlock(place.blockOfPack, stored);
  const decode = async (place: ChunkPlace, stored: Buffer): Promise<Buffer> => {
    const dictionary = place.bases.length > 0 ? await joined(place.bases) : null;
    try {
      return decodeRecord(await recordOf(place, stored), place.blockPlainBytes, dictionary);
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
  /** Bytes of a chunk that nothing proves yet. */
  const bytesAt = async (place: ChunkPlace): Promise<Buffer> => {
    let block = cache.get(place.blockNumber);
    if (!block) {
      block = await decode(place, await fetch([place]).bytes);
      cache.set(place.blockNumber, block);
    }
    return block.subarray(place.offsetInBlock, place.offsetInBlock + place.lengthBytes);
  };
  const idOf = (bytes: Buffer) => createHmac('sha256', idKey).update(bytes).digest();
  const chunk = async (wanted: Wanted): Promise<Buffer> => {
    const { place } = wanted;
    const bytes = await bytesAt(place);
    if (wanted.lengthBytes === place.lengthBytes && timingSafeEqual(idOf(bytes), wanted.id)) return bytes;
    throw damaged(nameOf(place), place, 'a chunk is not what its id says');
  };
  const base = async (number: number): Promise<Buffer> => {
    const place = number < 0 ? null : index.placeOf(number);
    if (place === null) {
      throw new HoldfastError('chunk_missing', 'the base of a difference is in no readable pack');
    }
    // Depth one: a writer never makes a difference against another.
    if (place.bases.length > 0) throw damaged(nameOf(place), place, 'the base of a difference is one itself');
    const bytes = await bytesAt(place);
    if (idOf(bytes).subarray(0, ID_START_BYTES).equals(index.idStart(number))) return bytes;
    throw damaged(nameOf(place), place, 'a chunk is not what its id says');
  };
  const joined = async (numbers: readonly number[]): Promise<Buffer> => {
    const bases: Buffer[] = [];
    for (const number of numbers) bases.push(await base(number));
    return joinBases(bases);
  };
  const readRecord = async (number: number): Promise<Buffer> => {
    const place = index.placeOf(number)!;
    return recordOf(place, await fetch([place]).bytes);
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
    readRecord,
    dictionaryOf: (ids) => joined(ids.map((id) => index.find(id))),
    clear() {
      cache.clear();
      openers.clear();
    },
  };
}

function damaged(pack: string, { blockOfPack }: ChunkPlace, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('object_damaged', `${pack}, block ${blockOfPack}: ${why}`, { cause });
}
