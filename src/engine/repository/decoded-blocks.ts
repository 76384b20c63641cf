import { freeNow } from '../base/bytes.ts';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { packOpener } from '../crypto/pack-cipher.ts';
import { blockCache } from './block-cache.ts';
import { decodeRecord } from './block-codec.ts';
import { type BlockRun, blockIn, blockRuns } from './block-runs.ts';
import type { ChunkIndex, ChunkPlace } from './chunk-index.ts';
import { joinBases } from './delta-codec.ts';
import { packName } from './object-names.ts';
import { type BlockPort, packKeys } from './pack-keys.ts';

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
  const { storage, index } = port;
  const cache = blockCache(CACHE_BYTES);
  const loading = new Map<number, Promise<Buffer>>();
  const keyOf = packKeys(port);

  const get = ({ packNumber, offset, lengthBytes }: BlockRun) =>
    storage.get(packName(index.packs[packNumber]!), { offset, length: lengthBytes });
  const basesOf = ({ bases }: ChunkPlace) =>
    bases.map((number) => index.placeOf(number)).filter((base) => base !== null);
  const open = async (place: ChunkPlace, stored: Buffer) =>
    packOpener(await keyOf(place.packNumber)).openBlock(place.blockOfPack, stored);
  const decode = async (place: ChunkPlace, stored: Buffer): Promise<Buffer> => {
    const unpin = cache.pin(basesOf(place).map(({ blockNumber }) => blockNumber));
    try {
      const dictionary = place.bases.length > 0 ? await dictionaryOf(place) : null;
      return await decodeRecord(await open(place, stored), place.blockPlainBytes, dictionary);
    } catch (error) {
      if (codeOf(error) !== 'object_damaged' && codeOf(error) !== 'key_wrong') throw error;
      throw damagedBlock(index, place, (error as Error).message, error);
    } finally {
      unpin();
    }
  };
  const loadBlock = async (place: ChunkPlace, fetched: Promise<Buffer>, run: BlockRun): Promise<void> => {
    const { blockNumber } = place;
    const block = fetched.then((bytes) => decode(place, blockIn(run, bytes, place)));
    loading.set(blockNumber, block);
    const done = () => loading.delete(blockNumber);
    await block.then((bytes) => {
      cache.set(blockNumber, bytes);
      done();
    }, done);
  };
  const missing = (place: ChunkPlace): ChunkPlace[] =>
    [place, ...basesOf(place)].filter(
      ({ blockNumber }) => !cache.get(blockNumber) && !loading.has(blockNumber),
    );
  const load = (places: readonly ChunkPlace[]): (() => void) => {
    const unpin = cache.pin(places.map(({ blockNumber }) => blockNumber));
    for (const run of blockRuns(places.flatMap(missing))) {
      const fetched = get(run);
      const blocks = Promise.all(run.blocks.map((place) => loadBlock(place, fetched, run)));
      // Who waits for a block sees why it failed.
      blocks.then(() => fetched).then(freeNow, () => {});
    }
    return unpin;
  };
  const bytesOf = (place: ChunkPlace, borrowed = false): Buffer | Promise<Buffer> => {
    const { blockNumber, offsetInBlock, lengthBytes } = place;
    const bytesIn = (block: Buffer) => {
      if (!borrowed) cache.lend(blockNumber);
      return block.subarray(offsetInBlock, offsetInBlock + lengthBytes);
    };
    const cached = cache.get(blockNumber);
    if (cached) return bytesIn(cached);
    const unpin = load([place]);
    return loading.get(blockNumber)!.then(bytesIn).finally(unpin);
  };
  const placeOfBase = (number: number): ChunkPlace => {
    const place = number < 0 ? null : index.placeOf(number);
    if (place === null) {
      throw new HoldfastError('chunk_missing', 'the base of a difference is in no readable pack');
    }
    // Depth one: a writer never makes a difference against another.
    if (place.bases.length > 0) {
      throw damagedBlock(index, place, 'the base of a difference is one itself');
    }
    return place;
  };
  /** Borrowed: `decode` keeps the bases meanwhile. */
  const dictionaryOf = async ({ bases }: ChunkPlace): Promise<Buffer> =>
    joinBases(await Promise.all(bases.map((number) => bytesOf(placeOfBase(number), true))));

  return {
    missing,
    load,
    bytesOf,
    placeOfBase,
    async recordOf(place) {
      const [run] = blockRuns([place]);
      return open(place, await get(run!));
    },
    clear: cache.clear,
  };
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
