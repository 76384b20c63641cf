import { createHmac, timingSafeEqual } from 'node:crypto';
import { codeOf, HoldfastError } from '../base/errors.ts';
import { HEADER_BYTES } from '../crypto/object-header.ts';
import type { PackOpener } from '../crypto/pack-cipher.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Content } from '../sources/port.ts';
import type { Storage } from '../storage/port.ts';
import { blockCache } from './block-cache.ts';
import { decodeRecord } from './block-codec.ts';
import type { ChunkIndex, ChunkPlace } from './chunk-index.ts';
import { packName } from './object-names.ts';
import { openPack } from './pack-reader.ts';
import { eachRef } from './walk-content.ts';

export interface ChunkReader {
  /**
   * Bytes of a content, or [start, end) of them, every chunk checked against its id before it is given out. Throws
   * `chunk_missing`, `object_missing`, `object_damaged` naming pack and block, `key_wrong`, `limit_exceeded`.
   */
  read(content: Content, range?: { readonly start: number; readonly end: number }): AsyncIterable<Buffer>;
  /** One chunk. Throws as `read`. */
  readChunk(id: Buffer): Promise<Buffer>;
  /** Drops what is cached. */
  close(): void;
}

const CACHE_BYTES = 24 * 2 ** 20;
/** Blocks that lie together are fetched together, up to so much. */
const FETCH_BYTES = 4 * 2 ** 20;
/** A gap this small is cheaper to read than another request. */
const GAP_BYTES = 64 * 1024;
/** How far ahead references are looked at: enough to fill a fetch. */
const WINDOW_REFS = 512;
const MAX_DEPTH = 4;
const OPEN_PACKS = 64;

interface Ref {
  readonly id: Buffer;
  readonly lengthBytes: number;
}

interface Wanted extends Ref {
  readonly place: ChunkPlace;
}

/** Blocks of one pack, on their way from storage. */
interface Fetch {
  readonly bytes: Promise<Buffer>;
  readonly offset: number;
  readonly places: readonly ChunkPlace[];
}

