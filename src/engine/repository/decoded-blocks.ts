import { freeNow } from '../base/bytes.ts';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { blockCache } from './block-cache.ts';
import { decodeRecord, decodeRecordNow } from './block-codec.ts';
import { blockRuns } from './block-runs.ts';
import type { ChunkIndex, ChunkPlace } from './chunk-index.ts';
import { joinBases } from './delta-codec.ts';
import { type FetchedRun, runFetcher } from './fetched-run.ts';
import { packName } from './object-names.ts';
import type { BlockPort } from './pack-keys.ts';

const CACHE_BYTES = 24 * 2 ** 20;

/** Fetches, opens and decodes blocks, and keeps the last ones. What it gives is authentic, and not yet checked against ids. */
export interface DecodedBlocks {
  /** Blocks that are neither there nor on their way: that of a chunk and those of its bases. */
  missing(place: ChunkPlace): ChunkPlace[];
  /**
   * Begins to bring blocks, and those of their bases: neighbours with one request. What fails shows in `bytesOf`. They
   * stay until the function given back is called.
   */
  load(places: readonly ChunkPlace[]): () => void;
  /**
   * A chunk's bytes, at once when its block is there: to keep, or with `borrowed` only while what `load` brought stays. Throws
   * `object_missing`, `object_damaged` naming pack and block, `chunk_missing`.
   */
  bytesOf(place: ChunkPlace, borrowed?: boolean): Buffer | Promise<Buffer>;
  /** Where a base lies. Throws `chunk_missing`; `object_damaged` for one that is a difference itself. */
  placeOfBase(chunkNumber: number): ChunkPlace;
  /** The record of one block as it was sealed. */
  recordOf(place: ChunkPlace): Promise<Buffer>;
  clear(): void;
}

export function decodedBlocks(port: BlockPort): DecodedBlocks {
  const { index } = port;
  const cache = blockCache(CACHE_BYTES);
  const loading = new Map<number, Promise<Buffer>>();
  /** Differences on their way or here, by block. They are decoded when they are asked for, and in this thread. */
  const sealed = new Map<number, FetchedRun>();
  const fetch = runFetcher(port);

  const withBases = (place: ChunkPlace): ChunkPlace[] => [
    place,
    ...place.bases.map((number) => index.placeOf(number)).filter((base) => base !== null),
  ];
  const placeOfBase = (number: number) => baseIn(index, number);
  const loaded = (place: ChunkPlace, bring: () => Promise<Buffer>): Promise<Buffer> => {
    const { blockNumber } = place;
    const block = bring().catch((error: unknown) => {
      throw naming(index, place, error);
    });
    loading.set(blockNumber, block);
    const done = () => loading.delete(blockNumber);
    // Who waits for a block sees why it failed.
    block.then((bytes) => {
      cache.set(blockNumber, bytes);
      done();
    }, done);
    return block;
  };
  const loadFull = (place: ChunkPlace, run: FetchedRun) =>
    loaded(place, async () => {
      await run.arrived;
      return decodeRecord(run.open(place), place.blockPlainBytes, null);
    });
  const isMissing = ({ blockNumber }: ChunkPlace) =>
    !cache.get(blockNumber) && !loading.has(blockNumber) && !sealed.has(blockNumber);
  const load = (places: readonly ChunkPlace[]): (() => void) => {
    const needed = places.flatMap(withBases);
    const unpin = cache.pin(needed.map(({ blockNumber }) => blockNumber));
    for (const blocks of blockRuns(needed.filter(isMissing))) {
      const run = fetch(blocks);
      for (const place of blocks.blocks) {
        if (place.bases.length > 0) sealed.set(place.blockNumber, run);
        else loadFull(place, run);
      }
    }
    return () => {
      unpin();
      for (const { blockNumber } of needed) if (!cache.isPinned(blockNumber)) sealed.delete(blockNumber);
    };
  };
  const decodeSealed = (place: ChunkPlace, run: FetchedRun, bases: readonly Buffer[]): Buffer => {
    sealed.delete(place.blockNumber);
    const dictionary = joinBases(bases);
    const bytes = decodeRecordNow(run.open(place), place.blockPlainBytes, dictionary);
    if (bases.length > 1) freeNow(dictionary);
    return bytes;
  };
  /** A difference whose record and bases are here; null for any other block. */
  const decodeHere = (place: ChunkPlace): Buffer | null => {
    const { blockNumber, bases } = place;
    const run = sealed.get(blockNumber);
    if (!run?.isHere || loading.has(blockNumber)) return null;
    const given: Buffer[] = [];
    for (const base of bases.map(placeOfBase)) {
      const block = cache.get(base.blockNumber);
      if (!block) return null;
      given.push(block.subarray(base.offsetInBlock, base.offsetInBlock + base.lengthBytes));
    }
    const bytes = decodeSealed(place, run, given);
    cache.set(blockNumber, bytes);
    return bytes;
  };
  const awaitSealed = async (place: ChunkPlace, run: FetchedRun): Promise<Buffer> => {
    const unpin = cache.pin(withBases(place).map(({ blockNumber }) => blockNumber));
    try {
      await run.arrived;
      const bases = await Promise.all(place.bases.map((number) => bytesOf(placeOfBase(number), true)));
      return decodeSealed(place, run, bases);
    } finally {
      sealed.delete(place.blockNumber);
      unpin();
    }
  };
  const onItsWay = (place: ChunkPlace): Promise<Buffer> => {
    const run = sealed.get(place.blockNumber);
    return loading.get(place.blockNumber) ?? loaded(place, () => awaitSealed(place, run!));
  };
  const bytesOf = (place: ChunkPlace, borrowed = false): Buffer | Promise<Buffer> => {
    const { blockNumber, offsetInBlock, lengthBytes } = place;
    const bytesIn = (block: Buffer) => {
      if (!borrowed) cache.lend(blockNumber);
      return block.subarray(offsetInBlock, offsetInBlock + lengthBytes);
    };
    try {
      const here = cache.get(blockNumber) ?? decodeHere(place);
      if (here) return bytesIn(here);
    } catch (error) {
      return Promise.reject(naming(index, place, error));
    }
    const unpin = load([place]);
    return onItsWay(place).then(bytesIn).finally(unpin);
  };

  return {
    missing: (place) => withBases(place).filter(isMissing),
    load,
    bytesOf,
    placeOfBase,
    async recordOf(place) {
      const run = fetch(blockRuns([place])[0]!);
      await run.arrived;
      return run.open(place);
    },
    clear: cache.clear,
  };
}

function baseIn(index: ChunkIndex, number: number): ChunkPlace {
  const place = number < 0 ? null : index.placeOf(number);
  if (place === null) {
    throw new HoldfastError('chunk_missing', 'the base of a difference is in no readable pack');
  }
  // Depth one: a writer never makes a difference against another.
  if (place.bases.length > 0) throw damagedBlock(index, place, 'the base of a difference is one itself');
  return place;
}

function naming(index: ChunkIndex, place: ChunkPlace, error: unknown): unknown {
  if (codeOf(error) !== 'object_damaged' && codeOf(error) !== 'key_wrong') return error;
  return damagedBlock(index, place, (error as Error).message, error);
}

/** Names the pack and the block. */
export function damagedBlock(
  index: ChunkIndex,
  { packNumber, blockOfPack }: ChunkPlace,
  why: string,
  cause?: unknown,
): HoldfastError {
  const name = packName(index.packs[packNumber]!);
  return new HoldfastError('object_damaged', `${name}, block ${blockOfPack}: ${why}`, { cause });
}
