import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import type { ChunkPlace } from './chunk-index.ts';
import { type DecodedBlocks, damagedBlock, decodedBlocks } from './decoded-blocks.ts';
import { joinBases } from './delta-codec.ts';
import { ID_START_BYTES } from './id-table.ts';
import type { BlockPort } from './pack-keys.ts';
import type { Ref } from './refs.ts';

/** A chunk and where it lies. */
export interface Wanted {
  readonly id: Buffer;
  readonly lengthBytes: number;
  readonly place: ChunkPlace;
}

/** Gives chunks, each checked against its id. */
export interface BlockLoader {
  /** Throws `chunk_missing`. */
  locate(ref: Omit<Ref, 'mark'>): Wanted;
  /** See `DecodedBlocks`. */
  readonly missing: DecodedBlocks['missing'];
  readonly load: DecodedBlocks['load'];
  /**
   * The chunk's bytes, at once when its block is there; `borrowed`: see `DecodedBlocks`. Throws `object_missing`, `object_damaged` naming pack and block,
   * which for a difference are those of a damaged base, `chunk_missing` for a base that is nowhere.
   */
  chunk(wanted: Wanted, borrowed?: boolean): Buffer | Promise<Buffer>;
  readChunk(id: Buffer): Promise<Buffer>;
  /** The record of the block a chunk lies in, authentic and nothing more. Throws as `chunk`. */
  readRecord(chunkNumber: number): Promise<Buffer>;
  /** What the difference against these chunks, given by their ids, is decoded with. Throws as `chunk`. */
  dictionaryOf(bases: readonly Uint8Array[]): Promise<Buffer>;
  clear(): void;
}

export function blockLoader(input: BlockPort): BlockLoader {
  const { keys, index } = input;
  const blocks = decodedBlocks(input);
  const idKey = createSecretKey(keys.chunkIdKey);
  const idOf = (bytes: Buffer) => createHmac('sha256', idKey).update(bytes).digest();

  const locate = ({ id, lengthBytes }: Omit<Ref, 'mark'>): Wanted => {
    const number = index.find(id);
    const place = number < 0 ? null : index.placeOf(number);
    if (place) return { id, lengthBytes, place };
    throw new HoldfastError('chunk_missing', `chunk ${id.toString('hex')} is in no readable pack`);
  };
  /** Throws as `chunk`, and so for a base that is not what its id says. */
  const baseOf = async (number: number): Promise<Buffer> => {
    const place = blocks.placeOfBase(number);
    const bytes = await blocks.bytesOf(place);
    if (idOf(bytes).subarray(0, ID_START_BYTES).equals(index.idStart(number))) return bytes;
    throw wrong(place);
  };
  const basesOf = (numbers: readonly number[]) => Promise.all(numbers.map(baseOf));
  const wrong = (place: ChunkPlace) => damagedBlock(index, place, 'a chunk is not what its id says');
  /** A difference that does not come out right has a wrong base as a rule: then that is to blame. */
  const blameBases = async ({ place }: Wanted, error: unknown): Promise<never> => {
    await basesOf(place.bases);
    throw error;
  };
  const check = (bytes: Buffer, { id, lengthBytes, place }: Wanted): Buffer => {
    if (lengthBytes === place.lengthBytes && timingSafeEqual(idOf(bytes), id)) return bytes;
    throw wrong(place);
  };
  const chunk = (wanted: Wanted, borrowed = false): Buffer | Promise<Buffer> => {
    const bytes = blocks.bytesOf(wanted.place, borrowed);
    if (Buffer.isBuffer(bytes) && wanted.place.bases.length === 0) return check(bytes, wanted);
    return Promise.resolve(bytes)
      .then((given) => check(given, wanted))
      .catch((error: unknown) => blameBases(wanted, error));
  };
  return {
    locate,
    missing: blocks.missing,
    load: blocks.load,
    chunk,
    async readChunk(id) {
      const number = index.find(id);
      const lengthBytes = number < 0 ? 0 : index.lengthOf(number);
      return chunk(locate({ id, lengthBytes }));
    },
    readRecord: async (number) => blocks.recordOf(index.placeOf(number)!),
    dictionaryOf: async (ids) => joinBases(await basesOf(ids.map((id) => index.find(id)))),
    clear: blocks.clear,
  };
}