export function openChunkReader(input: {
  readonly storage: Storage;
  readonly keys: RepositoryKeys;
  readonly index: ChunkIndex;
}): ChunkReader {
  const { storage, keys, index } = input;
  const cache = blockCache(CACHE_BYTES);
  const openers = new Map<number, Promise<PackOpener>>();

  const openerOf = (packNumber: number): Promise<PackOpener> => {
    let opener = openers.get(packNumber);
    if (!opener) {
      const name = packName(index.packs[packNumber]!);
      opener = storage.get(name, { offset: 0, length: HEADER_BYTES }).then((head) => openPack(keys, head));
      if (openers.size >= OPEN_PACKS) openers.delete(openers.keys().next().value!);
      openers.set(packNumber, opener);
      opener.catch(() => openers.delete(packNumber));
    }
    return opener;
  };
  const fetchBlocks = (places: readonly ChunkPlace[]): Fetch => {
    const first = places[0]!;
    const last = places.at(-1)!;
    const length = last.blockOffset + last.blockStoredBytes - first.blockOffset;
    const name = packName(index.packs[first.packNumber]!);
    const bytes = storage.get(name, { offset: first.blockOffset, length });
    bytes.catch(() => {});
    return { bytes, offset: first.blockOffset, places };
  };
  const decodeBlock = async (place: ChunkPlace, stored: Buffer): Promise<Buffer> => {
    try {
      const opener = await openerOf(place.packNumber);
      return await decodeRecord(
        opener.openBlock(place.blockOfPack, stored),
        place.blockPlainBytes,
        readChunk,
      );
    } catch (error) {
      if (codeOf(error) !== 'object_damaged' && codeOf(error) !== 'key_wrong') throw error;
      const pack = packName(index.packs[place.packNumber]!);
      throw new HoldfastError(
        'object_damaged',
        `${pack}, block ${place.blockOfPack}: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    }
  };
  const receive = async ({ bytes, offset, places }: Fetch): Promise<void> => {
    const fetched = await bytes;
    for (const place of places) {
      if (cache.get(place.blockNumber)) continue;
      const start = place.blockOffset - offset;
      const stored = fetched.subarray(start, start + place.blockStoredBytes);
      cache.set(place.blockNumber, await decodeBlock(place, stored));
    }
  };
  const checked = ({ id, lengthBytes, place }: Wanted, block: Buffer): Buffer => {
    const bytes = block.subarray(place.offsetInBlock, place.offsetInBlock + place.lengthBytes);
    const isRight =
      lengthBytes === place.lengthBytes &&
      timingSafeEqual(createHmac('sha256', keys.chunkIdKey).update(bytes).digest(), id);
    if (isRight) return bytes;
    const pack = packName(index.packs[place.packNumber]!);
    throw new HoldfastError(
      'object_damaged',
      `${pack}, block ${place.blockOfPack}: a chunk is not what its id says`,
    );
  };
  const locate = (ref: Ref): Wanted => {
    const number = index.find(ref.id);
    const place = number < 0 ? null : index.placeOf(number);
    if (place) return { ...ref, place };
    throw new HoldfastError('chunk_missing', `chunk ${ref.id.toString('hex')} is in no readable pack`);
  };
  const blockOf = async (wanted: Wanted): Promise<Buffer> => {
    const { place } = wanted;
    let block = cache.get(place.blockNumber);
    if (!block) {
      await receive(fetchBlocks([place]));
      block = cache.get(place.blockNumber)!;
    }
    return block;
  };

  async function readChunk(id: Buffer): Promise<Buffer> {
    const number = index.find(id);
    const lengthBytes = number < 0 ? 0 : (index.placeOf(number)?.lengthBytes ?? 0);
    const wanted = locate({ id, lengthBytes });
    return checked(wanted, await blockOf(wanted));
  }

  /** Splits what is wanted into fetches; a chunk whose block is cached or already being fetched needs none. */
  const planFetches = (wanted: readonly Wanted[]): { fetch: Fetch | null; wanted: Wanted[] }[] => {
    const groups: { places: ChunkPlace[]; wanted: Wanted[] }[] = [];
    for (const one of wanted) {
      const { place } = one;
      const group = groups.at(-1);
      const last = group?.places.at(-1);
      const first = group?.places[0];
      if (group && last && first && fits(first, last, place)) {
        if (place.blockNumber !== last.blockNumber) group.places.push(place);
        group.wanted.push(one);
      } else groups.push({ places: [place], wanted: [one] });
    }
    return groups.map((group) => {
      const missing = group.places.filter((place) => cache.get(place.blockNumber) === undefined);
      return { fetch: missing.length > 0 ? fetchBlocks(missing) : null, wanted: group.wanted };
    });
  };

  /** Bytes of all refs in order. One window of fetches is under way while the one before is decoded. */
  async function* readRefs(refs: AsyncIterable<Ref> | Iterable<Ref>): AsyncGenerator<Buffer> {
    for await (const window of windows(refs)) {
      const groups = planFetches(window.map(locate));
      for (const group of groups) {
        if (group.fetch) await receive(group.fetch);
        for (const wanted of group.wanted) yield checked(wanted, await blockOf(wanted));
      }
    }
  }

  /** References of a content's lowest level. */
  async function* dataRefs(content: Content): AsyncGenerator<Ref> {
    if (content.depth > MAX_DEPTH) {
      throw new HoldfastError('limit_exceeded', `a content has depth ${content.depth}`);
    }
    let level: AsyncIterable<Ref> | Iterable<Ref> = eachRef(content.refs);
    for (let depth = content.depth; depth > 0; depth -= 1) level = refsIn(readRefs(level));
    yield* level;
  }

  async function* read(
    content: Content,
    range: { readonly start: number; readonly end: number } = { start: 0, end: content.sizeBytes },
  ): AsyncGenerator<Buffer> {
    const whole = range.start === 0 && range.end === content.sizeBytes;
    let firstAt = -1;
    let at = 0;
    async function* inRange(): AsyncGenerator<Ref> {
      for await (const ref of dataRefs(content)) {
        const start = at;
        at += ref.lengthBytes;
        if (!whole && start >= range.end) return;
        if (at <= range.start && ref.lengthBytes > 0) continue;
        if (firstAt < 0) firstAt = start;
        yield ref;
      }
      if (at !== content.sizeBytes) {
        throw new HoldfastError(
          'object_damaged',
          `a content of ${content.sizeBytes} bytes refers to ${at} bytes`,
        );
      }
    }
    let position = -1;
    for await (const bytes of readRefs(inRange())) {
      if (position < 0) position = firstAt;
      const from = Math.max(0, range.start - position);
      const to = Math.min(bytes.length, range.end - position);
      position += bytes.length;
      if (to > from) yield bytes.subarray(from, to);
    }
  }

  return {
    read,
    readChunk,
    close() {
      cache.clear();
      openers.clear();
    },
  };
}

function fits(first: ChunkPlace, last: ChunkPlace, next: ChunkPlace): boolean {
  if (next.packNumber !== last.packNumber) return false;
  if (next.blockNumber === last.blockNumber) return true;
  const gap = next.blockOffset - (last.blockOffset + last.blockStoredBytes);
  const span = next.blockOffset + next.blockStoredBytes - first.blockOffset;
  return gap >= 0 && gap <= GAP_BYTES && span <= FETCH_BYTES;
}

/** Groups refs, so that the place of many is known before the first is read. */
async function* windows(refs: AsyncIterable<Ref> | Iterable<Ref>): AsyncGenerator<Ref[]> {
  let window: Ref[] = [];
  for await (const ref of refs) {
    window.push(ref);
    if (window.length < WINDOW_REFS) continue;
    yield window;
    window = [];
  }
  if (window.length > 0) yield window;
}

/** References in a stream of bytes; one may lie across two pieces. */
async function* refsIn(bytes: AsyncIterable<Buffer>): AsyncGenerator<Ref> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of bytes) {
    const joined = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const whole = joined.length - (joined.length % 36);
    yield* eachRef(joined.subarray(0, whole));
    rest = joined.subarray(whole);
  }
  if (rest.length > 0) throw new HoldfastError('object_damaged', 'a list of references ends inside one');
}
