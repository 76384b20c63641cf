import { HoldfastError } from '../base/errors.ts';
import type { RepositoryKeys } from '../crypto/repository-keys.ts';
import type { Content } from '../sources/port.ts';
import type { Storage } from '../storage/port.ts';
import { type BlockLoader, blockLoader, type Fetch, type Wanted } from './block-loader.ts';
import type { ChunkIndex, ChunkPlace } from './chunk-index.ts';
import { eachRef, REF_BYTES, type Ref } from './refs.ts';

export interface ChunkReader {
  /**
   * Bytes of a content, or [start, end) of them, every chunk checked against its id before it is given out. Throws
   * `chunk_missing`, `object_missing`, `object_damaged` naming pack and block, `key_wrong`, `limit_exceeded`.
   */
  read(content: Content, range?: { readonly start: number; readonly end: number }): AsyncIterable<Buffer>;
  /** What a content consists of, in order. Throws as `read`. */
  refs(content: Content): AsyncIterable<Ref>;
  /** One chunk. Throws as `read`. */
  readChunk(id: Buffer): Promise<Buffer>;
  /** See `BlockLoader`. */
  readonly readRecord: BlockLoader['readRecord'];
  readonly dictionaryOf: BlockLoader['dictionaryOf'];
  /** Drops what is cached. */
  close(): void;
}

/** Blocks that lie together are fetched together, up to so much. */
const FETCH_BYTES = 4 * 2 ** 20;
/** A gap this small is cheaper to read than another request. */
const GAP_BYTES = 64 * 1024;
/** How far ahead references are looked at: enough to fill a fetch. */
const WINDOW_REFS = 512;
const MAX_DEPTH = 4;

type Refs = AsyncIterable<Ref> | Iterable<Ref>;

export function openChunkReader(input: {
  readonly storage: Storage;
  readonly keys: RepositoryKeys;
  readonly index: ChunkIndex;
}): ChunkReader {
  const loader = blockLoader(input);
  return {
    read: (content, range) =>
      range === undefined ? readWhole(loader, content) : readRange(loader, content, range),
    refs: (content) => dataRefs(loader, content),
    readChunk: loader.readChunk,
    readRecord: loader.readRecord,
    dictionaryOf: loader.dictionaryOf,
    close: loader.clear,
  };
}

async function* readWhole(loader: BlockLoader, content: Content): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  for await (const bytes of readRefs(loader, dataRefs(loader, content))) {
    sizeBytes += bytes.length;
    if (sizeBytes > content.sizeBytes) break;
    yield bytes;
  }
  if (sizeBytes === content.sizeBytes) return;
  throw new HoldfastError(
    'object_damaged',
    `a content of ${content.sizeBytes} bytes refers to ${sizeBytes} bytes`,
  );
}

async function* readRange(
  loader: BlockLoader,
  content: Content,
  { start, end }: { readonly start: number; readonly end: number },
): AsyncGenerator<Buffer> {
  let position = 0;
  async function* inRange(): AsyncGenerator<Ref> {
    let at = 0;
    for await (const ref of dataRefs(loader, content)) {
      if (at >= end) return;
      const from = at;
      at += ref.lengthBytes;
      if (at <= start) position = at;
      else if (from < end) yield ref;
    }
    if (at < end) throw new HoldfastError('object_damaged', `a content ends at ${at}, before ${end}`);
  }
  for await (const bytes of readRefs(loader, inRange())) {
    const from = Math.max(0, start - position);
    const to = Math.min(bytes.length, end - position);
    position += bytes.length;
    if (to > from) yield bytes.subarray(from, to);
  }
}

/** References of a content's lowest level. */
async function* dataRefs(loader: BlockLoader, content: Content): AsyncGenerator<Ref> {
  if (content.depth > MAX_DEPTH) {
    throw new HoldfastError('limit_exceeded', `a content has depth ${content.depth}`);
  }
  let level: Refs = eachRef(content.refs);
  for (let depth = content.depth; depth > 0; depth -= 1) level = refsIn(readRefs(loader, level));
  yield* level;
}

/** Bytes of all refs in order. While one fetch is decoded the next is on its way. */
async function* readRefs(loader: BlockLoader, refs: Refs): AsyncGenerator<Buffer> {
  for await (const window of windows(refs)) {
    const groups = groupsOf(window.map(loader.locate));
    let next: Fetch | null = begin(loader, groups[0]!);
    for (let i = 0; i < groups.length; i += 1) {
      const fetch = next;
      next = i + 1 < groups.length ? begin(loader, groups[i + 1]!) : null;
      if (fetch) await loader.receive(fetch);
      for (const wanted of groups[i]!.wanted) yield await loader.chunk(wanted);
    }
  }
}

interface Group {
  readonly places: ChunkPlace[];
  readonly wanted: Wanted[];
}

/** Neighbours in a pack form a group. */
function groupsOf(wanted: readonly Wanted[]): Group[] {
  const groups: Group[] = [];
  for (const one of wanted) {
    const group = groups.at(-1);
    const last = group?.places.at(-1);
    if (group && last && fits(group.places[0]!, last, one.place)) {
      if (one.place.blockNumber !== last.blockNumber) group.places.push(one.place);
      group.wanted.push(one);
    } else groups.push({ places: [one.place], wanted: [one] });
  }
  return groups;
}

/** Null when every block is there already. */
function begin(loader: BlockLoader, { places }: Group): Fetch | null {
  const missing = places.filter((place) => !loader.isCached(place));
  return missing.length > 0 ? loader.fetch(missing) : null;
}

function fits(first: ChunkPlace, last: ChunkPlace, next: ChunkPlace): boolean {
  if (next.packNumber !== last.packNumber) return false;
  if (next.blockNumber === last.blockNumber) return true;
  const gap = next.blockOffset - (last.blockOffset + last.blockStoredBytes);
  const span = next.blockOffset + next.blockStoredBytes - first.blockOffset;
  return gap >= 0 && gap <= GAP_BYTES && span <= FETCH_BYTES;
}

/** Groups refs, so that the place of many is known before the first is read. */
async function* windows(refs: Refs): AsyncGenerator<Ref[]> {
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
    const whole = joined.length - (joined.length % REF_BYTES);
    yield* eachRef(joined.subarray(0, whole));
    rest = joined.subarray(whole);
  }
  if (rest.length > 0) throw new HoldfastError('object_damaged', 'a list of references ends inside one');
}
