/** Groups references into stages that one thread decodes at once. */

import type { Wanted } from './block-loader.ts';
import type { ChunkIndex, ChunkPlace } from './chunk-index.ts';
import { MAX_BLOCK_BYTES } from './pack-toc.ts';
import { eachRef, type Ref } from './refs.ts';

/** What a stage holds, unless it is one chunk larger than that. */
export interface StageSize {
  readonly maxBytes: number;
  /** From here on it ends where the next chunk lies in blocks that it does not need. */
  readonly softBytes: number;
}

/** What was decoded is then still in the cache of a core when the bytes are written. */
export const SMALL_STAGES: StageSize = { maxBytes: 2 * 2 ** 20, softBytes: 1.5 * 2 ** 20 };
/** For storage where a request takes long: fewer. */
export const LARGE_STAGES: StageSize = { maxBytes: 4 * 2 ** 20, softBytes: 3.25 * 2 ** 20 };

/** Blocks of scattered chunks, decoded. */
const STAGE_BLOCK_BYTES = 6 * 2 ** 20;
const STAGE_REFS = 2048;

export interface DecodeStage {
  readonly wanted: readonly Wanted[];
  readonly sizeBytes: number;
  /** Full blocks by number, those of bases too; and the differences. */
  readonly full: ReadonlyMap<number, ChunkPlace>;
  readonly deltas: ReadonlyMap<number, ChunkPlace>;
  /** Of each wanted chunk. */
  readonly bases: readonly (readonly ChunkPlace[])[];
  /** False when it cannot come out right, which the reader itself is to explain. */
  readonly isSound: boolean;
}

const NONE: readonly ChunkPlace[] = [];

/** Null when one is in no readable pack, or a difference itself. */
function basesOf(index: ChunkIndex, { bases }: ChunkPlace): readonly ChunkPlace[] | null {
  if (bases.length === 0) return NONE;
  const places: ChunkPlace[] = [];
  for (const number of bases) {
    const place = number < 0 ? null : index.placeOf(number);
    if (place === null || place.bases.length > 0) return null;
    places.push(place);
  }
  return places;
}

function newStage({ maxBytes, softBytes }: StageSize) {
  const wanted: Wanted[] = [];
  const bases: (readonly ChunkPlace[])[] = [];
  const full = new Map<number, ChunkPlace>();
  const deltas = new Map<number, ChunkPlace>();
  let blockBytes = 0;
  const stage = { wanted, bases, full, deltas, sizeBytes: 0, isSound: true };
  const needsAny = (place: ChunkPlace, found: readonly ChunkPlace[]) =>
    found.length === 0 ? full.has(place.blockNumber) : found.some(({ blockNumber }) => full.has(blockNumber));
  const need = (place: ChunkPlace) => {
    if (full.has(place.blockNumber)) return;
    full.set(place.blockNumber, place);
    blockBytes += place.blockPlainBytes;
  };
  return {
    stage,
    isFullFor(chunk: Wanted, found: readonly ChunkPlace[]): boolean {
      const { sizeBytes } = stage;
      if (wanted.length === 0) return false;
      if (sizeBytes + chunk.lengthBytes > maxBytes || wanted.length >= STAGE_REFS) return true;
      if (blockBytes >= STAGE_BLOCK_BYTES) return true;
      return sizeBytes >= softBytes && !needsAny(chunk.place, found);
    },
    add(chunk: Wanted, found: readonly ChunkPlace[] | null): void {
      const { place, lengthBytes } = chunk;
      wanted.push(chunk);
      bases.push(found ?? NONE);
      stage.sizeBytes += lengthBytes;
      stage.isSound &&= found !== null && lengthBytes === place.lengthBytes && lengthBytes <= MAX_BLOCK_BYTES;
      if (found === null) return;
      if (found.length > 0) deltas.set(place.blockNumber, place);
      else need(place);
      found.forEach(need);
    },
  };
}

/** Stages of the references in lists of whole ones. Throws what `locate` throws, `object_damaged` for a list that ends inside one. */
export async function* decodeStages(
  index: ChunkIndex,
  locate: (ref: Ref) => Wanted,
  lists: AsyncIterable<Buffer>,
  size: StageSize,
): AsyncGenerator<DecodeStage> {
  let stage = newStage(size);
  for await (const list of lists) {
    for (const ref of eachRef(list)) {
      const chunk = locate(ref);
      const bases = basesOf(index, chunk.place);
      if (stage.isFullFor(chunk, bases ?? NONE)) {
        yield stage.stage;
        stage = newStage(size);
      }
      stage.add(chunk, bases);
    }
  }
  if (stage.stage.wanted.length > 0) yield stage.stage;
}
